// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Splits what a peer sends into frames: a length of four bytes, and so many bytes; or lines. A
 * frame that is too large is an error before it is read; the buffer grows as its bytes come. After
 * an error nothing more is read.
 *
 * <p>The bytes of a frame count until {@link #handled}.
 *
 * <p>Threading: one event loop; {@link #millisOfFrame} any thread.
 */
final class FrameDecoder extends ByteToMessageDecoder {
  private static final int MIN_BYTES = 2;
  private static final long NONE = -1;

  private final boolean lines;
  private final LongSupplier millis;
  private final ByteBudget.Share budget;
  private boolean failed;
  private long held;

  /** How far the line has been searched for its end. */
  private int searched;

  private volatile int limit = Limits.MAX_FIRST_FRAME;
  private final AtomicLong frameStart = new AtomicLong(NONE);

  /**
   * Creates a decoder for a connection whose handshake is not completed.
   *
   * @param lines whether a frame is a line
   * @param millis monotonic time in milliseconds
   * @param budget of the bytes of frames that are not complete, or not handled
   */
  FrameDecoder(boolean lines, LongSupplier millis, ByteBudget.Share budget) {
    this.lines = lines;
    this.millis = millis;
    this.budget = budget;
  }

  /** Allows frames with blocks: the handshake is completed. */
  void handshakeCompleted() {
    limit = Limits.MAX_BLOCK_FRAME;
  }

  /** Notes that a frame is no longer held; any thread. */
  void handled(byte[] frame) {
    budget.release(frame.length);
  }

  /** Returns for how long a frame has not been complete; 0 when there is none. */
  long millisOfFrame() {
    long start = frameStart.get();
    return start == NONE ? 0 : Math.max(0, millis.getAsLong() - start);
  }

  /**
   * Leaves a time out of that of the frame: this node has not read then. Any thread.
   *
   * @param from monotonic time in milliseconds
   * @param to the same
   */
  void leaveOut(long from, long to) {
    frameStart.updateAndGet(
        start -> start == NONE ? NONE : start + Math.max(0, to - Math.max(from, start)));
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    if (failed) {
      in.skipBytes(in.readableBytes());
      return;
    }
    try {
      byte[] frame = lines ? line(in) : frame(in);
      hold(frame == null ? in.readableBytes() : 0);
      if (frame != null) {
        frameStart.set(NONE);
        reserve(frame.length);
        out.add(frame);
      }
      if (frame == null && in.isReadable()) {
        frameStart.compareAndSet(NONE, millis.getAsLong());
      }
    } catch (WireException error) {
      failed = true;
      releaseHeld();
      in.skipBytes(in.readableBytes());
      out.add(error);
    }
  }

  /** Accounts for the bytes of an incomplete frame. */
  private void hold(long bytes) throws WireException {
    long more = bytes - held;
    if (more > 0) {
      reserve(more);
    } else {
      budget.release(-more);
    }
    held = bytes;
  }

  private void reserve(long bytes) throws WireException {
    if (!budget.reserve(bytes)) {
      throw tooMany();
    }
  }

  /** Returns the error of the connection that holds most of what is being received. */
  static WireException tooMany() {
    return WireException.closing("busy", "too many large frames are being received");
  }

  private void releaseHeld() {
    budget.release(held);
    held = 0;
  }

  private byte @Nullable [] frame(ByteBuf in) throws WireException {
    if (in.readableBytes() < Integer.BYTES) {
      return null;
    }
    long length = in.getUnsignedInt(in.readerIndex());
    if (length > limit) {
      throw tooLarge(length);
    }
    if (length < MIN_BYTES) {
      throw WireException.closing("malformed", "a frame has at least 2 bytes");
    }
    if (in.readableBytes() < Integer.BYTES + length) {
      return null;
    }
    in.skipBytes(Integer.BYTES);
    return read(in, (int) length);
  }

  private byte @Nullable [] line(ByteBuf in) throws WireException {
    int end = in.indexOf(in.readerIndex() + searched, in.writerIndex(), (byte) '\n');
    int length = end < 0 ? in.readableBytes() : end - in.readerIndex();
    if (length > limit) {
      throw tooLarge(length);
    }
    if (end < 0) {
      searched = in.readableBytes();
      return null;
    }
    searched = 0;
    byte[] line = read(in, length);
    in.skipBytes(1);
    return line;
  }

  private static byte[] read(ByteBuf in, int length) {
    byte[] bytes = new byte[length];
    in.readBytes(bytes);
    return bytes;
  }

  private WireException tooLarge(long length) {
    return WireException.closing(
        "too_large", "a frame of " + length + " bytes; the limit is " + limit + " now");
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext ctx) {
    releaseHeld();
    failed = true;
  }
}
