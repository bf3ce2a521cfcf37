// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.p2p.devp2p.rlpx.FrameReader;
import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.Secrets;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The course of one session: the encryption handshake, Hello, then the messages of the
 * sub-protocols until one side ends it. It is the last handler of its Netty pipeline.
 *
 * <p>Back-pressure: while the peer does not read what it is sent, its messages are not handled, and
 * while too many of them wait, nothing is read. The memory that a session occupies is thereby
 * bounded by {@link SessionSettings}, the greatest frame, and one read of the socket.
 *
 * <p>Threading: {@link #write}, {@link #protocolEstablished} and {@link #end} may be called from
 * any thread; all others run in the event loop of the channel.
 */
final class SessionHandler extends ChannelInboundHandlerAdapter {
  /** Data of the frames before Hello has been accepted: a message number and a base message. */
  private static final int MAX_HELLO_FRAME_BYTES = 1 + BaseMessages.MAX_BYTES;

  /** Data of a base message that is compressed. */
  private static final int MAX_BASE_FRAME_BYTES =
      1 + SnappyBlock.maxCompressedBytes(BaseMessages.MAX_BYTES);

  private static final int MAX_FRAME_BYTES =
      5 + SnappyBlock.maxCompressedBytes(ProtocolHandlers.MAX_PAYLOAD_BYTES);

  /** Replies to Ping that may wait to be sent; further pings get no reply. */
  private static final int MAX_UNSENT_PONGS = 16;

  /** Time between two replies to Ping; pings in between get no reply. */
  static final long PONG_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /**
   * Base messages after Hello within a second; one more is a breach. The event loop handles them at
   * once, without back-pressure, and peers send one in some seconds.
   */
  static final int MAX_BASE_MESSAGES_PER_SECOND = 100;

  private static final long MAX_TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int TICKS_PER_LIMIT = 4;

  private enum Stage {
    ENCRYPTION,
    HELLO,
    OPEN,
    ENDING
  }

  private final Session session;
  private final SessionContext context;
  private final Channel channel;
  private final SendWindow window;
  private final SessionTimers timers;

  /** The sub-protocols that have not said so yet; guarded by itself. */
  private final Set<SharedProtocol> notEstablished = new HashSet<>();

  /** The messages that wait; null before Hello. Written in the event loop. */
  private volatile @Nullable MessageQueue queue;

  /** Bytes of a frame that has not arrived completely. Written in the event loop. */
  private volatile int bufferedBytes;

  // of the event loop
  private Stage stage = Stage.ENCRYPTION;
  private @Nullable FrameDecoder decoder;
  private List<SharedProtocol> shared = List.of();

  /** The sub-protocols in Hello of this node; those of the network may change meanwhile. */
  private List<WireProtocol> announced = List.of();

  private @Nullable SessionEnd end;
  private boolean readSuspended;
  private boolean notified;
  private int unsentPongs;

  /** When the next Ping gets a reply; nanoseconds as of {@link SessionContext#nanoTime}. */
  private long nextPong;

  /** Begin of the second in which base messages are counted, and their number. */
  private long baseMessagesSince;

  private int baseMessages;

  /** Whether messages are compressed: both sides have sent Hello. */
  private boolean compressed;

  SessionHandler(Session session, SessionContext context, Channel channel, SendWindow window) {
    this.session = session;
    this.context = context;
    this.channel = channel;
    this.window = window;
    this.timers = new SessionTimers(context.settings(), now());
    this.nextPong = now();
    this.baseMessagesSince = now();
  }

  /** Adds the handlers of the session to the pipeline. */
  void install() {
    NodeUrl dialed = session.dialed();
    NodeId expected = dialed == null ? null : dialed.id();
    channel
        .pipeline()
        .addLast(new HandshakeHandler(context.key(), context.random(), expected, this::encrypted))
        .addLast(this);
  }

  private long now() {
    return context.nanoTime().getAsLong();
  }

  // ---- any thread

  /**
   * Writes a frame whose bytes the window has counted.
   *
   * @return false when the event loop has ended with the network
   */
  boolean write(byte[] data) {
    countBytes();
    return execute(
        () -> {
          timers.write(true, false, now());
          channel.writeAndFlush(data).addListener(done -> sent(data.length));
        });
  }

  /**
   * Records that a sub-protocol has completed its handshake. With the last one the owner is
   * notified, before this call returns: what the sub-protocol does next comes later.
   */
  void protocolEstablished(SharedProtocol protocol) {
    boolean isLast;
    synchronized (notEstablished) {
      isLast = notEstablished.remove(protocol) && notEstablished.isEmpty();
    }
    if (isLast && !session.hasEnded()) {
      session.allEstablished();
      context.owner().established(session);
      execute(() -> timers.established(now()));
    }
  }

  /** Ends the session; called once, after {@link Session#beginEnd}. */
  void end(SessionEnd cause) {
    if (channel.eventLoop().inEventLoop()) {
      endNow(cause);
    } else {
      execute(() -> endNow(cause));
    }
  }

  /** Runs a task in the event loop; returns false when that has ended with the network. */
  private boolean execute(Runnable task) {
    try {
      channel.eventLoop().execute(() -> run(task));
      return true;
    } catch (RejectedExecutionException shutDown) {
      return false;
    }
  }

  private void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable failure) { // the event loop would log it, and the session go on
      failed(failure);
    }
  }

  private void failed(Throwable failure) {
    context.failures().failed(failure);
    channel.close();
  }

  /** Reports the bytes that the session holds; none once it ends. */
  private void countBytes() {
    MessageQueue messages = queue;
    long waiting = messages == null ? 0 : messages.bytes();
    long bytes = bufferedBytes + waiting + window.unsentBytes();
    context.budget().update(session, session.hasEnded() ? 0 : bytes);
    if (session.hasEnded()) {
      context.budget().update(session, 0); // it has ended in between
    }
  }

  // ---- event loop

  /** Counts a message that was sent, or that cannot be sent any longer. */
  private void sent(int bytes) {
    boolean writable = window.release(bytes);
    countBytes();
    timers.write(window.unsentBytes() > 0, true, now());
    MessageQueue waiting = queue;
    if (writable && waiting != null) {
      waiting.wake();
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext handler) {
    scheduleTick();
  }

  @Override
  public void channelActive(ChannelHandlerContext handler) {
    timers.connected(now());
  }

  private void scheduleTick() {
    SessionSettings limits = context.settings();
    long shortest = MAX_TICK_NANOS;
    for (Duration limit :
        List.of(
            limits.encryption(),
            limits.hello(),
            limits.establish(),
            limits.frameRead(),
            limits.frameWrite(),
            limits.ping())) {
      shortest = Math.min(shortest, limit.toNanos() / TICKS_PER_LIMIT);
    }
    long pause = Math.max(1, shortest);
    channel.eventLoop().schedule(this::tick, pause, TimeUnit.NANOSECONDS);
  }

  private void tick() {
    if (stage == Stage.ENDING || notified) {
      return;
    }
    try {
      if (channel.isActive()) { // else it is being dialed, which has a limit of its own
        checkTimers();
      }
      scheduleTick();
    } catch (Throwable failure) { // a session without time limits must not go on
      failed(failure);
    }
  }

  private void checkTimers() {
    switch (timers.check(now())) {
      case NOTHING -> {}
      case SEND_PING -> {
        timers.pingSent();
        writeBase(BaseMessages.PING, BaseMessages.empty());
      }
      case ENCRYPTION_EXPIRED ->
          session.end(DisconnectReason.PING_TIMEOUT, "the encryption handshake has taken too long");
      case HELLO_EXPIRED ->
          session.end(DisconnectReason.PING_TIMEOUT, "Hello has not arrived in time");
      case ESTABLISH_EXPIRED ->
          session.end(DisconnectReason.PING_TIMEOUT, "a sub-protocol was not established in time");
      case READ_EXPIRED ->
          session.end(DisconnectReason.PING_TIMEOUT, "no message has arrived in time");
      case WRITE_EXPIRED -> session.end(DisconnectReason.TCP_ERROR, "the peer does not read");
    }
  }

  private void encrypted(NodeId remote, Secrets secrets) {
    session.identified(remote);
    FrameDecoder frames = new FrameDecoder(new FrameReader(secrets), MAX_HELLO_FRAME_BYTES);
    decoder = frames;
    String self = channel.pipeline().context(this).name();
    channel
        .pipeline()
        .addBefore(self, "frame-decoder", frames)
        .addBefore(self, "frame-encoder", new FrameEncoder(new FrameWriter(secrets)));
    if (session.hasEnded()) {
      return;
    }
    stage = Stage.HELLO;
    timers.encrypted(now());
    DisconnectReason refusal = context.owner().identified(session);
    if (refusal != null) {
      session.end(refusal, "not admitted");
      return;
    }
    announced = context.protocols().get();
    List<Capability> capabilities = announced.stream().map(WireProtocol::capability).toList();
    Hello own =
        Hello.of(
            context.clientId(), capabilities, context.listenPort().getAsInt(), context.key().id());
    writeBase(BaseMessages.HELLO, own.encode());
  }

  @Override
  public void channelRead(ChannelHandlerContext handler, Object message) {
    if (stage == Stage.ENDING || !(message instanceof byte[] data)) {
      return;
    }
    timers.frameRead(now());
    try {
      frameReceived(data);
    } catch (PeerBreachException breach) {
      session.end(breach.reason(), ProtocolHandlers.bounded(breach.getMessage()));
    } catch (RlpException malformed) {
      session.end(
          DisconnectReason.PROTOCOL_BREACH, ProtocolHandlers.bounded(malformed.getMessage()));
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext handler) {
    FrameDecoder frames = decoder;
    bufferedBytes = frames == null ? 0 : frames.bufferedBytes();
    countBytes();
  }

  private void frameReceived(byte[] data) throws PeerBreachException {
    RlpReader reader = RlpReader.of(data);
    long id = reader.number();
    int payload = reader.offset();
    if (id >= 0 && id < BaseMessages.COUNT) {
      if (data.length > MAX_BASE_FRAME_BYTES) {
        throw breach("a base message of " + data.length + " bytes");
      }
      baseMessage((int) id, data, payload);
    } else if (stage == Stage.OPEN) {
      protocolMessage(id, data, payload);
    } else {
      throw breach("message " + Long.toUnsignedString(id) + " before Hello");
    }
  }

  private void baseMessage(int id, byte[] data, int from) throws PeerBreachException {
    if (id == BaseMessages.DISCONNECT) {
      disconnected(data, from);
    } else if (stage == Stage.HELLO) {
      if (id != BaseMessages.HELLO) {
        throw breach("message " + id + " before Hello");
      }
      helloReceived(Hello.decode(Arrays.copyOfRange(data, from, data.length)));
    } else {
      countBaseMessage();
      basePayload(data, from); // checked also when it is not used
      switch (id) {
        case BaseMessages.HELLO -> throw breach("a second Hello");
        case BaseMessages.PING -> reply();
        case BaseMessages.PONG -> timers.pongReceived();
        default -> {} // reserved for later versions of devp2p
      }
    }
  }

  private byte[] basePayload(byte[] data, int from) throws PeerBreachException {
    return compressed
        ? SnappyBlock.decompress(data, from, BaseMessages.MAX_BYTES)
        : Arrays.copyOfRange(data, from, data.length);
  }

  private void countBaseMessage() throws PeerBreachException {
    long now = now();
    if (now - baseMessagesSince >= TimeUnit.SECONDS.toNanos(1)) {
      baseMessagesSince = now;
      baseMessages = 0;
    }
    baseMessages++;
    if (baseMessages > MAX_BASE_MESSAGES_PER_SECOND) {
      throw breach("more than " + MAX_BASE_MESSAGES_PER_SECOND + " base messages in a second");
    }
  }

  private void reply() {
    long now = now();
    if (unsentPongs < MAX_UNSENT_PONGS && now - nextPong >= 0) {
      nextPong = now + PONG_INTERVAL_NANOS;
      unsentPongs++;
      writeBase(BaseMessages.PONG, BaseMessages.empty()).addListener(done -> unsentPongs--);
    }
  }

  private void disconnected(byte[] data, int from) {
    byte[] payload;
    try {
      payload = basePayload(data, from);
    } catch (PeerBreachException malformed) { // a peer that has not read Hello does not compress
      payload = Arrays.copyOfRange(data, from, data.length);
    }
    Integer code = BaseMessages.disconnectCode(payload);
    DisconnectReason reason = code == null ? null : DisconnectReason.of(code);
    if (session.beginEnd()) {
      stage = Stage.ENDING;
      end = new SessionEnd(reason, true, code == null ? "no code" : "code " + code);
      channel.close();
    }
  }

  private void helloReceived(Hello received) throws PeerBreachException {
    compressed = received.isSnappy();
    if (received.version() < Hello.MIN_VERSION) {
      throw new PeerBreachException(
          DisconnectReason.INCOMPATIBLE_VERSION, "version " + received.version() + " of devp2p");
    }
    if (!received.nodeId().equals(session.id().key())) {
      throw new PeerBreachException(
          DisconnectReason.UNEXPECTED_IDENTITY, "Hello has another node id");
    }
    List<SharedProtocol> common = SharedProtocol.match(announced, received.capabilities());
    if (common.isEmpty()) {
      throw new PeerBreachException(DisconnectReason.USELESS_PEER, "no common sub-protocol");
    }
    synchronized (notEstablished) {
      notEstablished.addAll(common);
    }
    ProtocolHandlers calls = new ProtocolHandlers(session, common, received, context.failures());
    session.agreed(received, common, calls);
    shared = common;
    MessageQueue messages =
        new MessageQueue(context.executor(), calls, window::isWritable, this::messageTaken);
    DisconnectReason refusal = context.owner().admit(session);
    if (refusal != null) {
      session.end(refusal, "not admitted");
    }
    if (session.hasEnded()) {
      return;
    }
    queue = messages;
    stage = Stage.OPEN;
    timers.helloReceived(now());
    Objects.requireNonNull(decoder).allow(MAX_FRAME_BYTES);
    messages.open();
  }

  private void protocolMessage(long id, byte[] data, int from) throws PeerBreachException {
    SharedProtocol protocol = null;
    for (SharedProtocol one : shared) {
      if (id >= 0 && id <= Integer.MAX_VALUE && one.owns((int) id)) {
        protocol = one;
      }
    }
    if (protocol == null) {
      throw breach("unknown message " + Long.toUnsignedString(id));
    }
    int max = ProtocolHandlers.MAX_PAYLOAD_BYTES;
    if (compressed) {
      SnappyBlock.contentBytes(data, from, max);
    } else if (data.length - from > max) {
      throw breach("a message of " + (data.length - from) + " bytes");
    }
    MessageQueue messages = Objects.requireNonNull(queue);
    messages.add(new MessageQueue.Message(protocol, (int) id - protocol.offset(), data, from));
    if (!readSuspended && isFull(messages)) {
      suspendReading(true);
    }
  }

  private boolean isFull(MessageQueue messages) {
    return messages.size() > context.settings().maxWaitingMessages()
        || messages.bytes() > context.settings().maxWaitingBytes();
  }

  private void suspendReading(boolean suspended) {
    readSuspended = suspended;
    timers.suspendRead(suspended, now());
    channel.config().setAutoRead(!suspended);
  }

  /** Continues to read when few enough messages wait. */
  private void messageTaken() {
    countBytes();
    MessageQueue messages = queue;
    if (messages != null && !isFull(messages)) {
      execute(this::resumeReading);
    }
  }

  private void resumeReading() {
    MessageQueue messages = queue;
    if (readSuspended && stage == Stage.OPEN && messages != null && !isFull(messages)) {
      suspendReading(false);
    }
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }

  private ChannelFuture writeBase(int id, byte[] payload) {
    byte[] data = BaseMessages.frame(id, compressed ? SnappyBlock.compress(payload) : payload);
    return channel.writeAndFlush(data);
  }

  private void endNow(SessionEnd cause) {
    end = cause;
    MessageQueue messages = queue;
    if (messages != null) {
      messages.close(); // the memory is free before the peer has answered
    }
    countBytes();
    boolean canWrite = stage == Stage.HELLO || stage == Stage.OPEN;
    stage = Stage.ENDING;
    if (!canWrite || !channel.isActive()) {
      channel.close();
      return;
    }
    Objects.requireNonNull(decoder).stop();
    DisconnectReason reason = Objects.requireNonNull(cause.reason());
    closeAfter(context.settings().disconnect());
    writeBase(BaseMessages.DISCONNECT, BaseMessages.disconnect(reason))
        .addListener(done -> closeOutput());
    channel.config().setAutoRead(true); // unread bytes would reset the connection
  }

  private void closeAfter(Duration limit) {
    channel.eventLoop().schedule(() -> channel.close(), limit.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Closes this half of the connection: the peer reads Disconnect, and closes the other half. */
  private void closeOutput() {
    if (channel instanceof DuplexChannel duplex && channel.isActive()) {
      duplex.shutdownOutput();
    } else {
      channel.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext handler) {
    closed();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext handler) {
    closed();
  }

  private void closed() {
    if (notified) {
      return;
    }
    notified = true;
    stage = Stage.ENDING;
    if (session.beginEnd()) {
      end = new SessionEnd(DisconnectReason.TCP_ERROR, true, "the connection was closed");
    }
    MessageQueue messages = queue;
    if (messages != null) {
      messages.close();
    }
    countBytes();
    SessionEnd cause = end;
    context
        .owner()
        .ended(
            session,
            cause == null ? new SessionEnd(DisconnectReason.REQUESTED, false, "ended") : cause);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext handler, Throwable failure) {
    if (failure instanceof PeerBreachException breach) {
      session.end(breach.reason(), ProtocolHandlers.bounded(breach.getMessage()));
    } else if (failure instanceof IOException) {
      channel.close(); // reset by the peer
    } else {
      failed(failure);
    }
  }
}
