// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.Failures;
import dev.patchbay.p2p.devp2p.rlpx.FrameReader;
import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import dev.patchbay.p2p.devp2p.rlpx.Frames;
import dev.patchbay.p2p.devp2p.rlpx.Handshake;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.p2p.devp2p.rlpx.Secrets;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.rlp.RlpReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** A session without a network, and a peer that speaks to it byte by byte; one thread does all. */
abstract class SessionFixture {
  static final byte[] EMPTY_LIST = {(byte) 0xc0};

  /** The number of the first message of the first sub-protocol. */
  static final int FIRST = BaseMessages.COUNT;

  /** Bytes that the session may hold. */
  static final long MAX_BYTES = 20 << 20;

  static final SecureRandom RANDOM = new SecureRandom();
  static final NodeKey OWN = NodeKey.random(RANDOM);
  static final NodeKey REMOTE = NodeKey.random(RANDOM);

  /**
   * A message that the session has sent.
   *
   * @param payload decompressed
   */
  record Sent(int id, byte[] payload) {}

  /** Holds back what is written, as a peer does that does not read. */
  static final class Valve extends ChannelOutboundHandlerAdapter {
    final Deque<Runnable> held = new ArrayDeque<>();
    boolean closed;

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      if (closed) {
        held.add(() -> context.writeAndFlush(message, promise));
      } else {
        context.writeAndFlush(message, promise);
      }
    }

