// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V5Message.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Nodes;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Ping;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Pong;
import dev.patchbay.p2p.devp2p.discovery.V5Message.TalkRequest;
import dev.patchbay.p2p.devp2p.discovery.V5Message.TalkResponse;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Node Discovery v5.1 (devp2p discv5.md): handshakes, responses, requests. Topics are not
 * supported, as in other clients.
 *
 * <p>A packet that cannot be decrypted causes a WHOAREYOU packet, the shortest packet; nothing else
 * goes to a node without a session. The signature of a handshake is verified only when this node
 * has asked for it.
 */
final class DiscoveryV5 implements NodeProtocol {
  /** Records of a NODES message: three of the greatest size fit into a packet. */
  static final int RECORDS_PER_MESSAGE = 3;

  /** Distances that a lookup asks a node for. */
  private static final int LOOKUP_DISTANCES = 3;

  /** Length of the random bytes that replace a message while there are no keys (geth's value). */
  private static final int RANDOM_MESSAGE_BYTES = 20;

  private final DiscoveryContext context;
  private final NodeTable table;
  private final Hash self;
  private final V5Sessions sessions;
  private final V5Challenges challenges;
  private final V5Calls calls;

  /** Creates the protocol; {@code table} is shared with the upkeep and lookups. */
  DiscoveryV5(DiscoveryContext context, NodeTable table) {
    this.context = context;
    this.table = table;
    this.self = context.localRecord().current().id();
    this.sessions = new V5Sessions(context.random());
    this.challenges = new V5Challenges(context.timers());
    this.calls = new V5Calls(context.timers(), this::send);
  }

  // ---- receiving

  /**
   * Decodes the header of a packet. Threading: any thread.
   *
   * @throws MalformedPacketException when the packet is not of this protocol or malformed
   */
  V5Codec.Received decode(byte[] packet) throws MalformedPacketException {
    return V5Codec.decode(self, packet);
  }

  /**
   * Handles a packet from a source.
   *
   * @throws MalformedPacketException when the packet violates the protocol: it is dropped
   */
  void handle(V5Codec.Received received, InetSocketAddress source) throws MalformedPacketException {
    V5Codec.AuthData auth = received.auth();
    if (auth instanceof V5Codec.MessageAuth message) {
      handleMessage(received, message.sender(), source);
    } else if (auth instanceof V5Codec.WhoAreYouAuth challenge) {
      handleWhoAreYou(received, challenge, source);
    } else if (auth instanceof V5Codec.HandshakeAuth handshake) {
      handleHandshake(received, handshake, source);
    }
  }

  private void handleMessage(V5Codec.Received received, Hash sender, InetSocketAddress source)
      throws MalformedPacketException {
    requireForeign(sender);
    V5Sessions.Session session = sessions.get(sender, source);
    byte[] plain =
        session == null
            ? null
            : V5Crypto.decrypt(
                session.readKey(),
                received.nonce().unsafeArray(),
                received.message(),
                received.headerData());
    if (plain == null) {
      challenge(sender, source, received.nonce());
    } else {
      respond(V5Message.decode(plain), sender, source);
    }
  }

  private void requireForeign(Hash sender) throws MalformedPacketException {
    if (sender.equals(self)) {
      throw new MalformedPacketException("own packet");
    }
  }

  /**
   * Sends WHOAREYOU. A node with several requests under way gets the same challenge again, with the
   * nonce of the first request: only that one starts a handshake, which may be under way.
   */
  private void challenge(Hash id, InetSocketAddress endpoint, Bytes nonce) {
    V5Challenges.Challenge waiting = challenges.get(id, endpoint);
    if (waiting != null) {
      context.sender().send(waiting.packet(), endpoint);
      return;
    }
    NodeTable.Entry entry = table.find(id);
    NodeRecord record = entry == null ? null : entry.contact().record();
    V5Codec.WhoAreYouAuth auth =
        new V5Codec.WhoAreYouAuth(
            Bytes.wrap(random(V5Codec.ID_NONCE_BYTES)), record == null ? 0 : record.seq());
    V5Codec.Header header = V5Codec.header(id, random(V5Codec.IV_BYTES), nonce, auth);
    V5Challenges.Challenge challenge =
        new V5Challenges.Challenge(header.masked(), header.data(), record);
    if (challenges.add(id, endpoint, challenge)) {
      context.sender().send(header.masked(), endpoint);
    }
  }

