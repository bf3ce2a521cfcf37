// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.discovery.SimulatedNetwork.Packet;
import dev.patchbay.p2p.devp2p.discovery.SimulatedNetwork.Simulated;
import dev.patchbay.primitives.Bytes;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Version 5 between nodes: handshakes, requests, limits. */
class DiscoveryV5Test {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final SimulatedNetwork network = new SimulatedNetwork(5);
  private final Simulated a = network.add(5);
  private final Simulated b = network.add(5);

  private List<Contact> ping(Simulated from, Simulated to) {
    List<Contact> results = new ArrayList<>();
    int[] calls = {0};
    from.protocol()
        .ping(
            to.contact(),
            result -> {
              calls[0]++;
              if (result.response() != null) {
                results.add(result.response());
              }
            });
    network.run(Duration.ofSeconds(2));
    assertThat(calls[0]).isEqualTo(1);
    return results;
  }

  private static V5Codec.AuthData auth(Packet packet, Simulated to) throws Exception {
    return V5Codec.decode(to.localRecord.current().id(), packet.bytes()).auth();
  }

  @Test
  void aHandshakeStartsASessionForBothSides() throws Exception {
    assertThat(ping(a, b)).hasSize(1);
    List<Packet> packets = network.takeSent();
    assertThat(packets).hasSize(4);
    assertThat(auth(packets.get(0), b)).isInstanceOf(V5Codec.MessageAuth.class);
    assertThat(auth(packets.get(1), a)).isInstanceOf(V5Codec.WhoAreYouAuth.class);
    V5Codec.HandshakeAuth handshake = (V5Codec.HandshakeAuth) auth(packets.get(2), b);
    assertThat(handshake.record()).isEqualTo(a.localRecord.current().encoded());
    assertThat(auth(packets.get(3), a)).isInstanceOf(V5Codec.MessageAuth.class);
    assertThat(ping(b, a)).hasSize(1);
    assertThat(network.takeSent()).hasSize(2);
    assertThat(Objects.requireNonNull(a.v5).pending()).isZero();
    assertThat(Objects.requireNonNull(b.v5).pending()).isZero();
  }

  @Test
  void theSenderOfAHandshakeEntersTheTable() {
    ping(a, b);
    NodeTable.Entry entry = Objects.requireNonNull(b.table.find(a.localRecord.current().id()));
    assertThat(entry.isLive()).isFalse();
    assertThat(entry.contact().record()).isEqualTo(a.localRecord.current());
  }

  /** A lookup may query a node before the upkeep of the table pings it. */
  @Test
  void aNodeThatHasRespondedToAQueryIsLive() {
    b.table.addFound(a.contact());
    NodeTable.Entry entry = Objects.requireNonNull(b.table.find(a.localRecord.current().id()));
    assertThat(entry.isLive()).isFalse();
    a.online = false;
    b.protocol().findNode(a.contact(), LookupTarget.random(network.random), found -> {});
    network.run(Duration.ofSeconds(2));
    assertThat(entry.isLive()).as("without a response").isFalse();
    a.online = true;
    b.protocol().findNode(a.contact(), LookupTarget.random(network.random), found -> {});
    network.run(Duration.ofSeconds(2));
    assertThat(entry.isLive()).isTrue();
    assertThat(b.table.randomEntry(false)).as("is pinged soon all the same").isSameAs(entry);
  }

  @Test
  void aNodeThatHasLostItsSessionAsksForAHandshake() throws Exception {
    ping(a, b);
    network.takeSent();
    InetSocketAddress endpoint = b.endpoint;
    b.online = false;
    SimulatedNetwork.Simulated restarted = network.restart(b);
    List<Contact> results = ping(a, restarted);
    assertThat(results).hasSize(1);
    assertThat(restarted.endpoint).isEqualTo(endpoint);
    assertThat(network.takeSent()).hasSize(4);
  }

  @Test
  void severalRequestsAtATimeNeedOneHandshake() {
    int[] responses = {0};
    for (int i = 0; i < V5Calls.MAX_PER_NODE; i++) {
      a.protocol().ping(b.contact(), result -> responses[0] += result.response() == null ? 0 : 1);
    }
    int[] rejected = {0};
    a.protocol().ping(b.contact(), result -> rejected[0] += result.sent() ? 0 : 1);
    assertThat(rejected[0]).isEqualTo(1);
    network.run(SECOND);
    assertThat(responses[0]).isEqualTo(V5Calls.MAX_PER_NODE);
    assertThat(network.takeSent()).hasSize(2 + 2 * V5Calls.MAX_PER_NODE);
  }

