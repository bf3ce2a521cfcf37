// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
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
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a peer: the encryption handshake, Hello, then the messages of the sub-protocols
 * until one side ends it. It is the last handler of its Netty pipeline.
 *
 * <p>Back-pressure: while the peer does not read what it is sent, its messages are not handled, and
 * while too many of them wait, nothing is read. What the session holds for a peer is thereby
 * bounded by {@link SessionSettings}, and by what one read of the socket gives.
 *
 * <p>Threading: the methods of the handler run in the event loop of the channel; all others may be
 * called from any thread.
 */
final class Session extends ChannelInboundHandlerAdapter {
  /** Data of the frames before Hello has been accepted: a message number and a base message. */
  private static final int MAX_HELLO_FRAME_BYTES = 1 + BaseMessages.MAX_BYTES;

  /** Data of a base message that is compressed. */
  private static final int MAX_BASE_FRAME_BYTES =
      1 + SnappyBlock.maxCompressedBytes(BaseMessages.MAX_BYTES);

  private static final int MAX_FRAME_BYTES =
      5 + SnappyBlock.maxCompressedBytes(ProtocolHandlers.MAX_PAYLOAD_BYTES);

  /** Replies to Ping that may wait to be sent; further pings get no reply. */
  private static final int MAX_UNSENT_PONGS = 16;

  private static final long MAX_TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int TICKS_PER_LIMIT = 4;

  private enum Stage {
    ENCRYPTION,
    HELLO,
    OPEN,
    ENDING
  }

  private final SessionContext context;
  private final @Nullable NodeUrl dialed;
  private final Channel channel;
  private final InetSocketAddress remoteAddress;
  private final SendWindow window;
  private final AtomicBoolean ending = new AtomicBoolean();

  // set once, before the owner sees them
  private volatile @Nullable NodeId remoteId;
  private volatile @Nullable Hello hello;
  private volatile List<SharedProtocol> shared = List.of();
  private volatile @Nullable ProtocolHandlers handlers;
  private volatile boolean established;

  // of the event loop
  private final SessionTimers timers;
  private final Set<SharedProtocol> notEstablished = new HashSet<>();
  private Stage stage = Stage.ENCRYPTION;
  private @Nullable FrameDecoder decoder;
  private @Nullable MessageQueue queue;
  private @Nullable SessionEnd end;
  private boolean readSuspended;
  private boolean notified;
  private int unsentPongs;

  /** Whether messages are compressed: both sides have sent Hello. */
  private boolean compressed;

  /**
   * Creates a session.
   *
   * @param dialed the node that was dialed; null when the peer has dialed
   */
  Session(
      SessionContext context,
      Channel channel,
      InetSocketAddress remoteAddress,
      @Nullable NodeUrl dialed) {
    this.context = context;
    this.channel = channel;
    this.remoteAddress = remoteAddress;
    this.dialed = dialed;
    this.window = new SendWindow(context.settings());
    this.timers = new SessionTimers(context.settings(), now());
  }

