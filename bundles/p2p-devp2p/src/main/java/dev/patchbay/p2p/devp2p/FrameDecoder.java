// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.devp2p.rlpx.FrameReader;
import dev.patchbay.p2p.devp2p.rlpx.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Reads frames and passes on their data as {@code byte[]}. The size of a frame is checked when its
 * header has arrived; memory is used for bytes that have arrived only. After a violation nothing
 * more is read.
 *
 * <p>Threading: the event loop of the channel.
 */
final class FrameDecoder extends ByteToMessageDecoder {
  private static final int NO_HEADER = -1;

  private final FrameReader reader;
  private int maxBytes;
  private int size = NO_HEADER;
  private boolean stopped;

  /**
   * Creates a decoder.
   *
   * @param maxBytes greatest size of the data of a frame
   */
  FrameDecoder(FrameReader reader, int maxBytes) {
    this.reader = reader;
    this.maxBytes = maxBytes;
  }

  /** Changes the greatest size of the data of later frames. */
  void allow(int bytes) {
    maxBytes = bytes;
  }

  /** Returns the bytes of a frame that has not arrived completely. */
  int bufferedBytes() {
    return actualReadableBytes();
  }

  /** Drops all that arrives from now on. */
  void stop() {
    stopped = true;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (stopped) {
      in.skipBytes(in.readableBytes());
      return;
    }
    try {
      if (size == NO_HEADER && in.readableBytes() >= Frames.HEADER_BYTES) {
        size = readHeader(in);
      }
      if (size != NO_HEADER && in.readableBytes() >= Frames.bodyBytes(size)) {
        byte[] body = new byte[Frames.bodyBytes(size)];
        in.readBytes(body);
        out.add(reader.body(body, size));
        size = NO_HEADER;
      }
    } catch (PeerBreachException breach) {
      stopped = true;
      in.skipBytes(in.readableBytes());
      context.fireExceptionCaught(breach);
    }
  }

  private int readHeader(ByteBuf in) throws PeerBreachException {
    byte[] header = new byte[Frames.HEADER_BYTES];
    in.readBytes(header);
    int bytes = reader.header(header);
    if (bytes == 0 || bytes > maxBytes) {
      throw new PeerBreachException(
          DisconnectReason.PROTOCOL_BREACH,
          "a frame of " + bytes + " bytes, 1 to " + maxBytes + " are accepted");
    }
    return bytes;
  }
}
