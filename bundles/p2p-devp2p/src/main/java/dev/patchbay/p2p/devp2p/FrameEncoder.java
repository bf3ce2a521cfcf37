// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Writes {@code byte[]} as frames; passes on everything else. A large frame is encrypted in parts,
 * each in a task of its own, so that the other sessions of the event loop go on in between.
 *
 * <p>Threading: the event loop of the channel.
 */
final class FrameEncoder extends ChannelOutboundHandlerAdapter {
  /** Bytes that are encrypted in one task: about a millisecond. */
  private static final int MAX_TASK_BYTES = 128 * 1024;

  private final FrameWriter writer;

  /** The frames that are not written completely, in order. */
  private final Deque<Pending> pending = new ArrayDeque<>();

  private FrameWriter.@Nullable Frame current;

  private record Pending(byte[] data, ChannelPromise promise) {}

  FrameEncoder(FrameWriter writer) {
    this.writer = writer;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (!(message instanceof byte[] data)) {
      context.write(message, promise);
    } else if (pending.isEmpty() && data.length <= MAX_TASK_BYTES) {
      context.write(Unpooled.wrappedBuffer(writer.write(data)), promise);
    } else {
      pending.add(new Pending(data, promise));
      if (pending.size() == 1) {
        writeParts(context);
      }
    }
  }

  private void writeParts(ChannelHandlerContext context) {
    int left = MAX_TASK_BYTES;
    while (left > 0 && !pending.isEmpty()) {
      if (!context.channel().isActive()) {
        fail();
        return;
      }
      Pending first = pending.element();
      FrameWriter.Frame frame = current == null ? writer.begin(first.data()) : current;
      byte[] part = frame.next(MAX_TASK_BYTES);
      left -= part.length;
      if (frame.isDone()) {
        current = null;
        pending.remove();
        context.write(Unpooled.wrappedBuffer(part), first.promise());
      } else {
        current = frame;
        context.write(Unpooled.wrappedBuffer(part), context.voidPromise());
      }
    }
    context.flush();
    if (!pending.isEmpty()) {
      context.executor().execute(() -> writeOn(context));
    }
  }

  private void writeOn(ChannelHandlerContext context) {
    try {
      writeParts(context);
    } catch (Throwable failure) { // the session ends; without its frame the peer reads no other
      context.fireExceptionCaught(failure);
    }
  }

  private void fail() {
    while (!pending.isEmpty()) {
      pending.remove().promise().tryFailure(new ClosedChannelException());
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    fail();
  }
}