    void open() {
      closed = false;
      while (!held.isEmpty()) {
        held.remove().run();
      }
    }
  }

  /** Records what the session reports, and refuses it when a test says so. */
  static final class TestOwner implements SessionOwner {
    @Nullable DisconnectReason refusal;
    @Nullable DisconnectReason lateRefusal;
    final List<SessionEnd> ends = new ArrayList<>();
    int established;

    /** Whether the operator has named the peer. */
    boolean named;

    @Override
    public boolean isNamed(NodeId id) {
      return named;
    }

    @Override
    public @Nullable DisconnectReason identified(Session session) {
      return refusal;
    }

    @Override
    public @Nullable DisconnectReason admit(Session session) {
      return lateRefusal;
    }

    @Override
    public void established(Session session) {
      established++;
    }

    @Override
    public void ended(Session session, SessionEnd end) {
      ends.add(end);
    }
  }

  private long nanos;
  final TestProtocol protocol = new TestProtocol("test", 1, 200);
  final TestOwner owner = new TestOwner();
  final Valve valve = new Valve();
  final Deque<Runnable> work = new ArrayDeque<>();
  final List<String> failures = new ArrayList<>();
  final EmbeddedChannel channel = new EmbeddedChannel(valve);
  final ByteBuf received = Unpooled.buffer();
  final MemoryBudget budget = new MemoryBudget(MAX_BYTES, () -> nanos);
  List<WireProtocol> protocols = List.of();
  SessionSettings settings = SessionSettings.DEFAULT;
  Session session;
  FrameWriter writer;
  FrameReader reader;
  boolean snappy;

  static List<String> events(TestProtocol of) {
    List<String> out = new ArrayList<>();
    of.events.forEach(event -> out.add(event.what()));
    return out;
  }

  /** Returns the peer that the sub-protocol of this fixture is connected to. */
  PeerConnection peer() {
    return protocol.events.element().peer();
  }

  /** Creates the session of an accepted connection. */
  void accept(WireProtocol... own) {
    protocols = List.of(own);
    channel.freezeTime();
    SessionContext context =
        new SessionContext(
            OWN,
            "Patchbay/test",
            () -> 30_303,
            () -> protocols,
            owner,
            work::add,
            new Failures("a test", (text, failure) -> failures.add(text), text -> {}),
            budget,
            settings,
            RANDOM,
            () -> nanos);
    session = new Session(context, channel, new InetSocketAddress("127.0.0.1", 4), null);
    session.install();
  }

  /** Performs the encryption handshake. */
  void encrypt() throws PeerBreachException {
    Handshake.Initiator initiator = new Handshake.Initiator(REMOTE, OWN.id(), RANDOM);
    write(initiator.auth());
    pump();
    int size = received.getUnsignedShort(received.readerIndex());
    byte[] ack = new byte[2 + size];
    received.readBytes(ack);
    Secrets secrets = initiator.complete(ack);
    writer = new FrameWriter(secrets);
    reader = new FrameReader(secrets);
  }

  /** Connects up to and including Hello of both sides. */
  void connect(WireProtocol... own) throws PeerBreachException {
    accept(own);
    encrypt();
    assertThat(next().id()).isEqualTo(BaseMessages.HELLO);
    List<Capability> capabilities = Arrays.stream(own).map(WireProtocol::capability).toList();
    send(BaseMessages.HELLO, Hello.of("Peer/test", capabilities, 0, REMOTE.id()).encode());
    snappy = true;
    pump();
  }

  void write(byte[] bytes) {
    if (channel.isOpen()) {
      channel.writeInbound(Unpooled.wrappedBuffer(bytes));
    }
  }

  /** Sends a message, compressed after Hello. */
  void send(int id, byte[] payload) {
    writeFrame(BaseMessages.frame(id, snappy ? SnappyBlock.compress(payload) : payload));
  }

  void writeFrame(byte[] data) {
    write(writer.write(data));
  }

  /** Runs all that is due: handlers of messages, tasks of the event loop. */
  void pump() {
    do {
      channel.runPendingTasks();
      Runnable task = work.poll();
      if (task != null) {
        task.run();
      }
      channel.runPendingTasks();
    } while (!work.isEmpty());
    ByteBuf sent = channel.readOutbound();
    while (sent != null) {
      received.writeBytes(sent);
      sent.release();
      sent = channel.readOutbound();
    }
  }

  /** Moves both clocks, in steps as short as those of the session. */
  void advance(Duration time) {
    long step = Duration.ofMillis(250).toNanos();
    for (long left = time.toNanos(); left > 0; left -= step) {
      nanos += Math.min(left, step);
      channel.advanceTimeBy(Math.min(left, step), TimeUnit.NANOSECONDS);
      channel.runScheduledPendingTasks();
      pump();
    }
  }

  /** Returns the next message that the session has sent; null when there is none. */
  @Nullable Sent poll() throws PeerBreachException {
    pump();
    if (!received.isReadable()) {
      return null;
    }
    byte[] header = new byte[Frames.HEADER_BYTES];
    received.readBytes(header);
    int size = reader.header(header);
    byte[] rest = new byte[Frames.bodyBytes(size)];
    received.readBytes(rest);
    FrameReader.Body body = reader.body(size);
    body.append(rest);
    byte[] data = body.data();
    RlpReader items = RlpReader.of(data);
    int id = (int) items.number();
    int from = items.offset();
    return new Sent(
        id,
        snappy
            ? SnappyBlock.decompress(data, from, 1 << 24)
            : Arrays.copyOfRange(data, from, data.length));
  }

  Sent next() throws PeerBreachException {
    Sent sent = poll();
    assertThat(sent).as("a message of the session").isNotNull();
    return sent;
  }

  /** Asserts that the session has sent Disconnect, and has ended so. */
  void assertDisconnected(DisconnectReason reason) throws PeerBreachException {
    Sent last = next();
    while (last.id() != BaseMessages.DISCONNECT) {
      last = next();
    }
    assertThat(BaseMessages.disconnectCode(last.payload())).isEqualTo(reason.code());
    assertEnded(reason);
  }

  /** Asserts that the session has ended, with or without a message. */
  void assertEnded(DisconnectReason reason) {
    advance(settings.disconnect());
    assertThat(channel.isOpen()).isFalse();
    assertThat(owner.ends).hasSize(1);
    assertThat(owner.ends.get(0).reason()).isEqualTo(reason);
    assertThat(owner.ends.get(0).detail()).hasSizeLessThan(300);
    assertThat(owner.ends.get(0).byPeer()).isFalse();
  }

  void assertOpen() {
    pump();
    assertThat(channel.isOpen()).isTrue();
    assertThat(session.hasEnded()).isFalse();
    assertThat(failures).isEmpty();
  }

  @AfterEach
  void close() {
    channel.close();
    pump();
    assertThat(budget.totalBytes()).isZero();
    received.release();
  }
}