  /** Adds the handlers of the session to the pipeline of its channel. */
  void install() {
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

  /** Returns the peer; only after it has proved its identity. */
  NodeId id() {
    return Objects.requireNonNull(remoteId);
  }

  /** Returns the peer; only after it has proved its identity. */
  PeerId peerId() {
    return new PeerId(DevP2pNetwork.NAME, id().toString());
  }

  /** Returns the peer; null before it has proved its identity. */
  @Nullable NodeId remoteId() {
    return remoteId;
  }

  InetSocketAddress remoteAddress() {
    return remoteAddress;
  }

  /** Returns whether the peer has dialed. */
  boolean inbound() {
    return dialed == null;
  }

  /** Returns the URL that was dialed; null when the peer has dialed. */
  @Nullable NodeUrl dialed() {
    return dialed;
  }

  /** Returns whether all sub-protocols have been established; also after the end. */
  boolean isEstablished() {
    return established;
  }

  /** Returns whether the session has ended, or ends. */
  boolean hasEnded() {
    return ending.get();
  }

  /** Returns whether the session uses an implementation of a sub-protocol. */
  boolean uses(WireProtocol protocol) {
    return shared.stream().anyMatch(one -> one.protocol() == protocol);
  }

  /** Returns the implementations that the session uses. */
  List<WireProtocol> protocols() {
    return shared.stream().map(SharedProtocol::protocol).toList();
  }

  /** Returns whether the peer has read most of what it was sent. */
  boolean isWritable() {
    return window.isWritable() && !hasEnded();
  }

  /** Returns the bytes that wait to be sent. */
  long unsentBytes() {
    return window.unsentBytes();
  }

  /**
   * Describes the peer; only after Hello.
   *
   * @param trusted whether it is exempt from the limit of peers
   * @param configured whether the operator has named it
   */
  PeerInfo info(boolean trusted, boolean configured) {
    Hello known = Objects.requireNonNull(hello);
    ProtocolHandlers calls = handlers;
    Map<String, Map<String, Object>> protocols = calls == null ? Map.of() : calls.info();
    List<Capability> common = shared.stream().map(SharedProtocol::capability).toList();
    InetSocketAddress local =
        channel.localAddress() instanceof InetSocketAddress address
            ? address
            : InetSocketAddress.createUnresolved("", 0);
    return new PeerInfo(
        peerId(),
        url(known),
        known.clientId(),
        common,
        local,
        remoteAddress,
        inbound(),
        trusted,
        configured,
        protocols);
  }

  private String url(Hello known) {
    if (dialed != null) {
      return dialed.toString();
    }
    int port = known.port();
    String host = remoteAddress.getAddress().getHostAddress();
    int scope = host.indexOf('%'); // of a link-local address; it is of use on this machine only
    String address = scope < 0 ? host : host.substring(0, scope);
    return new NodeUrl(id(), address, port, port).toString();
  }

  /**
   * Sends a message of a sub-protocol.
   *
   * @param id number of the message on the connection
   * @return false when the session has ended, or ends now because too much waits to be sent
   */
  boolean send(int id, byte[] payload) {
    if (payload.length > ProtocolHandlers.MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException("a message of " + payload.length + " bytes is too long");
    }
    Hello known = hello;
    if (hasEnded() || known == null) {
      return false;
    }
    byte[] data =
        BaseMessages.frame(id, known.isSnappy() ? SnappyBlock.compress(payload) : payload);
    if (!window.reserve(data.length)) {
      end(DisconnectReason.TCP_ERROR, "the peer does not read: too many bytes wait to be sent");
      return false;
    }
    return execute(
        () -> {
          timers.write(true, false, now());
          channel.writeAndFlush(data).addListener(done -> sent(data.length));
        });
  }

  /** Runs a task in the event loop; returns false when that has ended with the network. */
  private boolean execute(Runnable task) {
    try {
      channel.eventLoop().execute(task);
      return true;
    } catch (RejectedExecutionException shutDown) {
      return false;
    }
  }

  /** Counts a message that was sent, or that cannot be sent any longer. In the event loop. */
  private void sent(int bytes) {
    boolean writable = window.release(bytes);
    timers.write(window.unsentBytes() > 0, true, now());
    MessageQueue waiting = queue;
    if (writable && waiting != null) {
      waiting.wake();
    }
  }

  /** Records that a sub-protocol has completed its handshake. */
  void protocolEstablished(SharedProtocol protocol) {
    execute(
        () -> {
          if (notEstablished.remove(protocol) && notEstablished.isEmpty() && stage == Stage.OPEN) {
            established = true;
            timers.established(now());
            context.owner().established(this);
          }
        });
  }

  /**
   * Ends the session: Disconnect is sent when possible, then the connection is closed. Does nothing
   * when the session has ended.
   */
  void end(DisconnectReason reason, String detail) {
    if (ending.compareAndSet(false, true)) {
      SessionEnd cause = new SessionEnd(reason, false, detail);
      if (channel.eventLoop().inEventLoop()) {
        endNow(cause);
      } else {
        execute(() -> endNow(cause));
      }
    }
  }

  // ---- event loop

  @Override
  public void handlerAdded(ChannelHandlerContext handler) {
    scheduleTick();
  }

  private void scheduleTick() {
    SessionSettings limits = context.settings();
    long shortest = MAX_TICK_NANOS;
    for (java.time.Duration limit :
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
    checkTimers();
    scheduleTick();
  }

  private void checkTimers() {
    switch (timers.check(now())) {
      case NOTHING -> {}
      case SEND_PING -> {
        timers.pingSent();
        writeBase(BaseMessages.PING, BaseMessages.empty());
      }
      case ENCRYPTION_EXPIRED ->
          end(DisconnectReason.PING_TIMEOUT, "the encryption handshake has taken too long");
      case HELLO_EXPIRED -> end(DisconnectReason.PING_TIMEOUT, "Hello has not arrived in time");
      case ESTABLISH_EXPIRED ->
          end(DisconnectReason.PING_TIMEOUT, "a sub-protocol was not established in time");
      case READ_EXPIRED -> end(DisconnectReason.PING_TIMEOUT, "no message has arrived in time");
      case WRITE_EXPIRED -> end(DisconnectReason.TCP_ERROR, "the peer does not read");
    }
  }

  private void encrypted(NodeId remote, Secrets secrets) {
    remoteId = remote;
    FrameDecoder frames = new FrameDecoder(new FrameReader(secrets), MAX_HELLO_FRAME_BYTES);
    decoder = frames;
    String self = channel.pipeline().context(this).name();
    channel
        .pipeline()
        .addBefore(self, "frame-decoder", frames)
        .addBefore(self, "frame-encoder", new FrameEncoder(new FrameWriter(secrets)));
    if (hasEnded()) {
      return;
    }
    stage = Stage.HELLO;
    timers.encrypted(now());
    DisconnectReason refusal = context.owner().identified(this);
    if (refusal != null) {
      end(refusal, "not admitted");
      return;
    }
    List<Capability> capabilities =
        context.protocols().get().stream().map(WireProtocol::capability).toList();
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
      end(breach.reason(), ProtocolHandlers.bounded(breach.getMessage()));
    } catch (RlpException malformed) {
      end(DisconnectReason.PROTOCOL_BREACH, ProtocolHandlers.bounded(malformed.getMessage()));
    }
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

  private void reply() {
    if (unsentPongs < MAX_UNSENT_PONGS) {
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
    if (ending.compareAndSet(false, true)) {
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
    if (!received.nodeId().equals(id().key())) {
      throw new PeerBreachException(
          DisconnectReason.UNEXPECTED_IDENTITY, "Hello has another node id");
    }
    List<SharedProtocol> common =
        SharedProtocol.match(context.protocols().get(), received.capabilities());
    if (common.isEmpty()) {
      throw new PeerBreachException(DisconnectReason.USELESS_PEER, "no common sub-protocol");
    }
    hello = received;
    shared = common;
    notEstablished.addAll(common);
    ProtocolHandlers calls =
        new ProtocolHandlers(this, common, received, context.failures(), this::end);
    handlers = calls;
    MessageQueue messages =
        new MessageQueue(context.executor(), calls, window::isWritable, () -> resumeReadingLater());
    DisconnectReason refusal = context.owner().admit(this);
    if (refusal != null) {
      end(refusal, "not admitted");
    }
    if (hasEnded()) {
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
      if (id <= Integer.MAX_VALUE && one.owns((int) id)) {
        protocol = one;
      }
    }
    if (protocol == null) {
      throw breach("unknown message " + Long.toUnsignedString(id));
    }
    int max = ProtocolHandlers.MAX_PAYLOAD_BYTES;
    if (Objects.requireNonNull(hello).isSnappy()) {
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

  private void resumeReadingLater() {
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
    boolean canWrite = stage == Stage.HELLO || stage == Stage.OPEN;
    stage = Stage.ENDING;
    if (!canWrite || !channel.isActive()) {
      channel.close();
      return;
    }
    Objects.requireNonNull(decoder).stop();
    DisconnectReason reason = Objects.requireNonNull(cause.reason());
    long limit = context.settings().disconnect().toNanos();
    channel.eventLoop().schedule(() -> channel.close(), limit, TimeUnit.NANOSECONDS);
    writeBase(BaseMessages.DISCONNECT, BaseMessages.disconnect(reason))
        .addListener(done -> closeOutput());
    channel.config().setAutoRead(true); // unread bytes would reset the connection
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
    if (ending.compareAndSet(false, true)) {
      end = new SessionEnd(DisconnectReason.TCP_ERROR, true, "the connection was closed");
    }
    MessageQueue messages = queue;
    if (messages != null) {
      messages.close();
    }
    SessionEnd cause = end;
    context
        .owner()
        .ended(
            this,
            cause == null ? new SessionEnd(DisconnectReason.REQUESTED, false, "ended") : cause);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext handler, Throwable failure) {
    if (failure instanceof PeerBreachException breach) {
      end(breach.reason(), ProtocolHandlers.bounded(breach.getMessage()));
    } else if (failure instanceof IOException) {
      channel.close(); // reset by the peer
    } else {
      context.failures().failed(failure);
      channel.close();
    }
  }
}
