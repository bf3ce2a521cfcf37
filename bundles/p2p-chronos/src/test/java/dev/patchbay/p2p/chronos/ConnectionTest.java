// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Deadlines, and peers that do not read, by a clock of the test. */
class ConnectionTest {
  private long now = 1_000;
  private final ByteBudget budget = new ByteBudget(10_000);
  private final ByteBudget unsent = new ByteBudget(100_000);
  private final FrameDecoder frames = new FrameDecoder(false, () -> now, budget.share(() -> {}));
  private final EmbeddedChannel channel = new EmbeddedChannel(frames);
  private final Connection peer = connection(channel);

  private Connection connection(EmbeddedChannel over) {
    Connection connection = new Connection(over, false, null, unsent, () -> now);
    connection.setFrames(frames);
    return connection;
  }

  private static void establish(Connection connection) {
    connection.establish(new PeerId("chronos", "0x01"));
  }

  @Test
  void theHandshakeHasFiveSecondsInTotal() {
    channel.writeInbound(Unpooled.buffer().writeInt(100).writeByte('{'));
    now += 4_999;
    assertThat(peer.late()).isNull();
    channel.writeInbound(Unpooled.buffer().writeByte('"'));
    now += 1;
    assertThat(peer.late()).contains("SHAKEHAND");
  }

  @Test
  void aFrameHasFifteenSecondsHoweverItsBytesCome() {
    establish(peer);
    channel.writeInbound(Unpooled.buffer().writeInt(100));
    for (int i = 0; i < 14; i++) {
      now += 1_000;
      channel.writeInbound(Unpooled.buffer().writeByte(' '));
      assertThat(peer.late()).isNull();
    }
    now += 1_000;
    assertThat(peer.late()).contains("frame");
  }

  @Test
  void aSilentPeerEndsUnlessThisNodeDoesNotRead() {
    establish(peer);
    now += 29_999;
    assertThat(peer.late()).isNull();
    now += 1;
    assertThat(peer.late()).contains("no message");
    peer.pause(5_000);
    assertThat(peer.late()).isNull();
    now += 5_000;
    peer.resume();
    assertThat(peer.late()).as("the silence begins anew").isNull();
    now += 30_000;
    assertThat(peer.late()).isNotNull();
  }

  @Test
  void theTimeOfAFrameDoesNotCountWhileThisNodeDoesNotRead() {
    establish(peer);
    channel.writeInbound(Unpooled.buffer().writeInt(100));
    now += 10_000;
    peer.pause(12_000);
    now += 12_000;
    peer.resume();
    assertThat(frames.millisOfFrame()).isEqualTo(10_000);
    now += 4_999;
    assertThat(peer.late()).isNull();
    now += 1;
    assertThat(peer.late()).contains("frame");
  }

  /** Returns what handles the messages of a node whose head is block 2. */
  private Messages messages() {
    LocalChain chain = new FakeChain(2).local("0x" + "22".repeat(20), 0);
    return new Messages(
        chain,
        new ServerRole(chain, new NewBlocks(chain, new BlockCache(5_000), () -> now)),
        new ClientRole(chain),
        (one, stated, reply) -> true,
        false);
  }

  /** Three times as many pulls as a second allows come at once. */
  @Test
  void eachMessageOfABurstWaitsForItsToken() throws Exception {
    Messages messages = messages();
    Connection limited = connection(channel);
    establish(limited);
    channel
        .pipeline()
        .addLast(new ConnectionHandler(limited, frames, messages, null, () -> now * 1_000_000));
    byte[] pull = Json.write(MessageCode.PULL_BLOCK, 1L, null);
    ByteBuf burst = Unpooled.buffer();
    for (int i = 0; i < 60; i++) {
      burst.writeInt(pull.length).writeBytes(pull);
    }
    channel.writeInbound(burst);
    assertThat(replies()).isEqualTo(20);
    assertThat(budget.held()).isEqualTo(40L * pull.length);
    now += 1_000;
    limited.resume();
    assertThat(replies()).isEqualTo(20);
    limited.resume();
    assertThat(replies()).as("no time has passed").isZero();
    now += 1_100;
    limited.resume();
    assertThat(replies()).isEqualTo(20);
    assertThat(budget.held()).isZero();
  }