  @Test
  void aRequestWithoutAResponseTimesOut() {
    b.online = false;
    assertThat(ping(a, b)).isEmpty();
    assertThat(Objects.requireNonNull(a.v5).pending()).isZero();
  }

  @Test
  void anUnknownMessageIsAnsweredByTheSameShorterChallengeUntilItExpires() throws Exception {
    byte[] packet = randomMessage(a, b);
    network.inject(packet, a.endpoint, b.endpoint);
    network.inject(randomMessage(a, b), a.endpoint, b.endpoint);
    network.deliver();
    List<Packet> challenges = network.takeSent();
    assertThat(challenges).hasSize(2);
    assertThat(challenges.get(0).bytes())
        .hasSize(V5Codec.MIN_BYTES)
        .isEqualTo(challenges.get(1).bytes());
    assertThat(packet.length).isGreaterThan(V5Codec.MIN_BYTES);
    network.run(Duration.ofSeconds(2));
    assertThat(Objects.requireNonNull(b.v5).pending()).isZero();
    network.inject(packet, a.endpoint, b.endpoint);
    network.deliver();
    assertThat(network.takeSent().get(0).bytes()).isNotEqualTo(challenges.get(0).bytes());
  }

  /**
   * A second packet gets the challenge of the first one, with the nonce of the first packet
   * (discv5-theory.md since 2026-08, geth since 2025-03): a new challenge would end the handshake
   * that the sender may have begun. geth 1.13.15 expects the nonce of the second one.
   */
  @Test
  void aRepeatedChallengeHasTheNonceOfTheFirstPacket() throws Exception {
    network.setDelivery(packet -> packet.to().equals(b.endpoint));
    List<Contact> results = new ArrayList<>();
    a.protocol().ping(b.contact(), result -> results.add(result.response()));
    network.deliver();
    List<Packet> sent = network.takeSent();
    Bytes first = V5Codec.decode(b.localRecord.current().id(), sent.get(0).bytes()).nonce();
    network.inject(randomMessage(a, b), a.endpoint, b.endpoint);
    network.deliver();
    Packet repeated = network.takeSent().get(0);
    assertThat(nonceOf(List.of(repeated), a)).isEqualTo(first);
    assertThat(repeated.bytes()).isEqualTo(sent.get(1).bytes());
    network.setDelivery(packet -> true);
    network.inject(repeated.bytes(), b.endpoint, a.endpoint);
    network.run(SECOND);
    assertThat(results).containsExactly(b.contact());
    assertThat(b.dropped).isEmpty();
  }

  private byte[] randomMessage(Simulated from, Simulated to) {
    return message(from.localRecord.current().id(), to);
  }

  private byte[] message(dev.patchbay.primitives.Hash from, Simulated to) {
    byte[] random = new byte[48];
    network.random.nextBytes(random);
    V5Codec.Header header =
        V5Codec.header(
            to.localRecord.current().id(),
            java.util.Arrays.copyOf(random, 16),
            Bytes.wrap(java.util.Arrays.copyOfRange(random, 16, 28)),
            new V5Codec.MessageAuth(from));
    return header.with(java.util.Arrays.copyOfRange(random, 28, 48));
  }

  @Test
  void challengesAreBounded() {
    for (int i = 0; i < V5Challenges.MAX_CHALLENGES + 50; i++) {
      dev.patchbay.primitives.Hash id = LookupTarget.random(network.random).id();
      network.inject(message(id, b), a.endpoint, b.endpoint);
    }
    network.deliver();
    assertThat(Objects.requireNonNull(b.v5).pending()).isEqualTo(V5Challenges.MAX_CHALLENGES);
    assertThat(network.takeSent()).hasSize(V5Challenges.MAX_CHALLENGES);
  }

