// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Endpoint;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrRequest;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrResponse;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Neighbors;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Pong;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Node Discovery v4 (devp2p discv4.md): responds to packets, and sends requests.
 *
 * <p>Responses go to the UDP source of a packet, never to an endpoint that the packet names. A node
 * without an endpoint proof gets only a Pong and a Ping, which together are shorter than three
 * times its Ping.
 */
final class DiscoveryV4 implements NodeProtocol {
  /** Validity of a sent packet (geth's value). */
  static final long EXPIRATION_SECONDS = 20;

  /** The lowest port that a node in a Neighbors packet may have: lower ones are of services. */
  static final int MIN_PORT = 1024;

  private static final Logger LOG = LoggerFactory.getLogger(DiscoveryV4.class);

  private final DiscoveryContext context;
  private final NodeTable table;
  private final Bytes selfKey;
  private final ClockCheck clockCheck;
  private final EndpointProofs proofs;

  /** The pings of this node's own requests. */
  private final V4Requests<Pong> pings;

  /**
   * The pings that return those of nodes without an endpoint proof. They have a limit of their own:
   * a flood of pings from strangers must not keep this node from its own requests.
   */
  private final V4Requests<Pong> returnedPings;

  /** Waits for a Ping of a node: it then has an endpoint proof of this node. */
  private final V4Requests<Boolean> counterPings;

  private final V4Requests<List<Contact>> queries;
  private final V4Requests<NodeRecord> recordRequests;

  /** Creates the protocol; {@code table} is shared with the upkeep and lookups. */
  DiscoveryV4(DiscoveryContext context, NodeTable table) {
    this.context = context;
    this.table = table;
    this.selfKey = Bytes.wrap(Secp256k1.publicKey(context.privateKey()));
    this.clockCheck = new ClockCheck(context.timers(), LOG::warn);
    this.proofs = new EndpointProofs(context.timers());
    this.pings = new V4Requests<>(context.timers());
    this.returnedPings = new V4Requests<>(context.timers());
    this.counterPings = new V4Requests<>(context.timers());
    this.queries = new V4Requests<>(context.timers());
    this.recordRequests = new V4Requests<>(context.timers());
  }

  // ---- receiving

  /**
   * Checks what needs no cryptography.
   *
   * @throws MalformedPacketException when the packet has expired
   */
  void checkExpiration(V4Codec.Received received, InetSocketAddress source)
      throws MalformedPacketException {
    if (received.packet() instanceof V4Packet.Expiring expiring) {
      long now = context.clock().instant().getEpochSecond();
      clockCheck.add(source.getAddress(), expiring.expiration(), now);
      // from 2^63 on it is a time before 1970, as geth reads it and its suite sends it
      if (expiring.expiration() < now) {
        throw new MalformedPacketException("expired");
      }
    }
  }

  /** Returns the check of the clock of this machine. */
  ClockCheck clockCheck() {
    return clockCheck;
  }

  /**
   * Handles a packet from a source.
   *
   * @throws MalformedPacketException when the packet violates the protocol: it is dropped
   */
  void handle(V4Codec.Received received, InetSocketAddress source) throws MalformedPacketException {
    Bytes senderKey = received.recoverSender();
    if (senderKey.equals(selfKey)) {
      throw new MalformedPacketException("own packet");
    }
    Peer peer = new Peer(senderKey, senderKey.keccak(), source);
    V4Packet packet = received.packet();
    if (packet instanceof Ping ping) {
      handlePing(ping, received.hash(), peer);
    } else if (packet instanceof Pong pong) {
      handlePong(pong, peer);
    } else if (packet instanceof FindNode find) {
      handleFindNode(find, peer);
    } else if (packet instanceof Neighbors neighbors) {
      handleNeighbors(neighbors, peer);
    } else if (packet instanceof EnrRequest) {
      handleEnrRequest(received.hash(), peer);
    } else if (packet instanceof EnrResponse response) {
      handleEnrResponse(response, peer);
    }
  }

  /** The sender of a packet whose signature is right. */
  private record Peer(Bytes key, Hash id, InetSocketAddress source) {
    InetAddress address() {
      return source.getAddress();
    }
  }