  /** Each connection of its own may have 20 pulls a second, and the host three times as many. */
  @Test
  void aHostThatConnectsAgainHasNoMoreTokens() throws Exception {
    HostRates rates = new HostRates();
    byte[] pull = Json.write(MessageCode.PULL_BLOCK, 1L, null);
    List<Integer> counts = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      counts.add(replies(rates.of(InetAddress.getByName("2001:db8::" + i), 0), pull));
    }
    assertThat(counts).as("of one /64, one after the other").containsExactly(20, 20, 20, 0);
    assertThat(replies(rates.of(InetAddress.getByName("2001:db8:0:1::1"), 0), pull)).isEqualTo(20);
    assertThat(rates.of(InetAddress.getLoopbackAddress(), 0)).isNull();
    for (int i = 0; i < HostRates.MAX_HOSTS; i++) {
      rates.of(InetAddress.getByAddress(new byte[] {8, 8, (byte) (i >> 8), (byte) i}), 0);
    }
    assertThat(replies(rates.of(InetAddress.getByName("2001:db8::9"), 0), pull))
        .as("it was evicted")
        .isEqualTo(20);
  }

  /** Sends 30 pulls on a new connection; returns how many are answered at once. */
  private int replies(Rates shared, byte[] pull) {
    FrameDecoder input = new FrameDecoder(false, () -> now, budget.share(() -> {}));
    EmbeddedChannel over = new EmbeddedChannel(input);
    Connection one = new Connection(over, false, null, unsent, () -> now);
    one.setFrames(input);
    establish(one);
    over.pipeline()
        .addLast(new ConnectionHandler(one, input, messages(), shared, () -> now * 1_000_000));
    ByteBuf burst = Unpooled.buffer();
    for (int i = 0; i < 30; i++) {
      burst.writeInt(pull.length).writeBytes(pull);
    }
    over.writeInbound(burst);
    int count = over.outboundMessages().size();
    over.finishAndReleaseAll();
    return count;
  }

  /** It pulls large blocks faster than it reads them: its requests wait. */
  @Test
  void aPeerThatReadsSlowlyIsReadLater() {
    Messages messages = messages();
    Unread unread = new Unread();
    FrameDecoder input = new FrameDecoder(false, () -> now, budget.share(() -> {}));
    EmbeddedChannel over = new EmbeddedChannel(unread, input);
    Connection slow =
        new Connection(over, false, null, new ByteBudget(Limits.MAX_UNSENT_BYTES), () -> now);
    slow.setFrames(input);
    establish(slow);
    over.pipeline()
        .addLast(new ConnectionHandler(slow, input, messages, null, () -> now * 1_000_000));
    slow.send(MessageCode.ERROR, "x".repeat(Limits.UNSENT_MARK), null);
    byte[] pull = Json.write(MessageCode.PULL_BLOCK, 1L, null);
    over.writeInbound(Unpooled.buffer().writeInt(pull.length).writeBytes(pull));
    assertThat(unread.codes).containsExactly("ERROR");
    slow.sendNewBlock(hash(1), Json.write(MessageCode.NEW_BLOCK, Map.of(), null));
    assertThat(unread.codes).containsExactly("ERROR", "NEW_BLOCK_HASH");
    unread.promises.get(0).setSuccess();
    now += 100;
    slow.resume();
    assertThat(unread.codes).containsExactly("ERROR", "NEW_BLOCK_HASH", "PUSH_BLOCK");
    assertThat(slow.isEnding()).isFalse();
  }

  private int replies() {
    int count = 0;
    for (ByteBuf frame = channel.readOutbound(); frame != null; frame = channel.readOutbound()) {
      frame.release();
      count++;
    }
    return count;
  }

  /** Keeps what is written: a peer that does not read. */
  private static final class Unread extends ChannelOutboundHandlerAdapter {
    final List<String> codes = new ArrayList<>();
    final List<ChannelPromise> promises = new ArrayList<>();

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise)
        throws WireException {
      ByteBuf frame = (ByteBuf) message;
      byte[] content = new byte[frame.readInt()];
      frame.readBytes(content);
      frame.release();
      codes.add(Json.read(content).code());
      promises.add(promise);
    }
  }

  @Test
  void aPeerThatDoesNotReadGetsFourNewBlocksAndThenHashes() {
    Unread unread = new Unread();
    Connection slow = connection(new EmbeddedChannel(unread));
    byte[] message = Json.write(MessageCode.NEW_BLOCK, Map.of(), null);
    for (int i = 0; i < 6; i++) {
      slow.sendNewBlock(hash(i), message);
      assertThat(slow.known().contains(hash(i))).isTrue();
    }
    assertThat(unread.codes)
        .containsExactly(
            "NEW_BLOCK", "NEW_BLOCK", "NEW_BLOCK", "NEW_BLOCK", "NEW_BLOCK_HASH", "NEW_BLOCK_HASH");
    unread.promises.get(0).setSuccess();
    slow.sendNewBlock(hash(6), message);
    assertThat(unread.codes).endsWith("NEW_BLOCK");
  }

  @Test
  void whatWaitsForAllPeersIsBounded() {
    Unread unread = new Unread();
    Connection slow = connection(new EmbeddedChannel(unread));
    String large = "x".repeat(40_000);
    slow.send(MessageCode.ERROR, large, null);
    slow.send(MessageCode.ERROR, large, null);
    assertThat(slow.isEnding()).isFalse();
    slow.send(MessageCode.ERROR, large, null);
    assertThat(slow.end()).isEqualTo(new Connection.End("slow_reader", false));
    assertThat(slow.isOpen()).isFalse();
    unread.promises.forEach(ChannelPromise::setSuccess);
    assertThat(unsent.held()).isZero();
  }

  @Test
  void aPeerThatDoesNotReadEndsBeforeOneThatIsSentLittle() {
    Connection slow = connection(new EmbeddedChannel(new Unread()));
    Connection honest = connection(new EmbeddedChannel(new Unread()));
    slow.send(MessageCode.ERROR, "x".repeat(80_000), null);
    honest.send(MessageCode.ERROR, "x".repeat(30_000), null);
    assertThat(slow.end()).isEqualTo(new Connection.End("slow_reader", false));
    assertThat(slow.isOpen()).isFalse();
    assertThat(honest.isEnding()).isFalse();
  }

  @Test
  void aMessageMustBeReadInThirtySeconds() {
    Unread unread = new Unread();
    Connection slow = connection(new EmbeddedChannel(unread));
    slow.send(MessageCode.ERROR, "x", null);
    now += 20_000;
    slow.send(MessageCode.ERROR, "y", null);
    now += 9_999;
    assertThat(slow.isUnread()).isFalse();
    now += 1;
    assertThat(slow.isUnread()).isTrue();
    unread.promises.get(0).setSuccess();
    assertThat(slow.isUnread()).isFalse();
    now += 20_000;
    assertThat(slow.isUnread()).isTrue();
    slow.endUnread();
    assertThat(slow.end()).isEqualTo(new Connection.End("slow_reader", false));
  }

  @Test
  void aConnectionThatHasEndedIsNotPublished() {
    Connections connections = new Connections(1);
    connections.addDialed(peer);
    connections.remove(peer);
    assertThat(connections.establish(peer, Address.ZERO, stated("0x" + "11".repeat(20)), () -> {}))
        .isFalse();
    List<String> events = new ArrayList<>();
    peer.publishEnd(() -> events.add("end"));
    peer.publishStart(() -> events.add("start"));
    assertThat(events).isEmpty();
    Connection other = connection(new EmbeddedChannel());
    other.publishStart(() -> events.add("start"));
    other.publishEnd(() -> events.add("end"));
    other.publishEnd(() -> events.add("end"));
    assertThat(events).containsExactly("start", "end");
  }

  /** Of one IP address one connection stays; of another one both do, with different ids. */
  @Test
  void anotherHostWithTheSameAddressTakesNoPlace() {
    Connections connections = new Connections(25);
    Address own = Address.fromHex("0x" + "22".repeat(20));
    Shakehand stated = stated("0x" + "11".repeat(20));
    Connection stranger = connection(from("192.0.2.9"));
    Connection node =
        new Connection(from("192.0.2.1"), false, HostPort.parse("192.0.2.1:5"), unsent, () -> now);
    Connection crossing = connection(from("192.0.2.1"));
    for (Connection one : List.of(stranger, node, crossing)) {
      connections.addDialed(one);
    }
    assertThat(connections.establish(stranger, own, stated, () -> {})).isTrue();
    assertThat(connections.establish(node, own, stated, () -> {})).isTrue();
    assertThat(connections.peers()).containsExactly(stranger, node);
    assertThat(stranger.id()).isNotEqualTo(node.id());
    assertThat(connections.isConnected(stated.address(), node.remote().getAddress())).isTrue();
    assertThat(connections.establish(crossing, own, stated, () -> {})).isTrue();
    assertThat(connections.peers()).as("the lower has dialed").containsExactly(stranger, crossing);
  }

  private boolean accept(Connections connections, List<Connection> into, String host)
      throws Exception {
    return accept(connections, into, host, false);
  }

  private boolean accept(
      Connections connections, List<Connection> into, String host, boolean isNamed)
      throws Exception {
    Connection one = connection(from(host));
    into.add(one);
    return connections.addAccepted(one, InetAddress.getByName(host), isNamed);
  }

  private static boolean establish(Connections connections, Connection one, int address) {
    Shakehand stated = stated("0x%040x".formatted(address));
    return connections.establish(one, Address.fromHex("0x" + "22".repeat(20)), stated, () -> {});
  }

  @Test
  void whoHasNotShakenHandsTakesNoPlaceOfAPeer() throws Exception {
    Connections connections = new Connections(2);
    List<Connection> idle = new ArrayList<>();
    for (int i = 0; i < Limits.MAX_PENDING; i++) {
      assertThat(accept(connections, idle, "198.51." + i / 2 + ".1")).isTrue();
    }
    assertThat(accept(connections, idle, "198.51.15.2")).isTrue();
    List<Connection> peers = new ArrayList<>();
    assertThat(accept(connections, peers, "192.0.2.1")).as("the most crowded one goes").isTrue();
    assertThat(idle).filteredOn(one -> !one.isOpen()).containsExactly(idle.get(0), idle.get(30));
    assertThat(idle.get(0).end()).isEqualTo(new Connection.End("busy", false));
    assertThat(establish(connections, peers.get(0), 1)).isTrue();
    assertThat(accept(connections, peers, "192.0.2.2")).isTrue();
    assertThat(establish(connections, peers.get(1), 2)).isTrue();
    assertThat(establish(connections, idle.get(5), 3)).as("the places are taken").isFalse();
    assertThat(idle.get(5).end()).isEqualTo(new Connection.End("busy", false));
    assertThat(accept(connections, idle, "192.0.2.3")).isFalse();
    assertThat(connections.peers()).isEqualTo(peers);
  }

  @Test
  void aHostAndASubnetHaveFewConnections() throws Exception {
    Connections connections = new Connections(10);
    List<Connection> some = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      assertThat(accept(connections, some, "2001:db8::" + i)).isTrue();
    }
    assertThat(accept(connections, some, "2001:db8::9")).as("of one /64").isFalse();
    assertThat(accept(connections, some, "2001:db8:0:1::9")).isTrue();
    for (int i = 0; i < 8; i++) {
      assertThat(accept(connections, some, "198.51.100." + i)).isTrue();
      assertThat(accept(connections, some, "192.168.1." + i)).isTrue();
    }
    assertThat(accept(connections, some, "198.51.100.9")).as("of one /24").isFalse();
    assertThat(accept(connections, some, "192.168.1.9")).as("a private network").isTrue();
    some.stream().toList().forEach(connections::remove);
    some.clear();
    for (int i = 0; i < 6; i++) {
      if (accept(connections, some, "198.51.100." + i)) {
        establish(connections, some.get(i), i + 1);
      }
    }
    assertThat(connections.peers()).as("half of the places").hasSize(5);
    assertThat(accept(connections, some, "203.0.113.1")).isTrue();
  }

  /** They are dialed in any case; here they connect before the dial. */
  @Test
  void nodesThatTheOperatorHasNamedAreNotCrowdedOut() throws Exception {
    Connections connections = new Connections(1);
    List<Connection> some = new ArrayList<>();
    accept(connections, some, "198.51.100.1");
    assertThat(establish(connections, some.get(0), 1)).isTrue();
    assertThat(accept(connections, some, "203.0.113.1")).isFalse();
    assertThat(accept(connections, some, "192.0.2.1", true)).isTrue();
    assertThat(establish(connections, some.get(2), 2)).isTrue();
    Dials dials = new Dials(Set.of(HostPort.parse("node.example:5")), () -> now);
    assertThat(dials.isAt(InetAddress.getByName("192.0.2.1"))).isFalse();
    dials.dialed(HostPort.parse("node.example:5"), InetAddress.getByName("192.0.2.1"));
    assertThat(dials.isAt(InetAddress.getByName("192.0.2.1"))).isTrue();
  }

  private static EmbeddedChannel from(String host) {
    return new EmbeddedChannel() {
      @Override
      protected SocketAddress remoteAddress0() {
        return new InetSocketAddress(host, 5);
      }

      @Override
      protected SocketAddress localAddress0() {
        return new InetSocketAddress("192.0.2.3", 5);
      }
    };
  }

  private static Shakehand stated(String address) {
    return new Shakehand(0, 9, Address.fromHex(address), null, null);
  }

  @Test
  void fewBlocksAreRequestedUntilTheirSizesAreKnown() {
    Windows windows = new Windows();
    PeerId id = new PeerId("chronos", "0x01");
    assertThat(windows.size(id, 100)).isEqualTo(2);
    for (int i = 0; i < 40; i++) {
      windows.received(id, 1_000);
    }
    assertThat(windows.size(id, 100)).isEqualTo(32);
    assertThat(windows.size(id, 3)).isEqualTo(3);
    windows.received(id, 4 * 1024 * 1024);
    assertThat(windows.size(id, 100)).isEqualTo(2);
    windows.received(id, 1_000);
    assertThat(windows.size(id, 100)).as("others may be as large").isEqualTo(2);
    for (int i = 0; i < 40; i++) {
      windows.received(id, 1_000);
    }
    windows.failed(id);
    assertThat(windows.size(id, 100)).isEqualTo(16);
    assertThat(windows.size(new PeerId("chronos", "0x02"), 100)).isEqualTo(2);
  }

  /** What one peer has given serves requests to all: the hash says that it is the right block. */
  @Test
  void blocksThatAreHereAreNotRequestedAgain() {
    FakeChain theirs = new FakeChain(4);
    BlockCache cache = new BlockCache(5_000);
    BlockFetch fetch = new BlockFetch(new FakeChain(1).local("0x" + "22".repeat(20), 0), cache);
    peer.state(stated("0x" + "11".repeat(20)));
    establish(peer);
    CompletableFuture<List<BlockHeader>> pulled = fetch.headers(peer, 2, 100);
    assertThat(replies()).as("the first window").isEqualTo(2);
    complete(2L, theirs.at(2), 2_000);
    complete(3L, theirs.at(3), 1_000);
    assertThat(pulled.join()).hasSize(2);
    assertThat(cache.bytes()).as("each with its own size").isEqualTo(3_000);
    Connection other = connection(new EmbeddedChannel());
    other.establish(new PeerId("chronos", "0x02"));
    other.has(theirs.at(4));
    CompletableFuture<List<BlockHeader>> down = fetch.headers(other, 2, 100);
    other.requests().complete(2L, null);
    other.requests().complete(theirs.at(4).hash(), new ReceivedBlock(theirs.at(4), 500));
    assertThat(down).isDone();
    assertThat(down.join()).hasSize(3);
    assertThat(fetch.bodies(other, List.of(theirs.at(2).hash(), theirs.at(3).hash())).join())
        .hasSize(2);
    assertThat(cache.bytes()).isEqualTo(500);
  }

  /** A node whose imports lag behind gets the headers of blocks that have come already. */
  @Test
  void newBlocksThatHaveComeAreNotPulledAgain() {
    FakeChain theirs = new FakeChain(4);
    BlockCache cache = new BlockCache(5_000);
    LocalChain own = new FakeChain(1).local("0x" + "22".repeat(20), 0);
    NewBlocks blocks = new NewBlocks(own, cache, () -> now);
    blocks.events().set(new FakeEvents());
    BlockFetch fetch = new BlockFetch(own, cache);
    peer.state(stated("0x" + "11".repeat(20)));
    establish(peer);
    blocks.received(peer, new ReceivedBlock(theirs.at(3), 700));
    blocks.received(established("0x02"), new ReceivedBlock(theirs.at(2), 700));
    CompletableFuture<List<BlockHeader>> headers = fetch.headers(peer, 2, 2);
    assertThat(replies()).as("only the block that another peer has given").isEqualTo(1);
    complete(2L, theirs.at(2), 700);
    assertThat(headers.join()).extracting(BlockHeader::number).containsExactly(2L, 3L);
    assertThat(fetch.bodies(peer, List.of(theirs.at(3).hash())).join()).hasSize(1);
    fetch.headers(peer, 3, 1);
    assertThat(replies()).as("it may have another one since").isEqualTo(1);
  }

  @Test
  void theLatestNewBlocksAreKept() {
    FakeChain theirs = new FakeChain(100);
    BlockCache cache = new BlockCache(1 << 20);
    PeerId id = new PeerId("chronos", "0x01");
    for (int number = 1; number <= 100; number++) {
      cache.addNew(id, new ReceivedBlock(theirs.at(number), 10));
    }
    assertThat(cache.bytes()).isEqualTo(640);
    assertThat(cache.takeNew(id, 36)).isNull();
    assertThat(cache.takeNew(id, 37)).isNotNull();
    assertThat(cache.takeNew(new PeerId("chronos", "0x02"), 38)).isNull();
  }

  /** It announces what it does not give: others are asked all the same. */
  @Test
  void eachPeerHasItsOwnRequestsForAnnouncedBlocks() {
    NewBlocks blocks =
        new NewBlocks(
            new FakeChain(1).local("0x" + "22".repeat(20), 0), new BlockCache(5_000), () -> now);
    Connection hostile = established("0x01");
    Connection honest = established("0x02");
    for (int i = 0; i < 100; i++) {
      blocks.fetch(hostile, hash(i));
    }
    assertThat(open(hostile, 100)).isEqualTo(8);
    blocks.fetch(honest, hash(200));
    assertThat(honest.requests().isRequested(hash(200))).isTrue();
  }

  @Test
  void theNextAnnouncerIsAskedWhenTheFirstDoesNotGiveTheBlock() {
    Block block = new FakeChain(4).at(4);
    Hash hash = block.hash();
    NewBlocks blocks =
        new NewBlocks(
            new FakeChain(1).local("0x" + "22".repeat(20), 0), new BlockCache(5_000), () -> now);
    List<Connection> peers =
        List.of(established("0x01"), established("0x02"), established("0x03"), established("0x04"));
    for (Connection one : peers) {
      blocks.fetch(one, hash);
      blocks.fetch(one, hash);
    }
    assertThat(peers.stream().filter(one -> one.requests().isRequested(hash)))
        .containsExactly(peers.get(0));
    peers.get(0).requests().complete(hash, null);
    assertThat(peers.get(1).requests().isRequested(hash)).isTrue();
    now += Limits.REPLY.toMillis();
    peers.get(1).requests().expire();
    assertThat(peers.get(2).requests().isRequested(hash)).isTrue();
    peers.get(2).requests().complete(hash, new ReceivedBlock(block, 700));
    assertThat(peers.get(2).head()).as("it has the block").isNotNull();
    assertThat(peers.get(2).head().hash()).isEqualTo(hash);
    assertThat(peers.get(3).requests().isRequested(hash)).as("three are remembered").isFalse();
    blocks.fetch(peers.get(3), hash);
    assertThat(peers.get(3).requests().isRequested(hash)).isTrue();
  }

  /** A peer of the seed has no errors: it does not respond for a block that is not confirmed. */
  @Test
  void theHeadOfAPeerThatIsSilentIsLearnedFromTheNextBlock() {
    Connection seed = established("0x01");
    seed.state(stated("0x" + "11".repeat(20)));
    ClientRole client = new ClientRole(new FakeChain(3).local("0x" + "22".repeat(20), 0));
    client.learnHead(seed);
    now += Limits.REPLY.toMillis();
    seed.requests().expire();
    Block next = new FakeChain(4).at(4);
    assertThat(seed.requests().complete(4L, new ReceivedBlock(next, 700))).isTrue();
    assertThat(seed.head()).isNotNull();
    assertThat(seed.head().hash()).isEqualTo(next.hash());
  }

  private Connection established(String id) {
    Connection connection = connection(new EmbeddedChannel());
    connection.establish(new PeerId("chronos", id));
    return connection;
  }

  private static long open(Connection of, int hashes) {
    return IntStream.range(0, hashes).filter(i -> of.requests().isRequested(hash(i))).count();
  }

  private void complete(Object key, Block block, int bytes) {
    assertThat(peer.requests().complete(key, new ReceivedBlock(block, bytes))).isTrue();
  }

  @Test
  void requestsEndWithTheirReplyTheirDeadlineOrTheConnection() {
    ReceivedBlock block = new ReceivedBlock(new FakeChain(1).at(1), 700);
    CompletableFuture<@Nullable ReceivedBlock> first = peer.pull(1);
    assertThat(peer.pull(1)).isSameAs(first);
    CompletableFuture<@Nullable ReceivedBlock> second = peer.get(block.block().hash());
    assertThat(peer.requests().complete(1L, block)).isTrue();
    assertThat(peer.requests().complete(1L, block)).isFalse();
    assertThat(first).isCompletedWithValue(block);
    now += 9_999;
    peer.requests().expire();
    assertThat(second).isNotDone();
    CompletableFuture<@Nullable ReceivedBlock> third = peer.pull(2);
    now += 1;
    peer.requests().expire();
    assertThat(second)
        .failsWithin(java.time.Duration.ZERO)
        .withThrowableThat()
        .withCauseInstanceOf(RequestFailedException.class);
    assertThat(third).isNotDone();
    peer.closed();
    assertThat(third).isCompletedExceptionally();
    assertThat(peer.pull(3)).isCompletedExceptionally();
  }

  private static Hash hash(int number) {
    return Hash.fromHex("0x%064x".formatted(number));
  }
}