  @Test
  void unsolicitedPacketsAreDropped() throws Exception {
    ping(a, b);
    List<Packet> packets = network.takeSent();
    for (Packet packet : packets.subList(1, 4)) { // replayed: challenge, handshake, response
      network.inject(packet.bytes(), packet.from(), packet.to());
    }
    network.deliver();
    assertThat(a.dropped).containsExactly("unsolicited WHOAREYOU", "unsolicited response");
    assertThat(b.dropped).containsExactly("unsolicited handshake");
    assertThat(network.takeSent()).isEmpty();
  }

  /** The same challenge again would make the node sign again and again. */
  @Test
  void aRequestStartsOneHandshake() throws Exception {
    network.setDelivery(packet -> packet.to().equals(a.endpoint));
    List<Contact> results = new ArrayList<>();
    int[] failures = {0};
    a.protocol()
        .ping(
            b.contact(),
            result -> {
              failures[0] += result.isTimeout() ? 1 : 0;
            });
    for (int i = 0; i < 3; i++) {
      Bytes nonce = nonceOf(network.takeSent(), b);
      network.inject(challenge(nonce), b.endpoint, a.endpoint);
      network.deliver();
      if (i == 1) {
        break;
      }
    }
    assertThat(failures[0]).isEqualTo(1);
    assertThat(results).isEmpty();
    assertThat(a.dropped).containsExactly("second WHOAREYOU for a request");
  }

  private byte[] challenge(Bytes nonce) {
    return V5Codec.header(
            a.localRecord.current().id(),
            new byte[16],
            nonce,
            new V5Codec.WhoAreYouAuth(Bytes.wrap(new byte[16]), 0))
        .masked();
  }

  private static Bytes nonceOf(List<Packet> packets, Simulated to) throws Exception {
    Packet last = packets.get(packets.size() - 1);
    return V5Codec.decode(to.localRecord.current().id(), last.bytes()).nonce();
  }

  @Test
  void aChallengeFromAnotherEndpointIsDropped() throws Exception {
    b.online = false;
    a.protocol().ping(b.contact(), contact -> {});
    Bytes nonce = nonceOf(network.takeSent(), b);
    InetSocketAddress elsewhere =
        new InetSocketAddress(b.endpoint.getAddress(), b.endpoint.getPort() + 1);
    network.inject(challenge(nonce), elsewhere, a.endpoint);
    network.deliver();
    assertThat(a.dropped).containsExactly("unsolicited WHOAREYOU");
    assertThat(network.takeSent()).isEmpty();
  }

  /** A node with another key cannot complete the handshake of a node id. */
  @Test
  void aForgedHandshakeStartsNoSession() throws Exception {
    network.inject(randomMessage(a, b), a.endpoint, b.endpoint);
    network.deliver();
    Packet whoAreYou = network.takeSent().get(0);
    byte[] challengeData =
        V5Codec.decode(a.localRecord.current().id(), whoAreYou.bytes()).headerData();
    byte[] ephemeral = network.newKey();
    byte[] publicKey =
        dev.patchbay.crypto.Secp256k1.compress(dev.patchbay.crypto.Secp256k1.publicKey(ephemeral));
    dev.patchbay.primitives.Hash idOfB = b.localRecord.current().id();
    byte[] forged = V5Crypto.signId(challengeData, publicKey, idOfB, network.newKey());
    V5Codec.HandshakeAuth auth =
        new V5Codec.HandshakeAuth(
            a.localRecord.current().id(),
            Bytes.wrap(forged),
            Bytes.wrap(publicKey),
            a.localRecord.current().encoded());
    byte[] packet =
        V5Codec.header(idOfB, new byte[16], Bytes.wrap(new byte[12]), auth).with(new byte[20]);
    network.inject(packet, a.endpoint, b.endpoint);
    network.inject(packet, a.endpoint, b.endpoint);
    network.deliver();
    assertThat(b.dropped)
        .containsExactly("wrong signature of a handshake", "unsolicited handshake");
    assertThat(b.table.size()).isZero();
  }

  // ---- requests

  @Test
  void aRecordIsRequestedWhenItIsNewer() {
    Contact before = b.contact();
    b.localRecord.setTcpPort(4_444);
    List<Contact> results = new ArrayList<>();
    a.protocol().ping(before, result -> results.add(Objects.requireNonNull(result.response())));
    network.run(SECOND);
    assertThat(results).hasSize(1);
    assertThat(results.get(0).record()).isEqualTo(b.localRecord.current());
    assertThat(results.get(0).dialable().tcpPort()).isEqualTo(4_444);
  }