  private void handleWhoAreYou(
      V5Codec.Received received, V5Codec.WhoAreYouAuth auth, InetSocketAddress source)
      throws MalformedPacketException {
    V5Calls.Call call = calls.byNonce(received.nonce());
    if (call == null || !call.endpoint().equals(source)) {
      throw new MalformedPacketException("unsolicited WHOAREYOU");
    }
    if (!call.startHandshake()) {
      call.end();
      throw new MalformedPacketException("second WHOAREYOU for a request");
    }
    sendHandshake(call, auth.recordSeq(), received.headerData());
  }

  private void sendHandshake(V5Calls.Call call, long knownSeq, byte[] challengeData) {
    Contact contact = call.contact();
    byte[] ephemeral = privateKey();
    byte[] publicKey = Secp256k1.compress(Secp256k1.publicKey(ephemeral));
    byte[] secret = V5Crypto.sharedSecret(contact.node().publicKey().unsafeArray(), ephemeral);
    if (secret == null) {
      call.end(); // cannot be: the key of a record is a point of the curve
      return;
    }
    V5Crypto.SessionKeys keys = V5Crypto.deriveKeys(secret, self, contact.id(), challengeData);
    NodeRecord record = context.localRecord().current();
    V5Codec.HandshakeAuth auth =
        new V5Codec.HandshakeAuth(
            self,
            Bytes.wrap(
                V5Crypto.signId(challengeData, publicKey, contact.id(), context.privateKey())),
            Bytes.wrap(publicKey),
            knownSeq == record.seq() ? Bytes.EMPTY : record.encoded());
    V5Sessions.Session session =
        sessions.put(contact.id(), call.endpoint(), keys.initiator(), keys.recipient());
    sendRequest(call, session, auth);
  }

  private byte[] privateKey() {
    while (true) {
      byte[] key = random(32);
      try {
        Secp256k1.checkPrivateKey(key);
        return key;
      } catch (IllegalArgumentException outOfRange) {
        // one in 2^128: draw again
      }
    }
  }

  private void handleHandshake(
      V5Codec.Received received, V5Codec.HandshakeAuth auth, InetSocketAddress source)
      throws MalformedPacketException {
    requireForeign(auth.sender());
    V5Challenges.Challenge challenge = challenges.take(auth.sender(), source);
    if (challenge == null) {
      throw new MalformedPacketException("unsolicited handshake");
    }
    NodeRecord record = senderRecord(auth, challenge.record());
    byte[] ephemeralKey = auth.ephemeralKey().unsafeArray();
    byte[] point = Secp256k1.decompress(ephemeralKey);
    if (point == null
        || !V5Crypto.verifyId(
            auth.signature().unsafeArray(),
            challenge.data(),
            ephemeralKey,
            self,
            record.publicKey())) {
      throw new MalformedPacketException("wrong signature of a handshake");
    }
    byte[] secret = V5Crypto.sharedSecret(point, context.privateKey());
    if (secret == null) {
      throw new MalformedPacketException("ephemeral key is not a point of the curve");
    }
    V5Crypto.SessionKeys keys = V5Crypto.deriveKeys(secret, auth.sender(), self, challenge.data());
    byte[] plain =
        V5Crypto.decrypt(
            keys.initiator(),
            received.nonce().unsafeArray(),
            received.message(),
            received.headerData());
    if (plain == null) {
      throw new MalformedPacketException("the message of a handshake is not authentic");
    }
    sessions.put(auth.sender(), source, keys.recipient(), keys.initiator());
    addSender(record, source);
    respond(V5Message.decode(plain), auth.sender(), source);
  }

  /** Returns the record that the sender includes when it is newer, else the known one. */
  private static NodeRecord senderRecord(V5Codec.HandshakeAuth auth, @Nullable NodeRecord known)
      throws MalformedPacketException {
    NodeRecord record = known;
    if (!auth.record().isEmpty()) {
      NodeRecord included = decodeRecord(auth.record());
      if (known == null || Long.compareUnsigned(included.seq(), known.seq()) > 0) {
        record = included;
      }
    }
    if (record == null) {
      throw new MalformedPacketException("a handshake without a record");
    }
    if (!record.id().equals(auth.sender())) {
      throw new MalformedPacketException("a handshake with the record of another node");
    }
    return record;
  }

