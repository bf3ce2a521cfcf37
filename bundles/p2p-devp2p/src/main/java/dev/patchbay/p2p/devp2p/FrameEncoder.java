// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;

/**
 * Writes {@code byte[]} as frames; passes on everything else. Threading: the event loop of the
 * channel.
 */
final class FrameEncoder extends ChannelOutboundHandlerAdapter {
  private final FrameWriter writer;

  FrameEncoder(FrameWriter writer) {
    this.writer = writer;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    Object out =
        message instanceof byte[] data ? Unpooled.wrappedBuffer(writer.write(data)) : message;
    context.write(out, promise);
  }
}
