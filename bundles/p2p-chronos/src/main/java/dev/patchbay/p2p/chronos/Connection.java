// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One connection: what is known of the peer, and what is sent to it. Threading: any thread. */
final class Connection {
  static final String NETWORK = "chronos";

  private static final InetSocketAddress NOWHERE = InetSocketAddress.createUnresolved("", 0);
  private static final int MAX_MESSAGE = 200;
  private static final byte[] LINE_END = {'\n'};

  /**
   * How a connection has ended.
   *
   * @param code code of the error, or a text
   * @param byPeer whether the peer has ended it
   */
  record End(String code, boolean byPeer) {}

  private final Channel channel;
  private final boolean lines;
  private final @Nullable HostPort target;
  private final ByteBudget.Share unsent;

  /** When each message was queued that waits to be sent, in milliseconds; the oldest first. */
  private final Queue<Long> queued = new ConcurrentLinkedQueue<>();

  private final LongSupplier millis;
  private final KnownBlocks known = new KnownBlocks();
  private final Requests requests;
  private final MessageCounts sentMessages = new MessageCounts();
  private final MessageCounts receivedMessages = new MessageCounts();
  private final AtomicInteger newBlocks = new AtomicInteger();
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();
  private final long opened;
  private volatile @Nullable FrameDecoder frames;

  /** Not connected until {@link #opened}. */
  private volatile InetSocketAddress remote = NOWHERE;

  private volatile InetSocketAddress local = NOWHERE;

  private volatile @Nullable Shakehand stated;
  private volatile @Nullable Address ownAddress;
  private volatile @Nullable PeerId id;
  private volatile @Nullable ChainHead head;
  private volatile boolean established;
  private volatile long received;
  private volatile long shaken;
  private volatile long ended;
  private volatile long pausedAt;
  private volatile long resumeAt;
  private volatile @Nullable String latestError;

  /** Whether its start was published, and not its end; guarded by this. */
  private boolean isPublished;

  /** Guarded by this. */
  private boolean isOver;

  /**
   * Creates a connection whose handshake is not completed.
   *
   * @param lines whether a frame is a line
   * @param target which node was dialed; null when the peer has dialed this node
   * @param unsent of the bytes that wait to be sent to all peers
   * @param millis monotonic time in milliseconds
   */
  Connection(
      Channel channel,
      boolean lines,
      @Nullable HostPort target,
      ByteBudget unsent,
      LongSupplier millis) {
    this.channel = channel;
    this.lines = lines;
    this.target = target;
    this.unsent = unsent.share(this::endUnread);
    this.millis = millis;
    requests = new Requests(millis);
    opened = millis.getAsLong();
    opened();
    received = opened;
    shaken = opened;
  }

  /** Notes its ends: after its end the channel does not have them. */
  void opened() {
    if (channel.remoteAddress() instanceof InetSocketAddress there
        && channel.localAddress() instanceof InetSocketAddress here) {
      remote = there;
      local = here;
    }
  }

  /** Sets what splits the input into frames. */
  void setFrames(FrameDecoder decoder) {
    frames = decoder;
  }

  // ---- what is known of the peer

  @Nullable HostPort target() {
    return target;
  }

  boolean inbound() {
    return target == null;
  }

  InetSocketAddress remote() {
    return remote;
  }

  InetSocketAddress local() {
    return local;
  }

  /** Returns {@code HOST:PORT} of the node that was dialed, else of the other end. */
  String url() {
    return target == null ? HostPort.text(remote()) : target.toString();
  }

  KnownBlocks known() {
    return known;
  }

  Requests requests() {
    return requests;
  }

  @Nullable Shakehand stated() {
    return stated;
  }

  /** Returns whether the peer states an address. */
  boolean states(Address address) {
    Shakehand latest = stated;
    return latest != null && latest.address().equals(address);
  }

  /** Notes what the peer states. */
  void state(Shakehand statement) {
    stated = statement;
    Hash hash = statement.headHash();
    if (hash != null) {
      known.add(hash);
      head = new ChainHead(hash, statement.height(), null);
    }
  }

