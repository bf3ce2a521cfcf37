// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.discovery.SimulatedNetwork.Simulated;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrResponse;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Neighbors;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Version 4 between nodes: requests, endpoint proofs, lookups, liveness. */
class DiscoveryV4NetworkTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final SimulatedNetwork network = new SimulatedNetwork(4);

  /** Keeps what a callback gets. */
  private static final class Result<T> {
    private final List<T> values = new ArrayList<>();
    private int calls;
    private int timeouts;

    void accept(RequestResult<T> result) {
      calls++;
      if (result.response() != null) {
        values.add(result.response());
      }
      timeouts += result.isTimeout() ? 1 : 0;
    }

    T get() {
      assertThat(calls).isEqualTo(1);
      assertThat(values).hasSize(1);
      return values.get(0);
    }

    void expectTimeout() {
      assertThat(calls).isEqualTo(1);
      assertThat(timeouts).isEqualTo(1);
    }
  }

  // ---- requests

  @Test
  void aPingSucceedsOrTimesOut() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Result<Contact> first = new Result<>();
    a.protocol().ping(b.contact(), first::accept);
    network.run(SECOND);
    assertThat(first.get().record()).isEqualTo(b.localRecord.current());
    b.online = false;
    Result<Contact> second = new Result<>();
    a.protocol().ping(b.contact(), second::accept);
    network.run(SECOND);
    second.expectTimeout();
    assertThat(Objects.requireNonNull(a.v4).pending()).isZero();
  }

  @Test
  void twoPingsAtATimeAreOne() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Result<Contact> first = new Result<>();
    Result<Contact> second = new Result<>();
    a.protocol().ping(b.contact(), first::accept);
    a.protocol().ping(b.contact(), second::accept);
    assertThat(network.takeSent()).hasSize(1);
    network.run(SECOND);
    assertThat(first.get().id()).isEqualTo(second.get().id());
  }

  @Test
  void findNodeWaitsUntilTheOtherNodeHasAProof() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Result<List<Contact>> found = new Result<>();
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found::accept);
    network.run(SECOND);
    assertThat(found.get()).isEmpty();
    assertThat(b.dropped).doesNotContain("no endpoint proof");
  }

  /** The other node may have lost its proofs by a restart: the next query bonds again. */
  @Test
  void anUnansweredFindNodeRenewsTheProof() throws Exception {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found -> {});
    network.run(SECOND);
    network.setDelivery(packet -> !(decode(packet) instanceof FindNode));
    Result<List<Contact>> lost = new Result<>();
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), lost::accept);
    network.run(SECOND);
    lost.expectTimeout();
    network.takeSent();
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found -> {});
    assertThat(decode(network.takeSent().get(0))).isInstanceOf(Ping.class);
  }

  private static V4Packet decode(SimulatedNetwork.Packet packet) {
    try {
      return V4Codec.decode(packet.bytes()).packet();
    } catch (MalformedPacketException malformed) {
      throw new AssertionError(malformed);
    }
  }

  @Test
  void aProofExpiresAfterTwelveHours() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    a.protocol().ping(b.contact(), done -> {});
    network.run(SECOND);
    sendFindNode(a, b);
    assertThat(a.dropped).containsExactly("unsolicited Neighbors"); // the response of b
    network.clock.advance(Duration.ofHours(12));
    sendFindNode(a, b);
    assertThat(b.dropped).containsExactly("no endpoint proof");
  }

  private void sendFindNode(Simulated from, Simulated to) {
    Bytes target = LookupTarget.random(network.random).key();
    V4Packet find = new FindNode(target, network.clock.inSeconds(20));
    network.inject(V4Codec.encode(find, from.key).bytes(), from.endpoint, to.endpoint);
    network.deliver();
  }

  @Test
  void neighborsThatMustNotBeRelayedAreSkipped() throws Exception {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Simulated named = network.add(4);
    b.online = false; // the test responds in its place
    Result<List<Contact>> found = new Result<>();
    a.protocol().ping(b.contact(), done -> {});
    bondFromOutside(a, b);
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found::accept);
    Bytes key = named.localRecord.current().publicKey();
    List<Node> nodes = new ArrayList<>();
    nodes.add(new Node(key, InetAddress.getByName("192.168.1.1"), 30_303, 1));
    nodes.add(new Node(key, InetAddress.getByName("127.0.0.1"), 30_303, 1));
    nodes.add(new Node(key, InetAddress.getByName("0.0.0.0"), 30_303, 1));
    nodes.add(new Node(key, InetAddress.getByName("224.0.0.1"), 30_303, 1));
    nodes.add(new Node(key, InetAddress.getByName("9.9.9.9"), 53, 1));
    nodes.add(new Node(Bytes.wrap(new byte[64]), InetAddress.getByName("9.9.9.9"), 30_303, 1));
    nodes.add(
        new Node(a.localRecord.current().publicKey(), InetAddress.getByName("9.9.9.9"), 30_303, 1));
    Node usable = new Node(key, InetAddress.getByName("9.9.9.9"), 30_303, 1);
    nodes.add(usable);
    V4Packet response = new Neighbors(nodes, network.clock.inSeconds(20));
    network.inject(V4Codec.encode(response, b.key).bytes(), b.endpoint, a.endpoint);
    network.run(SECOND);
    assertThat(found.get()).extracting(Contact::node).containsExactly(usable);
  }

  /** Pings a as b would. */
  private void bondFromOutside(Simulated a, Simulated b) {
    V4Packet.Endpoint endpoint = new V4Packet.Endpoint(b.endpoint.getAddress(), 1, 1);
    V4Packet ping = new Ping(endpoint, endpoint, network.clock.inSeconds(20), 0);
    network.inject(V4Codec.encode(ping, b.key).bytes(), b.endpoint, a.endpoint);
    network.deliver();
  }

  @Test
  void aResponseHasAtMostSixteenNodes() throws Exception {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    b.online = false;
    bondFromOutside(a, b);
    Result<List<Contact>> found = new Result<>();
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found::accept);
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      nodes.add(network.add(4).contact().node());
    }
    byte[] part = V4Codec.encode(new Neighbors(nodes, network.clock.inSeconds(20)), b.key).bytes();
    for (int i = 0; i < 3; i++) {
      network.inject(part, b.endpoint, a.endpoint);
    }
    network.run(SECOND);
    assertThat(found.get()).hasSize(NodeTable.BUCKET_SIZE);
    assertThat(a.dropped).containsExactly("unsolicited Neighbors");
  }

  @Test
  void anEmptyResponseEndsAQueryAtOnce() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    b.online = false;
    bondFromOutside(a, b);
    Result<List<Contact>> found = new Result<>();
    a.protocol().findNode(b.contact(), LookupTarget.random(network.random), found::accept);
    V4Packet response = new Neighbors(List.of(), network.clock.inSeconds(20));
    network.inject(V4Codec.encode(response, b.key).bytes(), b.endpoint, a.endpoint);
    network.deliver();
    assertThat(found.get()).isEmpty();
  }

  @Test
  void theRecordOfAnotherNodeIsRejected() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Simulated other = network.add(4);
    b.online = false;
    bondFromOutside(a, b);
    Result<NodeRecord> record = new Result<>();
    network.takeSent();
    a.protocol().requestRecord(b.contact(), record::accept);
    SimulatedNetwork.Packet request = network.takeSent().get(0);
    V4Packet response =
        new EnrResponse(
            dev.patchbay.primitives.Hash.of(java.util.Arrays.copyOf(request.bytes(), 32)),
            other.localRecord.current().encoded());
    network.inject(V4Codec.encode(response, b.key).bytes(), b.endpoint, a.endpoint);
    network.deliver();
    record.expectTimeout();
    assertThat(a.dropped).containsExactly("the record of another node");
  }

  /** The pings that this node returns have a limit of their own. */
  @Test
  void aFloodOfPingsFromStrangersDoesNotKeepOwnRequestsFromBeingSent() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    Simulated stranger = network.add(4);
    stranger.online = false;
    V4Packet.Endpoint endpoint = new V4Packet.Endpoint(stranger.endpoint.getAddress(), 1, 1);
    V4Packet ping = new Ping(endpoint, endpoint, network.clock.inSeconds(20), 0);
    for (int i = 0; i < 2 * V4Requests.MAX_PENDING; i++) {
      byte[] bytes = V4Codec.encode(ping, network.newKey()).bytes();
      network.inject(bytes, stranger.endpoint, a.endpoint);
    }
    network.deliver();
    assertThat(Objects.requireNonNull(a.v4).pending()).isEqualTo(V4Requests.MAX_PENDING);
    Result<Contact> pinged = new Result<>();
    a.protocol().ping(b.contact(), pinged::accept);
    network.run(SECOND);
    assertThat(pinged.get().id()).isEqualTo(b.contact().id());
    assertThat(Objects.requireNonNull(a.v4).pending()).isZero();
  }

  /** Equal packets have one hash, to which one Pong responds. */
  @Test
  void anOwnPingAndAReturnedOneMayBeUnderWayAtATime() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    network.setDelivery(packet -> !packet.to().equals(b.endpoint));
    bondFromOutside(a, b);
    network.setDelivery(packet -> true);
    Result<Contact> pinged = new Result<>();
    a.protocol().ping(b.contact(), pinged::accept);
    network.run(SECOND);
    assertThat(pinged.get().id()).isEqualTo(b.contact().id());
    assertThat(a.dropped).isEmpty();
  }

  @Test
  void aNodeThatCouldNotBeAskedStaysInTheTable() {
    Simulated a = network.add(4);
    Simulated b = network.add(4);
    a.table.addLive(b.contact());
    a.maintain().start();
    a.congested = true;
    network.run(Duration.ofMinutes(2));
    assertThat(a.table.find(b.contact().id())).isNotNull();
    a.congested = false;
    b.online = false;
    network.run(Duration.ofMinutes(2));
    assertThat(a.table.find(b.contact().id())).isNull();
  }

  // ---- the network as a whole

  @Test
  void aLookupFindsTheClosestNodes() {
    List<Simulated> nodes = start(30);
    network.run(Duration.ofMinutes(2));
    Simulated searcher = network.add(4);
    searcher.table.addFound(nodes.get(0).contact());
    LookupTarget target = LookupTarget.random(network.random);
    List<List<Contact>> found = new ArrayList<>();
    new Lookup(
            target,
            searcher.localRecord.current().id(),
            searcher.table,
            searcher.protocol(),
            found::add)
        .start();
    network.run(Duration.ofMinutes(1));
    List<dev.patchbay.primitives.Hash> closest =
        nodes.stream()
            .map(node -> node.localRecord.current().id())
            .sorted((x, y) -> Distance.compare(target.id(), x, y))
            .limit(NodeTable.BUCKET_SIZE)
            .toList();
    assertThat(found).hasSize(1);
    assertThat(found.get(0)).extracting(Contact::id).isEqualTo(closest);
  }

  /** Starts nodes that all know the first one only. */
  private List<Simulated> start(int count) {
    List<Simulated> nodes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Simulated node = network.add(4);
      nodes.add(node);
      (i == 0 ? node.maintain() : node.maintain(nodes.get(0))).start();
    }
    return nodes;
  }

  @Test
  void nodesFindEachOtherThroughOneBootNode() {
    List<Simulated> nodes = start(12);
    network.run(Duration.ofMinutes(3));
    assertThat(nodes).allSatisfy(node -> assertThat(node.table.liveSize()).isEqualTo(11));
    assertThat(nodes).allSatisfy(node -> assertThat(node.database.size()).isEqualTo(11));
  }

  /** Ten subnets agree on the address of each node. */
  @Test
  void theExternalAddressIsPredicted() {
    List<Simulated> nodes = start(13);
    Simulated first = nodes.get(0);
    assertThat(first.localRecord.address().isLoopbackAddress()).isTrue();
    network.run(Duration.ofMinutes(4));
    NodeRecord record = first.localRecord.current();
    assertThat(record.address()).isEqualTo(first.endpoint.getAddress());
  }

  @Test
  void aDeadNodeIsRemovedAndALiveOneStays() {
    List<Simulated> nodes = start(4);
    network.run(Duration.ofMinutes(1));
    Simulated dead = nodes.get(3);
    dead.online = false;
    network.run(Duration.ofMinutes(5));
    for (Simulated node : nodes.subList(0, 3)) {
      assertThat(node.table.find(dead.localRecord.current().id())).isNull();
      assertThat(node.table.liveSize()).isEqualTo(2);
    }
  }

  @Test
  void aBootNodeThatStartsLaterIsFound() {
    Simulated boot = network.add(4);
    boot.online = false;
    boot.maintain().start();
    Simulated node = network.add(4);
    node.maintain(boot).start();
    network.run(Duration.ofMinutes(1));
    assertThat(node.table.liveSize()).isZero();
    boot.online = true;
    network.run(Duration.ofMinutes(6));
    assertThat(node.table.liveSize()).isEqualTo(1);
    assertThat(boot.table.liveSize()).isEqualTo(1);
  }

  @Test
  void seedsReplaceBootNodes() {
    List<Simulated> nodes = start(3);
    Simulated restarted = network.add(4);
    nodes.stream()
        .sorted(Comparator.comparing(node -> node.endpoint.getPort()))
        .forEach(node -> restarted.database.put(node.contact()));
    restarted.maintain().start();
    network.run(Duration.ofMinutes(1));
    assertThat(restarted.table.liveSize()).isEqualTo(3);
  }

  /** The node may start before the network is up. */
  @Test
  void seedsThatDoNotRespondAreTriedAgain() {
    List<Simulated> nodes = start(3);
    network.run(SECOND);
    nodes.forEach(node -> node.online = false);
    Simulated restarted = network.add(4);
    nodes.forEach(node -> restarted.database.put(node.contact()));
    restarted.maintain().start();
    network.run(Duration.ofMinutes(3));
    assertThat(restarted.table.size()).isZero();
    nodes.forEach(node -> node.online = true);
    network.run(Duration.ofMinutes(6));
    assertThat(restarted.table.liveSize()).isEqualTo(3);
  }

  /** Names of boot nodes are looked up while the node runs. */
  @Test
  void bootNodesMayBeAddedLater() {
    Simulated boot = network.add(4);
    boot.maintain().start();
    Simulated node = network.add(4);
    TableMaintenance maintenance = node.maintain();
    maintenance.start();
    network.run(Duration.ofMinutes(1));
    maintenance.setBootNodes(List.of(boot.contact()));
    network.run(SECOND);
    assertThat(node.table.liveSize()).isEqualTo(1);
  }

  @Test
  void aClockThatIsAheadIsReported() {
    Simulated a = network.add(4);
    V4Packet.Endpoint endpoint = new V4Packet.Endpoint(a.endpoint.getAddress(), 1, 1);
    V4Packet ping = new Ping(endpoint, endpoint, network.clock.inSeconds(-3_580), 0);
    for (int i = 0; i < ClockCheck.MIN_VOTES; i++) {
      Simulated other = network.add(4);
      assertThat(Objects.requireNonNull(a.v4).clockCheck().latest()).isNull();
      network.inject(V4Codec.encode(ping, other.key).bytes(), other.endpoint, a.endpoint);
      network.deliver();
    }
    assertThat(Objects.requireNonNull(a.v4).clockCheck().latest()).contains("3600 s ahead");
    assertThat(a.dropped).hasSize(ClockCheck.MIN_VOTES).containsOnly("expired");
  }
}
