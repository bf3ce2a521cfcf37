// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What other nodes can make this node hold has a limit and an end. */
class BoundsTest {
  private static final InetAddress ADDRESS = Addresses.of(new byte[] {1, 2, 3, 4});
  private static final InetSocketAddress ENDPOINT = new InetSocketAddress(ADDRESS, 30_303);

  private final TestClock clock = new TestClock();
  private final Timers timers = new Timers(clock::nanoTime);
  private final Random random = new Random(2);

  private static Hash id(int number) {
    return Hash.keccak(new byte[] {(byte) (number >> 16), (byte) (number >> 8), (byte) number});
  }

  @Test
  void theOldestEndpointProofIsEvicted() {
    EndpointProofs proofs = new EndpointProofs(timers);
    for (int i = 0; i <= EndpointProofs.MAX_PROOFS; i++) {
      proofs.addPong(id(i), inSubnet(i));
      proofs.addPing(id(i), inSubnet(i));
    }
    assertThat(proofs.isProven(id(0), inSubnet(0))).isFalse();
    assertThat(proofs.isProven(id(1), inSubnet(1))).isTrue();
    assertThat(proofs.isKnownTo(id(0), inSubnet(0))).isFalse();
    assertThat(proofs.isKnownTo(id(1), inSubnet(1))).isTrue();
  }

  /** Returns an address in a subnet of its own. */
  private static InetAddress inSubnet(int number) {
    return Addresses.of(new byte[] {50, (byte) (number >> 8), (byte) number, 1});
  }

  /** A host can have any number of node ids, and an IPv6 host any number of addresses. */
  @Test
  void aFloodFromOneSubnetEvictsNoProofOfAnother() {
    EndpointProofs proofs = new EndpointProofs(timers);
    proofs.addPong(id(-1), ADDRESS);
    proofs.addPing(id(-1), ADDRESS);
    for (int i = 0; i <= EndpointProofs.MAX_PROOFS; i++) {
      InetAddress v4 = Addresses.of(new byte[] {60, 1, 1, (byte) i});
      proofs.addPong(id(i), v4);
      proofs.addPing(id(i), v4);
      InetAddress v6 = inIpv6Block(i);
      proofs.addPong(id(i), v6);
      proofs.addPing(id(i), v6);
    }
    assertThat(proofs.isProven(id(-1), ADDRESS)).isTrue();
    assertThat(proofs.isKnownTo(id(-1), ADDRESS)).isTrue();
    int latest = EndpointProofs.MAX_PROOFS;
    int evicted = latest - EndpointProofs.MAX_PROOFS_PER_SUBNET;
    assertThat(proofs.isProven(id(latest), inIpv6Block(latest))).isTrue();
    assertThat(proofs.isProven(id(evicted + 1), inIpv6Block(evicted + 1))).isTrue();
    assertThat(proofs.isProven(id(evicted), inIpv6Block(evicted))).isFalse();
  }

  /** Returns an address in a /64 of its own. */
  private static InetAddress inIpv6Block(int number) {
    byte[] bytes = new byte[16];
    bytes[0] = 0x2a;
    bytes[6] = (byte) (number >> 8);
    bytes[7] = (byte) number;
    return Addresses.of(bytes);
  }

  @Test
  void aFloodFromOneSubnetEvictsNoSessionOfAnother() {
    V5Sessions sessions = new V5Sessions(random);
    byte[] key = new byte[V5Crypto.KEY_BYTES];
    InetSocketAddress flooding = endpoint(1);
    sessions.put(id(-1), ENDPOINT, key, key);
    for (int i = 0; i <= V5Sessions.MAX_SESSIONS; i++) {
      sessions.put(id(i), flooding, key, key);
    }
    assertThat(sessions.get(id(-1), ENDPOINT)).isNotNull();
    assertThat(sessions.size()).isEqualTo(1 + V5Sessions.MAX_SESSIONS_PER_SUBNET);
  }