  /**
   * Decodes a record of another node.
   *
   * @throws MalformedPacketException as of {@link NodeRecord#decode}
   */
  static NodeRecord decodeRecord(Bytes encoded) throws MalformedPacketException {
    try {
      return NodeRecord.decode(encoded.unsafeArray());
    } catch (IllegalArgumentException malformed) {
      throw new MalformedPacketException(String.valueOf(malformed.getMessage()));
    }
  }

  /** A sender whose record names another endpoint than its source is not reachable there. */
  private void addSender(NodeRecord record, InetSocketAddress source) {
    Contact contact = Contact.of(record);
    if (contact != null && contact.node().udpEndpoint().equals(source)) {
      table.addFound(contact);
    }
  }

  private void respond(V5Message message, Hash sender, InetSocketAddress source)
      throws MalformedPacketException {
    if (message instanceof Ping ping) {
      long seq = context.localRecord().current().seq();
      reply(new Pong(ping.requestId(), seq, source.getAddress(), source.getPort()), sender, source);
    } else if (message instanceof FindNode find) {
      respondToFindNode(find, sender, source);
    } else if (message instanceof TalkRequest talk) {
      reply(new TalkResponse(talk.requestId(), Bytes.EMPTY), sender, source);
    } else if (message instanceof V5Message.Response response) {
      handleResponse(response, sender, source);
    }
  }

  private void respondToFindNode(FindNode find, Hash sender, InetSocketAddress source) {
    List<Bytes> records = new ArrayList<>();
    for (int distance : new LinkedHashSet<>(find.distances())) {
      if (distance == 0) {
        records.add(context.localRecord().current().encoded());
      }
      for (Contact contact : table.liveAt(distance)) {
        NodeRecord record = contact.record();
        if (record != null
            && !contact.id().equals(sender)
            && Addresses.isRelayable(source.getAddress(), contact.node().address())) {
          records.add(record.encoded());
        }
      }
      if (records.size() >= NodeTable.BUCKET_SIZE) {
        break;
      }
    }
    int count = Math.min(records.size(), NodeTable.BUCKET_SIZE);
    int total = Math.max(1, (count + RECORDS_PER_MESSAGE - 1) / RECORDS_PER_MESSAGE);
    for (int part = 0; part < total; part++) {
      int from = part * RECORDS_PER_MESSAGE;
      int to = Math.min(count, from + RECORDS_PER_MESSAGE);
      reply(new Nodes(find.requestId(), total, records.subList(from, to)), sender, source);
    }
  }

  private void handleResponse(V5Message.Response response, Hash sender, InetSocketAddress source)
      throws MalformedPacketException {
    V5Calls.Call call = calls.active(sender);
    if (call == null
        || !call.endpoint().equals(source)
        || !call.request().requestId().equals(response.requestId())) {
      throw new MalformedPacketException("unsolicited response");
    }
    if (call.handler().accept(response)) {
      call.end();
    }
  }

  // ---- sending

  @Override
  public boolean needsRecords() {
    return true;
  }

  @Override
  public void ping(Contact contact, Consumer<RequestResult<Contact>> done) {
    Ping ping = new Ping(requestId(), context.localRecord().current().seq());
    calls.add(
        contact,
        ping,
        new V5Calls.ResponseHandler() {
          private @Nullable Pong pong;

          @Override
          public boolean accept(V5Message.Response message) throws MalformedPacketException {
            if (!(message instanceof Pong received)) {
              throw new MalformedPacketException("not a PONG");
            }
            pong = received;
            context.localRecord().addStatement(contact.node().address(), received.address());
            return true;
          }

          @Override
          public void end(boolean sent) {
            withNewestRecord(contact, new RequestResult<>(sent, pong), done);
          }
        });
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
    Contact newer = record == null ? null : Contact.of(record);
    return newer == null ? contact : newer;
  }

  @Override
  public void findNode(
      Contact contact, LookupTarget target, Consumer<RequestResult<List<Contact>>> done) {
    findNode(contact, lookupDistances(Distance.log(target.id(), contact.id())), done);
  }