  @Nullable ChainHead head() {
    return head;
  }

  /** Notes that the peer has a block. */
  void has(Block block) {
    known.add(block.hash());
    ChainHead before = head;
    Long number = before == null ? null : before.number();
    if (number == null || block.number() >= number) {
      head = new ChainHead(block.hash(), block.number(), null);
    }
  }

  /** Returns which peer it is; null before the handshake. */
  @Nullable PeerId id() {
    return id;
  }

  boolean isEstablished() {
    return established && !isEnding();
  }

  /** Whether it was established at some time. */
  boolean wasEstablished() {
    return established;
  }

  /** Notes that the handshake is completed. */
  void establish(PeerId peer) {
    id = peer;
    FrameDecoder decoder = frames;
    if (decoder != null) {
      decoder.handshakeCompleted();
    }
    established = true;
  }

  MessageCounts sentMessages() {
    return sentMessages;
  }

  MessageCounts receivedMessages() {
    return receivedMessages;
  }

  // ---- times

  /** Notes that the peer has sent a message, or that this node reads again. */
  void active() {
    received = millis.getAsLong();
  }

  /** Returns which deadline has passed; null when none has. */
  @Nullable String late() {
    long now = millis.getAsLong();
    FrameDecoder decoder = frames;
    if (!established) {
      return now - opened < Limits.HANDSHAKE.toMillis() ? null : "no SHAKEHAND in 5 s";
    }
    if (isPaused()) {
      return null; // this node does not read
    }
    if (decoder != null && decoder.millisOfFrame() >= Limits.FRAME.toMillis()) {
      return "a frame is not complete after 15 s";
    }
    return now - received < Limits.SILENCE.toMillis() ? null : "no message in 30 s";
  }

  long sinceShakehand() {
    return millis.getAsLong() - shaken;
  }

  /** Has nothing read for a while: the peer sends too fast. */
  void pause(long wait) {
    long now = millis.getAsLong();
    pausedAt = now;
    resumeAt = now + wait;
  }

  /** Reads again when the pause is over; called often. */
  void resume() {
    long at = resumeAt;
    long now = millis.getAsLong();
    if (at != 0 && now - at >= 0) {
      FrameDecoder decoder = frames;
      if (decoder != null) {
        decoder.leaveOut(pausedAt, now);
      }
      resumeAt = 0;
      active();
      channel.pipeline().fireUserEventTriggered(ConnectionHandler.RESUME);
    }
  }

  private boolean isPaused() {
    return resumeAt != 0;
  }

  /** Returns for how long it has been ending; 0 when it is not. */
  long endingMillis() {
    return isEnding() ? Math.max(1, millis.getAsLong() - ended) : 0;
  }

  // ---- what is sent

  /** Requests a confirmed block; null when the peer does not have it. */
  CompletableFuture<@Nullable ReceivedBlock> pull(long height) {
    return requests.add(height, () -> send(MessageCode.PULL_BLOCK, height, null));
  }

  /** Requests a block by its hash; null when the peer does not have it. */
  CompletableFuture<@Nullable ReceivedBlock> get(Hash hash) {
    return requests.add(hash, () -> send(MessageCode.GET_BLOCK, hash, null));
  }

  /** Sends what this node states, with the address of the first time. */
  void shake(Shakehand own, @Nullable Long replyTo) {
    shaken = millis.getAsLong();
    Address first = ownAddress;
    if (first == null) {
      first = own.address();
      ownAddress = first;
    }
    send(MessageCode.SHAKEHAND, own.withAddress(first).write(), replyTo);
  }

  /**
   * Sends a message.
   *
   * @param replyTo id of the message that it replies to
   */
  void send(MessageCode code, Object data, @Nullable Long replyTo) {
    if (!isEnding()) {
      send(code, Json.write(code, data, replyTo));
    }
  }

  /** Sends a whole message. */
  void send(MessageCode code, byte[] message) {
    if (!isEnding()) {
      write(code, message, () -> {});
    }
  }

  /** Announces a block. */
  void announce(Hash hash) {
    known.add(hash);
    send(MessageCode.NEW_BLOCK_HASH, hash, null);
  }