  /** Many nodes of a private network may be behind one address. */
  @Test
  void aPrivateNetworkIsBoundedInTotalOnly() {
    SubnetBoundedMap<Integer, String> map =
        new SubnetBoundedMap<>(
            10, 2, key -> Addresses.of(new byte[] {(byte) (key < 100 ? 10 : 60), 0, 0, 1}));
    for (int i = 0; i < 11; i++) {
      map.put(i, "private");
    }
    assertThat(map.size()).isEqualTo(10);
    assertThat(map.get(0)).isNull();
    map.put(1, "private again");
    for (int i = 100; i < 110; i++) {
      map.put(i, "public");
    }
    assertThat(map.size()).isEqualTo(10);
    assertThat(map.get(1)).isEqualTo("private again");
    assertThat(map.get(3)).isNull();
    assertThat(map.get(107)).isNull();
    assertThat(map.get(109)).isEqualTo("public");
    map.remove(108);
    map.remove(109);
    map.remove(109);
    assertThat(map.size()).isEqualTo(8);
  }

  @Test
  void aProofEndsAfterTwelveHours() {
    EndpointProofs proofs = new EndpointProofs(timers);
    proofs.addPong(id(1), ADDRESS);
    proofs.addPing(id(1), ADDRESS);
    clock.advance(Duration.ofHours(12).minusMillis(1));
    assertThat(proofs.isProven(id(1), ADDRESS)).isTrue();
    assertThat(proofs.isKnownTo(id(1), ADDRESS)).isTrue();
    clock.advance(Duration.ofMillis(1));
    assertThat(proofs.isProven(id(1), ADDRESS)).isFalse();
    assertThat(proofs.isKnownTo(id(1), ADDRESS)).isFalse();
  }

  @Test
  void theSessionThatWasNotUsedForTheLongestTimeIsEvicted() {
    V5Sessions sessions = new V5Sessions(random);
    byte[] key = new byte[V5Crypto.KEY_BYTES];
    for (int i = 0; i < V5Sessions.MAX_SESSIONS; i++) {
      sessions.put(id(i), endpoint(i), key, key);
    }
    assertThat(sessions.get(id(0), endpoint(0))).isNotNull();
    sessions.put(id(-1), ENDPOINT, key, key);
    assertThat(sessions.size()).isEqualTo(V5Sessions.MAX_SESSIONS);
    assertThat(sessions.get(id(0), endpoint(0))).isNotNull();
    assertThat(sessions.get(id(1), endpoint(1))).isNull();
  }

  private static InetSocketAddress endpoint(int number) {
    return new InetSocketAddress(inSubnet(number), 30_303);
  }