  private void handlePing(Ping ping, Hash hash, Peer peer) {
    Endpoint to = new Endpoint(peer.address(), peer.source().getPort(), ping.from().tcpPort());
    send(new Pong(to, hash, expiration(), context.localRecord().current().seq()), peer.source());
    proofs.addPing(peer.id(), peer.address());
    V4Requests<Boolean>.Pending counterPing = counterPings.get(peer.id(), peer.address());
    if (counterPing != null) {
      counterPing.complete(true);
    }
    Node node =
        new Node(peer.key(), peer.address(), peer.source().getPort(), ping.from().tcpPort());
    Contact contact = new Contact(peer.id(), node, null);
    if (proofs.isProven(peer.id(), peer.address())) {
      table.addFound(contact);
    } else {
      boolean waits = pings.get(peer.id(), peer.address()) != null;
      sendPing(waits ? pings : returnedPings, contact, result -> addWhenProven(contact, result));
    }
  }

  private void addWhenProven(Contact contact, RequestResult<Pong> result) {
    if (result.response() != null && table.addLive(contact)) {
      context.database().put(contact);
    }
  }

  private void handlePong(Pong pong, Peer peer) throws MalformedPacketException {
    List<V4Requests<Pong>.Pending> answered = new ArrayList<>(); // equal packets have one hash
    for (V4Requests<Pong> requests : List.of(pings, returnedPings)) {
      V4Requests<Pong>.Pending ping = requests.get(peer.id(), peer.address());
      if (ping != null && ping.packetHash().equals(pong.pingHash())) {
        answered.add(ping);
      }
    }
    if (answered.isEmpty()) {
      throw new MalformedPacketException("unsolicited Pong");
    }
    proofs.addPong(peer.id(), peer.address());
    context.localRecord().addStatement(peer.address(), pong.to().address());
    answered.forEach(ping -> ping.complete(pong));
  }

  private void handleFindNode(FindNode find, Peer peer) throws MalformedPacketException {
    requireProof(peer);
    List<Node> nodes = new ArrayList<>();
    for (Contact contact : table.closest(find.target().keccak(), NodeTable.BUCKET_SIZE, true)) {
      if (Addresses.isRelayable(peer.address(), contact.node().address())) {
        nodes.add(contact.dialable());
      }
    }
    int sent = 0;
    do { // an empty response is a response, too
      int end = Math.min(nodes.size(), sent + Neighbors.MAX_NODES);
      send(new Neighbors(nodes.subList(sent, end), expiration()), peer.source());
      sent = end;
    } while (sent < nodes.size());
  }

  private void handleNeighbors(Neighbors neighbors, Peer peer) throws MalformedPacketException {
    V4Requests<List<Contact>>.Pending query = queries.get(peer.id(), peer.address());
    if (query == null) {
      throw new MalformedPacketException("unsolicited Neighbors");
    }
    List<Contact> partial = query.partial();
    List<Contact> found = partial == null ? new ArrayList<>() : new ArrayList<>(partial);
    for (Node node : neighbors.nodes()) {
      if (found.size() < NodeTable.BUCKET_SIZE && isUsable(node, peer.address())) {
        found.add(Contact.of(node));
      }
    }
    query.setPartial(List.copyOf(found));
    // the number of packets is not announced: only these two are known to be the last
    if (found.size() >= NodeTable.BUCKET_SIZE || neighbors.nodes().isEmpty()) {
      query.complete(found);
    }
  }

  private boolean isUsable(Node node, InetAddress source) {
    return node.udpPort() >= MIN_PORT
        && !node.publicKey().equals(selfKey)
        && Addresses.isRelayable(source, node.address())
        && context.allowed().test(node.address())
        && Secp256k1.isPoint(node.publicKey().unsafeArray());
  }

  private void handleEnrRequest(Hash hash, Peer peer) throws MalformedPacketException {
    requireProof(peer);
    Bytes record = context.localRecord().current().encoded();
    send(new EnrResponse(hash, record), peer.source());
  }

  private void handleEnrResponse(EnrResponse response, Peer peer) throws MalformedPacketException {
    V4Requests<NodeRecord>.Pending request = recordRequests.get(peer.id(), peer.address());
    if (request == null || !request.packetHash().equals(response.requestHash())) {
      throw new MalformedPacketException("unsolicited ENRResponse");
    }
    NodeRecord record;
    try {
      record = NodeRecord.decode(response.record().unsafeArray());
    } catch (IllegalArgumentException malformed) {
      request.complete(null);
      throw new MalformedPacketException(String.valueOf(malformed.getMessage()));
    }
    if (!record.publicKey().equals(peer.key())) {
      request.complete(null);
      throw new MalformedPacketException("the record of another node");
    }
    request.complete(record);
  }

