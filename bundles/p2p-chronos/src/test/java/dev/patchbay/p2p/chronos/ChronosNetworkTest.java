// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.execution.BlockLimits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ChronosNetworkTest {
  private static final String LOW = "0x" + "11".repeat(20);
  private static final String OWN = "0x" + "22".repeat(20);
  private static final String HIGH = "0x" + "33".repeat(20);

  private final FakeEvents events = new FakeEvents();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened) {
      one.close();
    }
  }

  private static ChronosSettings settings(boolean strict, int max, String... peers) {
    Set<HostPort> nodes = Arrays.stream(peers).map(HostPort::parse).collect(Collectors.toSet());
    return new ChronosSettings(
        "127.0.0.1", 0, nodes, strict, false, LocalChain.AUTOMATIC, null, max);
  }

  private ChronosNetwork network(ChronosSettings settings, FakeChain chain, String address)
      throws Exception {
    ChronosNetwork network =
        new ChronosNetwork(
            settings, null, chain.local(address, settings.confirmations()), new Random(20_261_201));
    opened.add(network);
    network.setEvents(events);
    network.start();
    await("the port", network::isListening);
    return network;
  }

  private ChronosNetwork network(FakeChain chain) throws Exception {
    return network(settings(false, 25), chain, OWN);
  }

  private WirePeer dial(ChronosNetwork network) throws Exception {
    WirePeer peer = WirePeer.dial(network.localNode().tcpPort());
    opened.add(0, peer);
    return peer;
  }

  private WirePeer peer(ChronosNetwork network, long height, String address) throws Exception {
    WirePeer peer = dial(network);
    peer.shake(height, address);
    peer.expect(MessageCode.SHAKEHAND);
    return peer;
  }

  static void await(String what, Callable<Boolean> condition) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waiting for %s", what).isLessThan(limit);
      Thread.sleep(10);
    }
  }

  private static Map<String, Object> json(Block block) {
    return Objects.requireNonNull(BlockJson.write(block));
  }

  private static String address(int number) {
    return "0x%040x".formatted(number + 1);
  }

  // ---- the server

  @Test
  void aPeerWithTheMembersOfTheSeedIsServed() throws Exception {
    FakeChain chain = new FakeChain(5);
    WirePeer peer = dial(network(chain));
    peer.shake(0, LOW);
    Map<?, ?> own = (Map<?, ?>) Objects.requireNonNull(peer.expect(MessageCode.SHAKEHAND).data());
    assertThat(own.get("height")).isEqualTo(5L);
    assertThat(own.get("address")).isEqualTo(OWN);
    assertThat(own.get("headHash")).isEqualTo(chain.head().hash().toString());
    for (int i = 0; i <= 4; i++) { // the head is not confirmed
      peer.send(MessageCode.PULL_BLOCK, (long) i, 100 + i);
      Message push = peer.expect(MessageCode.PUSH_BLOCK);
      assertThat(push.id()).isEqualTo(100 + i);
      assertThat(BlockJson.read(false, push.data()).encode()).isEqualTo(chain.at(i).encode());
    }
    peer.send(MessageCode.PULL_BLOCK, "0x5", 9);
    Message absent = peer.expect(MessageCode.ERROR);
    assertThat(absent.id()).isEqualTo(9);
    assertThat(absent.data())
        .asInstanceOf(InstanceOfAssertFactories.map(String.class, Object.class))
        .containsEntry("code", "not_found")
        .containsEntry("height", 5L);
    peer.send(MessageCode.GET_BLOCK, chain.head().hash());
    assertThat(peer.expectBlock(MessageCode.NEW_BLOCK)).isEqualTo(chain.head());
    Block side = chain.side(FakeChain.child(chain.at(2), "side", List.of()));
    peer.send(MessageCode.GET_BLOCK, side.hash());
    assertThat(peer.expectBlock(MessageCode.NEW_BLOCK)).isEqualTo(side);
    peer.send(MessageCode.GET_BLOCK, Hash.ZERO);
    assertThat(peer.expectError("not_found", false).get("hash")).isEqualTo(Hash.ZERO.toString());
    peer.send(MessageCode.NEW_BLOCK_HASH, side.hash());
    assertThat(peer.expect(MessageCode.BLOCK_KNOWN).data()).isEqualTo(side.hash().toString());
    peer.send(MessageCode.NEW_BLOCK, json(side));
    assertThat(peer.expect(MessageCode.BLOCK_KNOWN).data()).isEqualTo(side.hash().toString());
    peer.shake(0, LOW);
    peer.expect(MessageCode.SHAKEHAND);
  }

  @Test
  void aSuccessorHasTheAddedPeersAndTheBans() throws Exception {
    ChronosNetwork predecessor = network(new FakeChain(1));
    assertThat(predecessor.addPeer("127.0.0.1:1")).isTrue();
    assertThat(predecessor.addPeer("127.0.0.1:2")).isTrue();
    predecessor.removePeer("127.0.0.1:2");
    predecessor.ban("127.0.0.1:3", Duration.ofMinutes(1), "its seal");
    ChronosNetwork successor = network(new FakeChain(1));

    successor.restore(predecessor.changes(), predecessor.bansUntil());

    assertThat(successor.bans()).isEqualTo(predecessor.bans());
    assertThat(successor.addPeer("127.0.0.1:1")).isFalse();
    assertThat(successor.addPeer("127.0.0.1:2")).isTrue();
    successor.restore("of another version", List.of(List.of("127.0.0.1:4")));
    assertThat(successor.bans()).hasSize(1);
  }

  /** Its message would be refused, and the connection end, with each request. */
  @Test
  void aBlockWhoseMessageIsTooLargeIsNotCarried() throws Exception {
    FakeChain chain = new FakeChain(1);
    String extra = "x".repeat(Limits.MAX_BLOCK_FRAME / 2);
    Block large = chain.append(FakeChain.child(chain.head(), extra, List.of()));
    for (int i = 0; i < 3; i++) {
      chain.append(FakeChain.child(chain.head(), "y", List.of()));
    }
    ChronosNetwork network = network(chain);
    WirePeer peer = peer(network, 0, LOW);
    peer.send(MessageCode.PULL_BLOCK, large.number());
    Map<?, ?> refusal = peer.expectError("not_found", false);
    assertThat(refusal.get("height")).isEqualTo(large.number());
    assertThat(refusal.get("message")).asString().contains("exceeds 8 MiB").contains("devp2p");
    peer.send(MessageCode.GET_BLOCK, large.hash());
    assertThat(peer.expectError("not_found", false).get("message"))
        .asString()
        .contains("exceeds 8 MiB");
    assertThat(broadcast(network, large)).isZero();
    peer.send(MessageCode.PULL_BLOCK, 1L);
    assertThat(peer.expectBlock(MessageCode.PUSH_BLOCK)).isEqualTo(chain.at(1));
  }

  /** A chain that a consensus client drives has other ways for its blocks. */
  @Test
  void aBlockIsNotBuiltThatPeersCannotBeSent() throws Exception {
    FakeChain chain = new FakeChain(1);
    assertThat(network(chain).maxBlockBytes()).isEqualTo(Limits.MAX_BLOCK_BYTES);
    chain.isDriven = true;
    assertThat(network(chain).maxBlockBytes()).isEqualTo(BlockLimits.MAX_BYTES);
  }

  /** Three times as many as a second allows, at once: all are answered, in order. */
  @Test
  void whatComesTooFastIsReadLater() throws Exception {
    ChronosNetwork network = network(new FakeChain(2));
    WirePeer peer = peer(network, 0, LOW);
    for (int i = 0; i < 60; i++) {
      peer.send(MessageCode.PULL_BLOCK, (long) (i % 2), i);
    }
    for (int i = 0; i < 60; i++) {
      assertThat(peer.expect(MessageCode.PUSH_BLOCK).id()).isEqualTo(i);
    }
    Map<?, ?> stated = (Map<?, ?>) network.peers().get(0).protocols().get("chronos");
    assertThat(stated.get("received")).isEqualTo(Map.of("SHAKEHAND", 1L, "PULL_BLOCK", 60L));
    assertThat(stated.get("sent")).isEqualTo(Map.of("SHAKEHAND", 1L, "PUSH_BLOCK", 60L));
  }

  @Test
  void newBlocksArePublishedAndAnnouncedOnesRequested() throws Exception {
    FakeChain chain = new FakeChain(3);
    ChronosNetwork network = network(chain);
    WirePeer peer = peer(network, 0, LOW);
    PeerId id = events.next(PeerEvent.PeerConnected.class).peer();
    assertThat(id).isEqualTo(new PeerId("chronos", LOW));
    Block first = FakeChain.child(chain.head(), "x", List.of(FakeChain.transaction(7)));
    peer.send(MessageCode.NEW_BLOCK, json(first));
    PeerEvent.NewBlock published = events.next(PeerEvent.NewBlock.class);
    assertThat(published.peer()).isEqualTo(id);
    assertThat(published.block().encode()).isEqualTo(first.encode());
    assertThat(network.peers().get(0).head()).isNotNull().hasFieldOrPropertyWithValue("number", 4L);
    Block second = FakeChain.child(first, "x", List.of());
    peer.send(MessageCode.NEW_BLOCK_HASH, second.hash());
    assertThat(peer.expect(MessageCode.GET_BLOCK).data()).isEqualTo(second.hash().toString());
    peer.send(MessageCode.NEW_BLOCK, json(second));
    assertThat(events.next(PeerEvent.NewBlock.class).block()).isEqualTo(second);
    WirePeer other = peer(network, 0, HIGH);
    events.next(PeerEvent.PeerConnected.class);
    other.send(MessageCode.NEW_BLOCK_HASH, second.hash());
    assertThat(other.expect(MessageCode.BLOCK_KNOWN).data())
        .as("it waits for its import")
        .isEqualTo(second.hash().toString());
    peer.close();
    assertThat(events.next(PeerEvent.PeerDisconnected.class).peer()).isEqualTo(id);
  }

  @Test
  void aConsensusClientMovesTheHeadAlone() throws Exception {
    FakeChain chain = new FakeChain(3);
    chain.isDriven = true;
    chain.finalized = chain.at(1);
    ChronosNetwork network = network(chain);
    WirePeer peer = peer(network, 9, LOW);
    PeerId id = events.next(PeerEvent.PeerConnected.class).peer();
    Block next = FakeChain.child(chain.head(), "x", List.of());
    peer.send(MessageCode.NEW_BLOCK, json(next));
    peer.send(MessageCode.NEW_BLOCK_HASH, next.hash());
    peer.send(MessageCode.PULL_BLOCK, 1L);
    assertThat(peer.expectBlock(MessageCode.PUSH_BLOCK)).isEqualTo(chain.at(1));
    peer.send(MessageCode.PULL_BLOCK, 2L);
    peer.expectError("not_found", false);
    assertThat(events.isEmpty()).isTrue();
    assertThat(network.commands().canRequest(id)).isFalse();
    assertThat(network.peers().get(0).head()).isNull();
    broadcast(network, chain.at(2));
    assertThat(peer.expectBlock(MessageCode.NEW_BLOCK)).isEqualTo(chain.at(2));
  }

  @Test
  void violationsEndTheConnectionWithTheirCode() throws Exception {
    FakeChain chain = new FakeChain(1);
    ChronosNetwork network = network(chain);
    WirePeer early = dial(network);
    early.send(MessageCode.PULL_BLOCK, 0L);
    early.expectError("handshake", true);
    WirePeer large = dial(network);
    large.send(new byte[Limits.MAX_FIRST_FRAME + 1]);
    large.expectError("too_large", true);
    WirePeer other = dial(network);
    other.send(
        MessageCode.SHAKEHAND,
        Map.of("timestamp", 1L, "height", 0L, "address", LOW, "genesis", Hash.ZERO));
    other.expectError("wrong_chain", true);
    WirePeer wrong = peer(network, 0, LOW);
    wrong.send("{\"code\":\"PULL_BLOCK\",\"data\":1.5}".getBytes(StandardCharsets.UTF_8));
    wrong.expectError("bad_data", false);
    wrong.shake(0, HIGH);
    wrong.expectError("handshake", true);
    WirePeer twice = peer(network, 0, LOW);
    twice.send("{\"code\":\"X\",\"code\":\"Y\"}".getBytes(StandardCharsets.UTF_8));
    twice.expectError("malformed", true);
    WirePeer padded = peer(network, 0, LOW);
    padded.send(
        ("{\"code\":\"PULL_BLOCK\",\"data\":1" + " ".repeat(Limits.MAX_FRAME) + "}")
            .getBytes(StandardCharsets.UTF_8));
    padded.expectError("too_large", true);
    WirePeer unknown = peer(network, 0, LOW);
    for (int i = 1; i <= Limits.MAX_ERRORS; i++) {
      unknown.send("{\"code\":\"shakehand\",\"id\":1}".getBytes(StandardCharsets.UTF_8));
      unknown.expectError("unknown_code", i == Limits.MAX_ERRORS);
    }
    WirePeer silent = dial(network);
    silent.expectError("timeout", true);
    awaitEnds(network, 8); // a peer can see the end of its connection before it is counted
    assertThat(network.disconnects())
        .isEqualTo(
            Map.of(
                "sent: handshake", 2L,
                "sent: too_large", 2L,
                "sent: wrong_chain", 1L,
                "sent: malformed", 1L,
                "sent: unknown_code", 1L,
                "sent: timeout", 1L));
    assertThat(network.health().status()).isEqualTo(Health.Status.HEALTHY);
  }

  @Test
  void connectionsAreCountedAndStrictNodesWantAllMembers() throws Exception {
    ChronosNetwork network = network(settings(true, 2), new FakeChain(1), OWN);
    WirePeer seed = dial(network);
    seed.shake(0, LOW);
    seed.expectError("incomplete_shakehand", true);
    await("the end of the connection", () -> network.pending().isEmpty());
    ChronosNetwork small = network(settings(false, 2), new FakeChain(1), OWN);
    WirePeer late = dial(small);
    peer(small, 0, LOW);
    peer(small, 0, HIGH);
    dial(small).expectError("busy", true);
    late.shake(0, address(7));
    late.expectError("busy", true);
    assertThat(small.peers()).hasSize(2);
  }

  /** Whoever connects and sends nothing takes a place for 5 seconds, and none of a peer. */
  @Test
  void idleConnectionsDoNotKeepPeersOut() throws Exception {
    ChronosNetwork network = network(settings(false, 2), new FakeChain(1), OWN);
    WirePeer first = dial(network);
    for (int i = 1; i < Limits.MAX_PENDING + 8; i++) {
      dial(network);
    }
    assertThat(first.next()).as("the oldest one ends").isNull();
    peer(network, 0, LOW);
    peer(network, 0, HIGH);
    assertThat(network.peers()).hasSize(2);
    assertThat(network.pending()).hasSizeLessThanOrEqualTo(Limits.MAX_PENDING);
  }

  @Test
  void aNodeHasOneConnectionWithAPeer() throws Exception {
    ChronosNetwork network = network(new FakeChain(1));
    WirePeer first = peer(network, 0, LOW);
    WirePeer second = dial(network);
    second.shake(0, LOW);
    assertThat(second.next()).as("the older one stays").isNull();
    WirePeer self = dial(network);
    self.shake(0, OWN);
    assertThat(self.next()).isNull();
    first.send(MessageCode.PULL_BLOCK, 0L);
    first.expect(MessageCode.PUSH_BLOCK);
    assertThat(network.peers()).hasSize(1);
  }

  /** The peer has dialed, too: the connection stays that the lower address has dialed. */
  @Test
  void ofTwoThatCrossTheOneOfTheLowerAddressStays() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      ChronosNetwork network = network(new FakeChain(1));
      network.addPeer("127.0.0.1:" + listener.getLocalPort());
      WirePeer dialed = new WirePeer(listener.accept());
      dialed.expect(MessageCode.SHAKEHAND);
      dialed.shake(0, LOW);
      await("the peer", () -> network.peers().size() == 1);
      WirePeer crossing = peer(network, 0, LOW);
      assertThat(dialed.next()).as("the node has the higher address").isNull();
      assertThat(network.peers()).singleElement().matches(PeerInfo::inbound);
      List<InetSocketAddress> started = new ArrayList<>();
      List<InetSocketAddress> ended = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        PeerEvent event = events.next(PeerEvent.class);
        if (event instanceof PeerEvent.PeerConnected start) {
          started.add(start.address());
        } else if (event instanceof PeerEvent.PeerDisconnected end) {
          ended.add(end.address());
        }
      }
      assertThat(started).hasSize(2);
      assertThat(ended).containsExactly(started.get(0));
      crossing.close();
      assertThat(events.next(PeerEvent.PeerDisconnected.class).address()).isEqualTo(started.get(1));
    }
  }

  @Test
  void ofTwoThatCrossTheOneOfThisNodeStaysWhenItsAddressIsLower() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      ChronosNetwork network = network(new FakeChain(1));
      network.addPeer("127.0.0.1:" + listener.getLocalPort());
      WirePeer dialed = new WirePeer(listener.accept());
      dialed.expect(MessageCode.SHAKEHAND);
      dialed.shake(0, HIGH);
      await("the peer", () -> network.peers().size() == 1);
      WirePeer second = dial(network);
      second.shake(0, HIGH);
      assertThat(second.next()).isNull();
      assertThat(network.peers()).singleElement().matches(peer -> !peer.inbound());
    }
  }

  // ---- the client

  @Test
  void aNodeThatEndsIsDialedAgainAndARemovedOneIsNot() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      String url = "127.0.0.1:" + listener.getLocalPort();
      ChronosNetwork network = network(settings(false, 25, url), new FakeChain(1), OWN);
      for (int i = 0; i < 2; i++) {
        try (WirePeer dialed = new WirePeer(listener.accept())) {
          dialed.expect(MessageCode.SHAKEHAND);
          dialed.shake(1, LOW);
          await("the peer", () -> network.peers().size() == 1);
          assertThat(network.peers().get(0).configured()).isTrue();
          assertThat(network.addPeer(url)).isFalse();
        }
        await("its end", () -> network.peers().isEmpty());
      }
      try (WirePeer dialed = new WirePeer(listener.accept())) {
        dialed.expect(MessageCode.SHAKEHAND);
        assertThat(network.removePeer(url)).isTrue();
        assertThat(dialed.next()).isNull();
        assertThat(network.removePeer(url)).isFalse();
      }
      assertThatThrownBy(() -> network.addPeer("enode://x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("HOST:PORT");
    }
  }

  @Test
  void theHeadOfAPeerThatStatesItsHeightOnlyIsPulled() throws Exception {
    FakeChain theirs = new FakeChain(9);
    ChronosNetwork network = network(new FakeChain(3));
    WirePeer peer = peer(network, 9, LOW);
    assertThat(peer.expect(MessageCode.PULL_BLOCK).data()).isEqualTo(9L);
    peer.send(MessageCode.ERROR, Map.of("code", "not_found", "height", 9L));
    assertThat(peer.expect(MessageCode.PULL_BLOCK).data()).isEqualTo(4L);
    assertThat(network.peers().get(0).head()).isNull();
    peer.send(MessageCode.PUSH_BLOCK, json(theirs.at(4)));
    await("the head", () -> network.peers().get(0).head() != null);
    assertThat(network.peers().get(0).head().hash()).isEqualTo(theirs.at(4).hash());
  }

  private <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  /** Confirmed headers by number, the others from the head down; bodies without a request. */
  @Test
  void headersAndBodiesComeFromAnotherNode() throws Exception {
    FakeChain theirs = new FakeChain(40);
    ChronosNetwork server = network(theirs);
    ChronosNetwork client =
        network(
            settings(false, 25, "127.0.0.1:" + server.localNode().tcpPort()),
            new FakeChain(2),
            LOW);
    await("the peer", () -> client.peers().size() == 1);
    PeerInfo peer = client.peers().get(0);
    assertThat(peer.head().number()).isEqualTo(40);
    assertThat(client.commands().canRequest(peer.id())).isTrue();
    List<Block> got = new ArrayList<>();
    while (got.isEmpty() || got.get(got.size() - 1).number() < 40) {
      long start = got.size() + 1;
      List<BlockHeader> headers =
          get(client.commands().headers(new PeerCommand.GetBlockHeaders(peer.id(), start, 512)));
      assertThat(headers).isNotEmpty().hasSizeLessThanOrEqualTo(Windows.MAX_BLOCKS);
      List<BlockBody> bodies =
          get(
              client
                  .commands()
                  .bodies(
                      new PeerCommand.GetBlockBodies(
                          peer.id(), headers.stream().map(BlockHeader::computeHash).toList())));
      assertThat(bodies).hasSameSizeAs(headers);
      IntStream.range(0, bodies.size())
          .forEach(i -> got.add(bodies.get(i).toBlock(headers.get(i))));
    }
    for (Block block : got) {
      assertThat(block.encode()).isEqualTo(theirs.at(block.number()).encode());
    }
    assertThat(get(client.commands().headers(new PeerCommand.GetBlockHeaders(peer.id(), 41, 512))))
        .isEmpty();
    Hash sixth = theirs.at(6).hash();
    assertThat(
            get(
                client
                    .commands()
                    .headers(
                        new PeerCommand.GetBlockHeaders(
                            peer.id(), new HeaderStart.ByHash(sixth), 1, 0, false))))
        .containsExactly(theirs.at(6).header());
  }

  // ---- broadcast

  private static int broadcast(ChronosNetwork network, Block block) {
    return network
        .commands()
        .execute(new PeerCommand.BroadcastBlock(block.hash(), block.number()))
        .join();
  }

  /** A block may be sent as soon as the peer is published: SHAKEHAND is sent before. */
  @Test
  void theFirstMessageToAPeerIsShakehand() throws Exception {
    FakeChain chain = new FakeChain(2);
    ChronosNetwork network = network(chain);
    events.onConnected = () -> broadcast(network, chain.head());
    WirePeer peer = dial(network);
    peer.shake(0, LOW);
    peer.expect(MessageCode.SHAKEHAND);
    assertThat(peer.expectBlock(MessageCode.NEW_BLOCK)).isEqualTo(chain.head());
  }

  /** Nine peers: three get the block, six its hash; who knows it gets nothing, also later. */
  @Test
  void theSquareRootOfThePeersGetsANewBlock() throws Exception {
    FakeChain chain = new FakeChain(3);
    ChronosNetwork network = network(chain);
    List<WirePeer> peers = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      peers.add(peer(network, 0, address(i)));
    }
    await("the peers", () -> network.peers().size() == 9);
    Block block = chain.append(FakeChain.child(chain.head(), "x", List.of()));
    assertThat(broadcast(network, block)).isEqualTo(9);
    int whole = 0;
    for (WirePeer peer : peers) {
      Message message = Objects.requireNonNull(peer.next());
      if (message.code().equals("NEW_BLOCK")) {
        assertThat(BlockJson.read(false, message.data())).isEqualTo(block);
        whole++;
      } else {
        assertThat(message.code()).isEqualTo("NEW_BLOCK_HASH");
        assertThat(message.data()).isEqualTo(block.hash().toString());
      }
    }
    assertThat(whole).isEqualTo(3);
    assertThat(broadcast(network, block)).as("all know it").isZero();
    Block next = chain.append(FakeChain.child(chain.head(), "y", List.of()));
    peers.get(0).send(MessageCode.BLOCK_KNOWN, next.hash());
    peers.get(0).send(MessageCode.PULL_BLOCK, 0L);
    peers.get(0).expect(MessageCode.PUSH_BLOCK);
    assertThat(broadcast(network, next)).isEqualTo(8);
  }

  @Test
  void aPeerThatSentAnInvalidBlockIsDisconnected() throws Exception {
    ChronosNetwork network = network(new FakeChain(1));
    WirePeer peer = peer(network, 0, LOW);
    network.ban(network.peers().get(0).url(), Duration.ofMinutes(1), "its seal");
    peer.expectError("invalid_block", true);
    assertThat(network.bans()).as("other nodes of this machine may connect").isEmpty();
    peer(network, 0, LOW);
  }

  @Test
  void aPeerThatAnOperatorBansIsNotBlamed() throws Exception {
    ChronosNetwork network = network(new FakeChain(1));
    WirePeer first = peer(network, 0, LOW);
    network.ban(network.peers().get(0).url(), Duration.ofMinutes(1), PeerBan.BY_OPERATOR);
    first.expectError("banned", true);
    WirePeer second = peer(network, 0, HIGH);
    network.ban(network.peers().get(0).url(), Duration.ofMinutes(1));
    second.expectError("banned", true);
  }

  /** A peer must not make this node remember texts of its choice. */
  @Test
  void endsAreCountedByTheCodesOfTheSpecification() throws Exception {
    ChronosNetwork network = network(new FakeChain(1));
    for (String code : List.of("rate", "made up", "x".repeat(100), "slow_reader")) {
      WirePeer peer = dial(network);
      peer.send(MessageCode.ERROR, Map.of("code", code));
      peer.close();
    }
    WirePeer none = dial(network);
    none.send(MessageCode.ERROR, Map.of());
    none.close();
    awaitEnds(network, 5);
    assertThat(network.disconnects())
        .isEqualTo(Map.of("received: rate", 1L, "received: other", 4L));
  }

  private static void awaitEnds(ChronosNetwork network, long count) throws Exception {
    await(
        count + " ends",
        () -> network.disconnects().values().stream().mapToLong(Long::longValue).sum() == count);
  }

  @Test
  void aPortInUseIsReportedAndTriedAgain() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      ChronosSettings settings =
          new ChronosSettings(
              "127.0.0.1", taken.getLocalPort(), Set.of(), false, false, 0, null, 25);
      ChronosNetwork network =
          new ChronosNetwork(settings, null, new FakeChain(0).local(OWN, 0), new Random(1));
      opened.add(network);
      network.start();
      await("the failure", () -> network.health().status() == Health.Status.DEGRADED);
      assertThat(network.health().message()).contains("127.0.0.1:" + taken.getLocalPort());
      taken.close();
      await("the port", network::isListening);
      await("its health", () -> network.health().status() == Health.Status.HEALTHY);
    }
  }

  // ---- parts

  @Test
  void aNodeIsDialedAfterPausesThatDoubleUpToAMinute() {
    long[] now = {0};
    HostPort node = HostPort.parse("[::1]:30403");
    assertThat(node).hasToString("[::1]:30403");
    Dials dials = new Dials(Set.of(node), () -> now[0]);
    List<Long> pauses = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      long start = now[0];
      while (dials.due((address, host) -> false).isEmpty()) {
        now[0] += 500;
      }
      pauses.add((now[0] - start) / 1_000);
      assertThat(dials.due((address, host) -> false)).isEmpty();
      dials.ended(node);
    }
    assertThat(pauses).containsExactly(0L, 1L, 2L, 4L, 8L, 16L, 32L, 60L, 60L);
    dials.established(node);
    dials.ended(node);
    now[0] += 60_000;
    dials.due((address, host) -> false);
    dials.ended(node);
    now[0] += 2_000;
    assertThat(dials.due((address, host) -> false)).containsExactly(node);
  }

  @Test
  void aMessageIsLoggedOnceForEachAddressAndTheNumberOfAddressesIsBounded() throws Exception {
    Warnings warnings = new Warnings();
    InetAddress first = InetAddress.getByName("192.0.2.1");
    assertThat(warnings.isFirst(first, "clock")).isTrue();
    assertThat(warnings.isFirst(first, "clock")).isFalse();
    assertThat(warnings.isFirst(first, "chain")).isTrue();
    for (int i = 0; i < 256; i++) {
      assertThat(warnings.isFirst(InetAddress.getByName("198.51.100." + i), "clock")).isTrue();
    }
    assertThat(warnings.isFirst(first, "clock")).as("it was evicted").isTrue();
  }

  /** The clock goes on while the chain is replaced. */
  @Test
  void theOwnStatementHasTheTimeAtWhichItIsSent() {
    AtomicLong wall = new AtomicLong(1_000);
    LocalChain local = new LocalChain(Address.fromHex(OWN), 0, wall::get);
    Messages messages =
        new Messages(
            local,
            new ServerRole(local, new NewBlocks(local, new BlockCache(5_000), () -> 0)),
            new ClientRole(local),
            (one, stated, reply) -> true,
            false);
    assertThat(messages.own()).isNull();
    ChainReader reader = new FakeChain(3).reader();
    local.chain().replace(reader, FakeChain.DRAIN);
    assertThat(messages.own()).isNotNull().matches(own -> own.timestamp() == 1_000);
    local.chain().release(reader, FakeChain.DRAIN);
    wall.set(61_000);
    assertThat(messages.own())
        .isNotNull()
        .matches(own -> own.timestamp() == 61_000 && own.height() == 3);
  }

  /** A stranger that states the address of a node does not keep this node from dialing it. */
  @Test
  void onlyAConnectionFromItsIpAddressSparesTheDialOfANode() throws Exception {
    InetAddress its = InetAddress.getByName("192.0.2.1");
    InetAddress strange = InetAddress.getByName("192.0.2.2");
    long[] now = {0};
    HostPort node = HostPort.parse("192.0.2.1:30403");
    Dials dials = new Dials(Set.of(node), () -> now[0]);
    dials.due((address, host) -> false);
    dials.identified(node, Address.fromHex(LOW), its);
    dials.ended(node);
    now[0] = 1_000;
    assertThat(dials.due((address, host) -> host.equals(its))).isEmpty();
    assertThat(dials.due((address, host) -> host.equals(strange))).containsExactly(node);
  }

  @Test
  void theKnownListHasTheLatestBlocks() {
    KnownBlocks known = new KnownBlocks();
    for (int i = 0; i <= Limits.MAX_KNOWN; i++) {
      known.add(hash(i));
      known.add(hash(0));
    }
    assertThat(known.size()).isEqualTo(Limits.MAX_KNOWN);
    assertThat(known.contains(hash(0))).isTrue();
    assertThat(known.contains(hash(1))).isFalse();
    assertThat(known.contains(hash(2))).isTrue();
  }

  private static Hash hash(int number) {
    return Hash.fromHex("0x%064x".formatted(number));
  }
}