  /** Returns the distance of the target, and the next ones to it. */
  static List<Integer> lookupDistances(int distance) {
    List<Integer> distances = new ArrayList<>();
    distances.add(distance);
    for (int step = 1; distances.size() < LOOKUP_DISTANCES; step++) {
      if (distance + step <= Distance.MAX_LOG) {
        distances.add(distance + step);
      }
      if (distance - step > 0) {
        distances.add(distance - step);
      }
    }
    return distances.subList(0, LOOKUP_DISTANCES);
  }

  @Override
  public void requestRecord(Contact contact, Consumer<RequestResult<NodeRecord>> done) {
    findNode(contact, List.of(0), result -> done.accept(firstRecord(result)));
  }

  private static RequestResult<NodeRecord> firstRecord(RequestResult<List<Contact>> result) {
    List<Contact> found = result.response();
    NodeRecord record = found == null || found.isEmpty() ? null : found.get(0).record();
    return new RequestResult<>(result.sent(), record);
  }

  private void findNode(
      Contact contact, List<Integer> distances, Consumer<RequestResult<List<Contact>>> done) {
    FindNode request = new FindNode(requestId(), distances);
    calls.add(
        contact,
        request,
        new V5NodesCollector(
            contact,
            distances,
            self,
            context.allowed(),
            result -> {
              if (result.response() != null) {
                confirm(contact);
              }
              done.accept(result);
            }));
  }

  /**
   * Records that a node has responded: encrypted, so that NODES proves its endpoint as PONG does.
   */
  private void confirm(Contact contact) {
    NodeTable.Entry entry = table.find(contact.id());
    if (entry != null
        && entry.contact().node().udpEndpoint().equals(contact.node().udpEndpoint())) {
      entry.respondedToQuery();
    }
  }

  private void send(V5Calls.Call call) {
    V5Sessions.Session session = sessions.get(call.contact().id(), call.endpoint());
    V5Codec.MessageAuth auth = new V5Codec.MessageAuth(self);
    if (session == null) {
      Bytes nonce = Bytes.wrap(random(V5Codec.NONCE_BYTES));
      call.sent(nonce);
      V5Codec.Header header =
          V5Codec.header(call.contact().id(), random(V5Codec.IV_BYTES), nonce, auth);
      byte[] packet = header.with(random(RANDOM_MESSAGE_BYTES));
      context.sender().expectReply(call.endpoint().getAddress());
      if (!context.sender().send(packet, call.endpoint())) {
        call.notSent();
      }
      return;
    }
    sendRequest(call, session, auth);
  }

  private void sendRequest(V5Calls.Call call, V5Sessions.Session session, V5Codec.AuthData auth) {
    Bytes nonce = session.nextNonce();
    call.sent(nonce);
    context.sender().expectReply(call.endpoint().getAddress());
    if (!sendMessage(call.request(), session, nonce, auth, call.contact().id(), call.endpoint())) {
      call.notSent();
    }
  }

  private void reply(V5Message message, Hash id, InetSocketAddress endpoint) {
    V5Sessions.Session session = sessions.get(id, endpoint);
    if (session != null) {
      V5Codec.MessageAuth auth = new V5Codec.MessageAuth(self);
      sendMessage(message, session, session.nextNonce(), auth, id, endpoint);
    }
  }

  /** Sends a message; returns false when it was not sent. */
  private boolean sendMessage(
      V5Message message,
      V5Sessions.Session session,
      Bytes nonce,
      V5Codec.AuthData auth,
      Hash id,
      InetSocketAddress endpoint) {
    V5Codec.Header header = V5Codec.header(id, random(V5Codec.IV_BYTES), nonce, auth);
    byte[] encrypted =
        V5Crypto.encrypt(session.writeKey(), nonce.unsafeArray(), message.encode(), header.data());
    return context.sender().send(header.with(encrypted), endpoint);
  }

  private Bytes requestId() {
    return Bytes.wrap(random(V5Message.MAX_REQUEST_ID_BYTES));
  }

  private byte[] random(int length) {
    byte[] bytes = new byte[length];
    context.random().nextBytes(bytes);
    return bytes;
  }

  /** Returns the number of requests and challenges that wait. */
  int pending() {
    return calls.size() + challenges.size();
  }
}
