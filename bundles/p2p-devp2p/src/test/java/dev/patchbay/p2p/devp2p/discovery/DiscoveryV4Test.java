// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.crypto.KeyFile;
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
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The responses of a node over UDP: the cases of geth's {@code devp2p discv4 test}, from two
 * loopback addresses. The clock of the node stands still.
 */
class DiscoveryV4Test {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final TestClock clock = new TestClock();
  private final List<V4Client> clients = new ArrayList<>();
  private Discovery discovery;
  private V4Client client;

  @BeforeEach
  void start() throws Exception {
    DiscoverySettings settings =
        new DiscoverySettings(
            KeyFile.generate(RANDOM),
            new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0),
            30_303,
            null,
            List.of(),
            List.of(),
            List.of(),
            null,
            address -> !address.getHostAddress().equals("127.0.0.9"),
            true,
            false);
    discovery =
        new Discovery(settings, Map::of, entries -> true, node -> {}, clock, clock::nanoTime);
    discovery.start();
    client = client("127.0.0.1", KeyFile.generate(RANDOM));
  }

  private V4Client client(String address, byte[] key) throws Exception {
    V4Client created = new V4Client(address, key, discovery.port(), clock);
    clients.add(created);
    return created;
  }

  @AfterEach
  void stop() {
    clients.forEach(V4Client::close);
    discovery.close();
  }

  private void expectPong(Ping ping) throws Exception {
    Hash hash = client.send(ping);
    Pong pong = (Pong) client.receive().packet();
    assertThat(pong.pingHash()).isEqualTo(hash);
    assertThat(pong.to()).isEqualTo(client.endpoint());
    assertThat(pong.expiration()).isEqualTo(clock.inSeconds(20));
    assertThat(pong.recordSeq()).isEqualTo(discovery.localRecord().seq());
  }

  // ---- Ping

  @Test
  void aPingIsAnsweredAndReturned() throws Exception {
    expectPong(client.ping());
    V4Codec.Received returned = client.receive();
    assertThat(returned.recoverSender()).isEqualTo(discovery.localRecord().publicKey());
    Ping ping = (Ping) returned.packet();
    assertThat(ping.to()).isEqualTo(client.endpoint());
    assertThat(ping.from().udpPort()).isEqualTo(discovery.port());
    assertThat(ping.from().tcpPort()).isEqualTo(30_303);
  }

  @Test
  void theEndpointsOfAPingDoNotMatter() throws Exception {
    Endpoint wrong = new Endpoint(InetAddress.getByName("192.0.2.0"), 0, 0);
    expectPong(new Ping(client.endpoint(), wrong, client.future(), 0));
    expectPongAfterPing(new Ping(wrong, client.nodeEndpoint(), client.future(), 0));
  }

  /** As {@link #expectPong}, but an earlier ping of the node may come first. */
  private void expectPongAfterPing(Ping ping) throws Exception {
    Hash hash = client.send(ping);
    Pong pong = client.await(Pong.class);
    assertThat(pong.pingHash()).isEqualTo(hash);
    assertThat(pong.to()).isEqualTo(client.endpoint());
  }

  @Test
  void extraElementsAndBytesOfAPingAreIgnored() throws Exception {
    for (int version : new int[] {4, 5}) {
      RlpWriter writer = new RlpWriter().rawByte(Ping.TYPE);
      writer.list(
          list ->
              list.number(version)
                  .list(from -> endpoint(from, client.endpoint()))
                  .list(to -> endpoint(to, client.nodeEndpoint()))
                  .number(client.future())
                  .bytes(new byte[] {1, 2})
                  .list(extra -> extra.number(3)));
      writer.bytes(new byte[] {9, 9});
      Hash hash = client.send(V4Codec.seal(writer.toArray(), client.key()));
      assertThat(client.await(Pong.class).pingHash()).isEqualTo(hash);
    }
  }

  private static void endpoint(RlpWriter out, Endpoint endpoint) {
    out.bytes(endpoint.address().getAddress())
        .number(endpoint.udpPort())
        .number(endpoint.tcpPort());
  }

  @Test
  void anExpiredPingIsIgnored() throws Exception {
    // geth's suite sends negative times, which are large unsigned ones
    for (long past : new long[] {clock.inSeconds(-1), -clock.inSeconds(20)}) {
      client.send(new Ping(client.endpoint(), client.nodeEndpoint(), past, 0));
      assertThat(client.drain()).isEmpty();
    }
    expectPongAfterPing(new Ping(client.endpoint(), client.nodeEndpoint(), clock.inSeconds(0), 0));
  }

  @Test
  void anUnknownPacketTypeIsIgnored() throws Exception {
    byte[] content = V4Codec.encode(client.ping(), client.key()).bytes();
    byte[] typed = java.util.Arrays.copyOfRange(content, 97, content.length);
    typed[0] = 66;
    client.send(V4Codec.seal(typed, client.key()));
    assertThat(client.drain()).isEmpty();
  }

  @Test
  void aBondedNodeIsNotPingedAgain() throws Exception {
    client.bond();
    Endpoint wrong = new Endpoint(InetAddress.getByName("192.0.2.0"), 0, 0);
    List<V4Packet> received = new ArrayList<>();
    for (Ping ping :
        List.of(new Ping(wrong, client.nodeEndpoint(), client.future(), 0), client.ping())) {
      Hash hash = client.send(ping);
      do {
        received.add(client.receive().packet());
      } while (!(received.get(received.size() - 1) instanceof Pong pong
          && pong.pingHash().equals(hash)));
    }
    assertThat(received).doesNotHaveAnyElementsOfTypes(Ping.class); // a lookup may ask it
  }

  @Test
  void theResponseToAnUnprovenPingIsShorterThanThreeTimesThePing() throws Exception {
    RlpWriter shortest = new RlpWriter().rawByte(Ping.TYPE);
    shortest.list(
        list ->
            list.number(4)
                .list(from -> from.bytes(new byte[0]).number(0).number(0))
                .list(to -> to.bytes(new byte[0]).number(0).number(0))
                .number(client.future()));
    V4Codec.Sealed sealed = V4Codec.seal(shortest.toArray(), client.key());
    client.send(sealed);
    client.await(Ping.class);
    assertThat(client.receivedBytes()).isLessThanOrEqualTo(3 * sealed.bytes().length);
  }

  @Test
  void anAddressThatIsNotAllowedGetsNothing() throws Exception {
    V4Client banned = client("127.0.0.9", KeyFile.generate(RANDOM));
    banned.send(banned.ping());
    client.bond();
    client.send(new FindNode(banned.publicKey(), client.future()));
    assertThat(client.await(Neighbors.class).nodes())
        .extracting(Node::publicKey)
        .doesNotContain(banned.publicKey());
  }

  // ---- FindNode

  @Test
  void findNodeNeedsAnEndpointProof() throws Exception {
    client.send(new FindNode(client.publicKey(), client.future()));
    assertThat(client.drain()).isEmpty();
  }

  @Test
  void findNodeIsAnswered() throws Exception {
    client.bond();
    client.send(new FindNode(client.publicKey(), client.future()));
    Neighbors neighbors = client.await(Neighbors.class);
    assertThat(neighbors.nodes()).extracting(Node::publicKey).contains(client.publicKey());
    assertThat(neighbors.expiration()).isEqualTo(clock.inSeconds(20));
  }

  @Test
  void sixteenNodesComeInTwoPackets() throws Exception {
    List<Bytes> bonded = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      V4Client other = client("127.0.0.1", KeyFile.generate(RANDOM));
      other.bond();
      bonded.add(other.publicKey());
    }
    client.bond();
    client.send(new FindNode(client.publicKey(), client.future()));
    List<Node> nodes = new ArrayList<>(client.await(Neighbors.class).nodes());
    assertThat(nodes).hasSize(Neighbors.MAX_NODES);
    nodes.addAll(client.await(Neighbors.class).nodes());
    assertThat(nodes).extracting(Node::publicKey).doesNotHaveDuplicates();
    bonded.add(client.publicKey());
    assertThat(nodes).hasSize(16).extracting(Node::publicKey).isSubsetOf(bonded);
    assertThat(client.drain()).isEmpty();
  }

  @Test
  void unsolicitedNeighborsAreIgnored() throws Exception {
    client.bond();
    Bytes planted = Bytes.wrap(Secp256k1.publicKey(KeyFile.generate(RANDOM)));
    Node node = new Node(planted, InetAddress.getByName("127.0.0.1"), 30_303, 30_303);
    client.send(new Neighbors(List.of(node), client.future()));
    client.send(new FindNode(planted, client.future()));
    assertThat(client.await(Neighbors.class).nodes())
        .extracting(Node::publicKey)
        .containsExactly(client.publicKey());
  }

  @Test
  void anExpiredFindNodeIsIgnored() throws Exception {
    client.bond();
    for (long past : new long[] {clock.inSeconds(-1), -clock.inSeconds(20)}) {
      client.send(new FindNode(client.publicKey(), past));
      assertThat(client.drain()).isEmpty();
    }
  }

  @Test
  void aPongWithAWrongHashIsNoEndpointProof() throws Exception {
    client.send(client.ping());
    client.await(Pong.class);
    client.await(Ping.class);
    client.send(new Pong(client.nodeEndpoint(), Hash.keccak(new byte[1]), client.future(), 0));
    client.send(new FindNode(client.publicKey(), client.future()));
    assertThat(client.drain()).isEmpty();
  }

  @Test
  void anEndpointProofHoldsForOneAddress() throws Exception {
    client.bond();
    V4Client moved = client("127.0.0.2", client.key());
    moved.send(new FindNode(moved.publicKey(), moved.future()));
    moved.send(new EnrRequest(moved.future()));
    assertThat(moved.drain()).isEmpty();
    assertThat(client.drain()).isEmpty();
  }

  // ---- ENRRequest

  @Test
  void theRecordIsSentToProvenEndpointsOnly() throws Exception {
    client.send(new EnrRequest(client.future()));
    assertThat(client.drain()).isEmpty();
    V4Client other = client("127.0.0.1", KeyFile.generate(RANDOM));
    other.bond();
    Hash hash = other.send(new EnrRequest(other.future()));
    EnrResponse response = other.await(EnrResponse.class);
    assertThat(response.requestHash()).isEqualTo(hash);
    NodeRecord record = NodeRecord.decode(response.record().toArray());
    assertThat(record).isEqualTo(discovery.localRecord());
    assertThat(RlpReader.of(response.record().toArray()).nextIsList()).isTrue();
    other.send(new EnrRequest(clock.inSeconds(-1)));
    assertThat(other.drain()).isEmpty();
  }

  // ---- robustness

  @Test
  void randomDatagramsAreIgnored() throws Exception {
    java.util.Random random = new java.util.Random(44);
    for (int i = 0; i < 10; i++) {
      for (int j = 0; j < 10; j++) { // few at a time: the buffer of the kernel is small
        byte[] datagram = new byte[random.nextInt(2_000)];
        random.nextBytes(datagram);
        client.send(datagram);
      }
      assertThat(client.drain()).isEmpty();
    }
    assertThat(discovery.failure()).isNull();
  }

  /** The clock stands still: a rate that the garbage has used up stays so. */
  @Test
  void garbageFromManySourcesDoesNotKeepOthersOut() throws Exception {
    byte[] garbage = new byte[200];
    for (int i = 0; i < 4 * AdmissionGate.RATE; i++) {
      InetAddress source = InetAddress.getByAddress(new byte[] {9, 9, (byte) (i >> 8), (byte) i});
      discovery.receive(garbage, new InetSocketAddress(source, 30_303));
    }
    expectPongAfterPing(client.ping());
  }

  @Test
  void aFloodIsDropped() throws Exception {
    for (int i = 0; i < 2 * AdmissionGate.RATE_PER_SOURCE; i++) { // the clock stands still
      expectPongAfterPing(client.ping());
    }
    for (int i = 0; i < 20; i++) {
      client.send(client.ping());
    }
    client("127.0.0.2", KeyFile.generate(RANDOM)).bond();
    clock.advance(Duration.ofSeconds(1));
    assertThat(client.drain()).isEmpty();
  }
}