  @Test
  void findNodeReturnsLiveNodesAtTheDistances() {
    List<Simulated> known = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      Simulated other = network.add(5);
      known.add(other);
      b.table.addLive(other.contact());
    }
    Simulated notLive = network.add(5);
    b.table.addFound(notLive.contact());
    LookupTarget target = LookupTarget.random(network.random);
    List<Contact> found = new ArrayList<>();
    a.protocol()
        .findNode(
            b.contact(), target, result -> found.addAll(Objects.requireNonNull(result.response())));
    network.run(SECOND);
    List<Integer> distances =
        DiscoveryV5.lookupDistances(Distance.log(target.id(), b.localRecord.current().id()));
    List<dev.patchbay.primitives.Hash> expected =
        b.table.closest(b.localRecord.current().id(), 100, true).stream()
            .map(Contact::id)
            .filter(id -> distances.contains(Distance.log(id, b.localRecord.current().id())))
            .toList();
    assertThat(found).isNotEmpty().hasSizeLessThanOrEqualTo(NodeTable.BUCKET_SIZE);
    assertThat(found).extracting(Contact::id).isSubsetOf(expected);
    assertThat(found).hasSize(Math.min(NodeTable.BUCKET_SIZE, expected.size()));
    for (Packet packet : network.takeSent()) {
      assertThat(packet.bytes().length).isLessThanOrEqualTo(V5Codec.MAX_BYTES);
    }
  }

  @Test
  void lookupDistancesSurroundTheTarget() {
    assertThat(DiscoveryV5.lookupDistances(250)).containsExactly(250, 251, 249);
    assertThat(DiscoveryV5.lookupDistances(256)).containsExactly(256, 255, 254);
    assertThat(DiscoveryV5.lookupDistances(0)).containsExactly(0, 1, 2);
  }

  /** A record may name the endpoint of anyone. */
  @Test
  void anEndpointThatHasNeverRespondedIsNeitherLiveNorStored() {
    a.table.addFound(b.contact());
    b.localRecord.setUdpPort(4_444);
    a.maintain().start();
    int moved = 0;
    for (int i = 0; i < 600; i++) {
      network.run(Duration.ofMillis(50));
      NodeTable.Entry entry = a.table.find(b.localRecord.current().id());
      if (entry != null && entry.contact().node().udpPort() == 4_444) {
        moved++;
        assertThat(entry.isLive()).isFalse();
      }
    }
    assertThat(moved).isPositive();
    assertThat(a.table.size()).isZero();
    assertThat(a.database.size()).isZero();
  }

  @Test
  void nodesFindEachOtherThroughOneBootNode() {
    List<Simulated> nodes = new ArrayList<>(List.of(a, b));
    for (int i = 0; i < 8; i++) {
      nodes.add(network.add(5));
    }
    a.maintain().start();
    for (Simulated node : nodes.subList(1, nodes.size())) {
      node.maintain(a).start();
    }
    network.run(Duration.ofMinutes(3));
    assertThat(nodes)
        .allSatisfy(node -> assertThat(node.table.liveSize()).isGreaterThanOrEqualTo(8));
  }

  @Test
  void aNodeThatCouldNotBeAskedStaysInTheTable() {
    a.table.addLive(b.contact());
    a.maintain().start();
    a.congested = true;
    network.run(Duration.ofMinutes(2));
    assertThat(a.table.find(b.localRecord.current().id())).isNotNull();
    a.congested = false;
    b.online = false;
    network.run(Duration.ofMinutes(2));
    assertThat(a.table.find(b.localRecord.current().id())).isNull();
  }

  @Test
  void randomPacketsAreDropped() {
    ping(a, b);
    network.takeSent();
    Random random = new Random(55);
    for (int i = 0; i < 1_000; i++) {
      byte[] packet = randomMessage(a, b);
      packet[random.nextInt(packet.length)] ^= (byte) (1 + random.nextInt(255));
      network.inject(packet, a.endpoint, b.endpoint);
    }
    network.deliver();
    assertThat(network.takeSent())
        .allSatisfy(packet -> assertThat(packet.bytes()).hasSize(V5Codec.MIN_BYTES));
    network.run(Duration.ofSeconds(2));
    assertThat(ping(a, b)).hasSize(1);
  }
}
