// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the frames of one connection, no faster than its limits allow: what exceeds them is read
 * later, so that TCP slows the peer. So is what a peer sends that does not read its replies.
 *
 * <p>Threading: one worker thread, in which nothing of the event loops waits.
 */
final class ConnectionHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionHandler.class);

  /** Event of a channel whose pause is over. */
  static final Object RESUME = "chronos: resume";

  /** For how long nothing is read while a peer does not read what it is sent. */
  private static final long BEHIND_MILLIS = 50;

  private final Connection peer;
  private final FrameDecoder frames;
  private final Messages messages;
  private final Rates own;
  private final @Nullable Rates shared;
  private final Deque<Long> errors = new ArrayDeque<>();
  private final Deque<Object> waiting = new ArrayDeque<>();
  private final LongSupplier nanos;

  /**
   * Creates a handler.
   *
   * @param shared how fast the host of the peer may send on all its connections; null for no limit
   * @param nanos monotonic time in nanoseconds
   */
  ConnectionHandler(
      Connection peer,
      FrameDecoder frames,
      Messages messages,
      @Nullable Rates shared,
      LongSupplier nanos) {
    this.peer = peer;
    this.nanos = nanos;
    this.frames = frames;
    this.messages = messages;
    this.shared = shared;
    own = new Rates(1, nanos.getAsLong());
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    peer.opened();
    if (!peer.inbound()) {
      try {
        messages.shake(peer);
      } catch (WireException unavailable) {
        peer.fail(unavailable, null);
      }
    }
    ctx.read();
  }

  /** What was read waits in its order: the limits hold for each message. */
  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    waiting.add(message);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    handleWaiting(ctx);
  }

  private void handleWaiting(ChannelHandlerContext ctx) {
    long wait = waitMillis();
    while (wait == 0 && !waiting.isEmpty()) {
      handle(waiting.remove());
      wait = waitMillis();
    }
    if (wait == 0) {
      ctx.read();
    } else {
      peer.pause(wait);
    }
  }

  private long waitMillis() {
    if (peer.isBehind()) {
      return BEHIND_MILLIS;
    }
    long now = nanos.getAsLong();
    return Math.max(own.waitMillis(now), shared == null ? 0 : shared.waitMillis(now));
  }

  private void handle(Object message) {
    if (message instanceof WireException error) {
      peer.fail(error, null);
      return;
    }
    byte[] frame = (byte[]) message;
    try {
      if (!peer.isEnding()) {
        received(frame);
      }
    } finally {
      frames.handled(frame);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    dropWaiting();
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    dropWaiting();
  }

  private void dropWaiting() {
    for (Object message : waiting) {
      if (message instanceof byte[] frame) {
        frames.handled(frame);
      }
    }
    waiting.clear();
  }

  private void received(byte[] frame) {
    long now = nanos.getAsLong();
    own.received(frame.length, now);
    if (shared != null) {
      shared.received(frame.length, now);
    }
    peer.active();
    Long id = null;
    try {
      Message read = Json.read(frame);
      id = read.id();
      if (read.code().equals(MessageCode.PULL_BLOCK.name())) {
        own.pulled(now);
        if (shared != null) {
          shared.pulled(now);
        }
      }
      messages.received(peer, read, frame.length);
    } catch (WireException error) {
      boolean isUnknown = error.code().equals("unknown_code");
      peer.fail(
          isUnknown && hasTooManyErrors(now)
              ? WireException.closing(error.code(), error.reason())
              : error,
          id);
    }
  }

  private boolean hasTooManyErrors(long now) {
    errors.add(now);
    while (now - errors.getFirst() > Limits.ERRORS_PERIOD.toNanos()) {
      errors.remove();
    }
    return errors.size() >= Limits.MAX_ERRORS;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == RESUME) {
      handleWaiting(ctx);
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable failure) {
    Throwable cause = cause(failure);
    if (cause instanceof IOException) {
      peer.end("network error", true);
    } else if (peer.end("internal error", false)) {
      LOG.warn("chronos: the connection with {} ends", peer, failure);
    }
    ctx.close();
  }

  private static Throwable cause(Throwable failure) {
    @Nullable Throwable cause = failure.getCause();
    return failure instanceof DecoderException && cause != null ? cause : failure;
  }
}