  /**
   * Sends a new block, or its hash when the peer has not taken the ones before.
   *
   * @param message the whole message
   */
  void sendNewBlock(Hash hash, byte[] message) {
    if (isEnding()) {
      return;
    }
    if (newBlocks.incrementAndGet() > Limits.MAX_NEW_BLOCKS || isBehind()) {
      newBlocks.decrementAndGet();
      announce(hash);
      return;
    }
    known.add(hash);
    write(MessageCode.NEW_BLOCK, message, newBlocks::decrementAndGet);
  }

  /** Writes a message; the connection ends when the peer does not read what it is sent. */
  private void write(MessageCode code, byte[] message, Runnable written) {
    if (!unsent.reserve(message.length)) {
      written.run();
      endUnread();
      return;
    }
    sentMessages.add(code);
    queued.add(millis.getAsLong());
    channel
        .writeAndFlush(frame(message))
        .addListener(
            sent -> {
              queued.poll(); // they are sent in their order
              unsent.release(message.length);
              written.run();
            });
    if (!channel.isWritable()) { // above the high water mark
      endUnread();
    }
  }

  private ByteBuf frame(byte[] message) {
    return lines
        ? Unpooled.wrappedBuffer(message, LINE_END)
        : Unpooled.wrappedBuffer(
            Unpooled.buffer(Integer.BYTES).writeInt(message.length),
            Unpooled.wrappedBuffer(message));
  }

  /** Returns whether so much waits to be sent that the requests of the peer have to wait. */
  boolean isBehind() {
    return unsent.bytes() > Limits.UNSENT_MARK;
  }

  /** Returns whether a message waits to be sent for longer than a peer has to read it. */
  boolean isUnread() {
    Long oldest = queued.peek();
    return oldest != null && millis.getAsLong() - oldest >= Limits.UNSENT.toMillis();
  }

  /** Ends the connection: the peer does not read what it is sent. */
  void endUnread() {
    end("slow_reader", false);
    channel.close();
  }

  // ---- its end

  boolean isEnding() {
    return end.get() != null;
  }

  @Nullable End end() {
    return end.get();
  }

  /**
   * Notes an error that the peer has sent: when the connection ends next, that is why.
   *
   * @param code one of a fixed set: the reasons of ends are counted
   */
  void noteError(String code) {
    latestError = code;
  }

  /** Notes that the channel is closed. */
  void closed() {
    String error = latestError;
    end(error == null ? "closed" : error, true);
    requests.close();
  }

  /** Publishes its start by an event, unless it is over. */
  synchronized void publishStart(Runnable event) {
    if (!isOver) {
      isPublished = true;
      event.run();
    }
  }

  /** Publishes its end by an event, when its start was published. */
  synchronized void publishEnd(Runnable event) {
    isOver = true;
    if (isPublished) {
      isPublished = false;
      event.run();
    }
  }

  /** Notes why it ends; the first reason counts. */
  boolean end(String code, boolean byPeer) {
    boolean isFirst = end.compareAndSet(null, new End(code, byPeer));
    if (isFirst) {
      ended = millis.getAsLong();
    }
    return isFirst;
  }

  /** Sends an error, and ends the connection when the error does. */
  void fail(WireException error, @Nullable Long replyTo) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("code", error.code());
    data.putAll(error.details());
    data.put("message", printable(error.reason()));
    if (!error.closes()) {
      send(MessageCode.ERROR, data, replyTo);
    } else if (end(error.code(), false)) {
      channel
          .writeAndFlush(frame(Json.write(MessageCode.ERROR, data, replyTo)))
          .addListener(ChannelFutureListener.CLOSE);
    }
  }

  /** Returns one line of ASCII of limited length, for messages with what a peer wrote. */
  static String printable(String text) {
    String line = text.replaceAll("[^\\x20-\\x7e]", "?");
    return line.substring(0, Math.min(MAX_MESSAGE, line.length()));
  }

  /** Closes the channel at once. */
  void close() {
    channel.close();
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public String toString() {
    return (inbound() ? "peer " : "node ") + url();
  }
}