  private void requireProof(Peer peer) throws MalformedPacketException {
    if (!proofs.isProven(peer.id(), peer.address())) {
      throw new MalformedPacketException("no endpoint proof");
    }
  }

  // ---- sending

  @Override
  public boolean needsRecords() {
    return false;
  }

  @Override
  public void ping(Contact contact, Consumer<RequestResult<Contact>> done) {
    sendPing(pings, contact, result -> withNewestRecord(contact, result, done));
  }

  private void withNewestRecord(
      Contact contact, RequestResult<Pong> result, Consumer<RequestResult<Contact>> done) {
    Pong pong = result.response();
    if (pong == null) {
      done.accept(result.withoutResponse());
    } else if (Long.compareUnsigned(pong.recordSeq(), contact.recordSeq()) > 0) {
      requestRecord(
          contact, record -> done.accept(RequestResult.of(updated(contact, record.response()))));
    } else {
      done.accept(RequestResult.of(contact));
    }
  }

  private static Contact updated(Contact contact, @Nullable NodeRecord record) {
    return record == null ? contact : contact.withRecord(record);
  }

  private void sendPing(
      V4Requests<Pong> requests, Contact contact, Consumer<RequestResult<Pong>> done) {
    Node node = contact.node();
    requests.add(
        contact.id(),
        node.address(),
        () -> {
          LocalRecord local = context.localRecord();
          Endpoint from = new Endpoint(local.address(), local.udpPort(), local.tcpPort());
          Endpoint to = new Endpoint(node.address(), node.udpPort(), 0);
          if (requests == pings) { // a stranger gains nothing by a ping
            context.sender().expectReply(node.address());
          }
          return send(new Ping(from, to, expiration(), local.current().seq()), node.udpEndpoint());
        },
        done);
  }

  @Override
  public void findNode(
      Contact contact, LookupTarget target, Consumer<RequestResult<List<Contact>>> done) {
    bond(
        contact,
        bond -> {
          if (bond.response() == null) {
            done.accept(bond.withoutResponse());
            return;
          }
          queries.add(
              contact.id(),
              contact.node().address(),
              () -> request(new FindNode(target.key(), expiration()), contact.node()),
              found -> {
                if (found.isTimeout()) {
                  proofs.removePing(contact.id(), contact.node().address());
                }
                done.accept(found);
              });
        });
  }

  @Override
  public void requestRecord(Contact contact, Consumer<RequestResult<NodeRecord>> done) {
    bond(
        contact,
        bond -> {
          if (bond.response() == null) {
            done.accept(bond.withoutResponse());
            return;
          }
          recordRequests.add(
              contact.id(),
              contact.node().address(),
              () -> request(new EnrRequest(expiration()), contact.node()),
              done);
        });
  }

  /**
   * Gives a node the chance to verify this node's endpoint: pings it, and waits for its own ping,
   * to which this node responds. A node that does not ping within the time limit has a proof
   * already, as far as this node can know.
   */
  private void bond(Contact contact, Consumer<RequestResult<Boolean>> done) {
    Hash id = contact.id();
    InetAddress address = contact.node().address();
    RequestResult<Boolean> bonded = RequestResult.of(true);
    if (proofs.isKnownTo(id, address)) {
      done.accept(bonded);
      return;
    }
    sendPing(
        pings,
        contact,
        result -> {
          if (result.response() == null) {
            done.accept(result.withoutResponse());
          } else if (proofs.isKnownTo(id, address)) {
            done.accept(bonded);
          } else {
            counterPings.add(id, address, () -> Hash.ZERO, pinged -> done.accept(bonded));
          }
        });
  }

  /** Sends a request and returns its hash; null when it was not sent. */
  private @Nullable Hash request(V4Packet packet, Node node) {
    context.sender().expectReply(node.address());
    return send(packet, node.udpEndpoint());
  }

  /** Sends a packet and returns its hash; null when it was not sent. */
  private @Nullable Hash send(V4Packet packet, InetSocketAddress recipient) {
    V4Codec.Sealed sealed = V4Codec.encode(packet, context.privateKey());
    if (!context.sender().send(sealed.bytes(), recipient)) {
      return null;
    }
    LOG.trace("Sent {} to {}", packet.getClass().getSimpleName(), recipient);
    return sealed.hash();
  }

  private long expiration() {
    return context.clock().instant().getEpochSecond() + EXPIRATION_SECONDS;
  }

  /** Returns the number of requests that wait for a response. */
  int pending() {
    return pings.size()
        + returnedPings.size()
        + counterPings.size()
        + queries.size()
        + recordRequests.size();
  }
}