  @Test
  void theNoncesOfASessionDiffer() {
    byte[] key = new byte[V5Crypto.KEY_BYTES];
    V5Sessions.Session session = new V5Sessions(random).put(id(1), ENDPOINT, key, key);
    Set<Bytes> prefixes = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      Bytes nonce = session.nextNonce();
      assertThat(nonce.size()).isEqualTo(V5Codec.NONCE_BYTES);
      prefixes.add(nonce.slice(0, 4));
    }
    assertThat(prefixes).hasSize(1_000);
  }

  @Test
  void requestsOfVersion4AreBoundedAndTimeOut() {
    V4Requests<String> requests = new V4Requests<>(timers);
    int[] ended = {0};
    for (int i = 0; i < V4Requests.MAX_PENDING; i++) {
      requests.add(
          id(i),
          ADDRESS,
          () -> Hash.ZERO,
          result -> {
            assertThat(result.isTimeout()).isTrue();
            ended[0]++;
          });
    }
    assertThat(ended[0]).isZero();
    requests.add(
        id(-1),
        ADDRESS,
        () -> {
          throw new AssertionError("sent");
        },
        result -> {
          assertThat(result).isEqualTo(RequestResult.notSent());
          assertThat(result.isTimeout()).isFalse();
          ended[0]++;
        });
    assertThat(ended[0]).isEqualTo(1);
    clock.advance(Duration.ofMillis(V4Requests.TIMEOUT_MILLIS));
    timers.runDue();
    assertThat(ended[0]).isEqualTo(1 + V4Requests.MAX_PENDING);
    assertThat(requests.size()).isZero();
  }

  @Test
  void requestsOfVersion5AreBounded() {
    List<V5Calls.Call> sent = new ArrayList<>();
    V5Calls calls = new V5Calls(timers, sent::add);
    int[] ended = {0};
    int[] notSent = {0};
    V5Calls.ResponseHandler handler =
        new V5Calls.ResponseHandler() {
          @Override
          public boolean accept(V5Message.Response message) {
            return true;
          }

          @Override
          public void end(boolean wasSent) {
            notSent[0] += wasSent ? 0 : 1;
            ended[0]++;
          }
        };
    V5Message ping = new V5Message.Ping(Bytes.EMPTY, 0);
    Node node = new Node(Bytes.wrap(new byte[64]), ADDRESS, 30_303, 0);
    for (int i = 0; i <= V5Calls.MAX_CALLS; i++) {
      calls.add(new Contact(id(i), node, null), ping, handler);
    }
    assertThat(ended[0]).isEqualTo(1);
    assertThat(notSent[0]).isEqualTo(1);
    assertThat(calls.size()).isEqualTo(V5Calls.MAX_CALLS);
    assertThat(calls.active(id(V5Calls.MAX_CALLS))).isNull();
    sent.forEach(V5Calls.Call::end);
    sent.forEach(V5Calls.Call::end);
    assertThat(ended[0]).isEqualTo(1 + V5Calls.MAX_CALLS);
    assertThat(notSent[0]).isEqualTo(1);
    assertThat(calls.size()).isZero();
  }

  @Test
  void timersRunOnceInOrderUnlessCancelled() {
    List<String> ran = new ArrayList<>();
    timers.schedule(20, () -> ran.add("second"));
    timers.schedule(10, () -> ran.add("first"));
    timers.schedule(20, () -> ran.add("third"));
    timers.schedule(15, () -> ran.add("cancelled")).cancel();
    assertThat(timers.runDue()).isEqualTo(10);
    clock.advance(Duration.ofMillis(10));
    assertThat(timers.runDue()).isEqualTo(10);
    assertThat(ran).containsExactly("first");
    clock.advance(Duration.ofSeconds(1));
    assertThat(timers.runDue()).isEqualTo(dev.patchbay.binding.Loop.UNTIL_WOKEN);
    assertThat(ran).containsExactly("first", "second", "third");
  }

  // ---- NODES of version 5

  private byte[] newKey() {
    byte[] key = new byte[32];
    random.nextBytes(key);
    key[0] = 1; // below the group order
    return key;
  }

  private NodeRecord record(int port, int... address) {
    byte[] bytes = new byte[4];
    for (int i = 0; i < 4; i++) {
      bytes[i] = (byte) address[i];
    }
    return NodeRecord.sign(
        1, Map.of("ip", NodeRecord.rlp(bytes), "udp", NodeRecord.rlp(port)), newKey());
  }

  private static V5Message.Nodes nodes(int total, List<NodeRecord> records) {
    return new V5Message.Nodes(
        Bytes.EMPTY, total, records.stream().map(NodeRecord::encoded).toList());
  }

  private static List<Integer> allDistances() {
    List<Integer> distances = new ArrayList<>();
    for (int i = 0; i <= 256; i++) {
      distances.add(i);
    }
    return distances;
  }

  @Test
  void recordsThatWereNotAskedForAreSkipped() throws Exception {
    NodeRecord asked = record(30_303, 60, 1, 1, 1);
    Contact contact = Contact.of(new Node(asked.publicKey(), ADDRESS, 30_303, 0));
    NodeRecord right = record(30_303, 60, 1, 1, 2);
    NodeRecord far = record(30_303, 60, 1, 1, 3);
    while (Distance.log(far.id(), contact.id()) == Distance.log(right.id(), contact.id())) {
      far = record(30_303, 60, 1, 1, 3);
    }
    List<List<Contact>> results = new ArrayList<>();
    V5NodesCollector collector =
        new V5NodesCollector(
            contact,
            List.of(Distance.log(right.id(), contact.id())),
            id(1),
            address -> true,
            result -> results.add(Objects.requireNonNull(result.response())));
    assertThat(collector.accept(nodes(2, List.of(far, right)))).isFalse();
    assertThat(collector.accept(nodes(2, List.of(right)))).isTrue();
    collector.end(true);
    assertThat(results.get(0)).extracting(Contact::record).containsExactly(right);
  }

  @Test
  void recordsThatMustNotBeRelayedAreSkipped() throws Exception {
    Contact contact = Contact.of(new Node(Bytes.wrap(new byte[64]), ADDRESS, 30_303, 0));
    NodeRecord self = record(30_303, 60, 1, 1, 4);
    NodeRecord banned = record(30_303, 66, 1, 1, 4);
    NodeRecord right = record(30_303, 60, 1, 1, 5);
    List<List<Contact>> results = new ArrayList<>();
    V5NodesCollector collector =
        new V5NodesCollector(
            contact,
            allDistances(),
            self.id(),
            address -> address.getAddress()[0] != 66,
            result -> results.add(Objects.requireNonNull(result.response())));
    List<NodeRecord> records =
        List.of(
            record(30_303, 192, 168, 1, 1),
            record(30_303, 127, 0, 0, 1),
            record(53, 60, 1, 1, 6),
            NodeRecord.sign(1, Map.of(), newKey()),
            self,
            banned,
            right);
    assertThat(collector.accept(nodes(1, records))).isTrue();
    collector.end(true);
    assertThat(results.get(0)).extracting(Contact::record).containsExactly(right);
  }

  @Test
  void aResponseHasSixteenRecordsAndSixteenMessagesAtMost() throws Exception {
    Contact contact = Contact.of(new Node(Bytes.wrap(new byte[64]), ADDRESS, 30_303, 0));
    List<List<Contact>> results = new ArrayList<>();
    V5NodesCollector many =
        new V5NodesCollector(
            contact,
            allDistances(),
            id(1),
            address -> true,
            result -> results.add(Objects.requireNonNull(result.response())));
    List<NodeRecord> records = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      records.add(record(30_303, 60, 1, 2, i));
    }
    assertThat(many.accept(nodes(100, records))).isTrue();
    many.end(true);
    assertThat(results.get(0)).hasSize(NodeTable.BUCKET_SIZE);
    V5NodesCollector empty =
        new V5NodesCollector(
            contact,
            allDistances(),
            id(1),
            address -> true,
            result -> results.add(Objects.requireNonNull(result.response())));
    for (int i = 1; i < V5NodesCollector.MAX_MESSAGES; i++) {
      assertThat(empty.accept(nodes(1_000_000, List.of()))).isFalse();
    }
    assertThat(empty.accept(nodes(1_000_000, List.of()))).isTrue();
    V5Message.Response pong = new V5Message.Pong(Bytes.EMPTY, 1, ADDRESS, 1);
    assertThatThrownBy(() -> empty.accept(pong)).isInstanceOf(MalformedPacketException.class);
    V5Message.Nodes malformed =
        new V5Message.Nodes(Bytes.EMPTY, 1, List.of(Bytes.wrap(new byte[] {(byte) 0xc0})));
    assertThatThrownBy(() -> empty.accept(malformed)).isInstanceOf(MalformedPacketException.class);
  }
}
