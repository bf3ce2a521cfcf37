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
import org.jspecify.annotations.Nullable;

/**
 * Reads frames and passes on their data as {@code byte[]}. The size of a frame is checked when its
 * header has arrived; memory is used for bytes that have arrived only. A body is decrypted as it
 * arrives, so that a large frame does not hold up the other sessions of the event loop at its end.
 * After a violation nothing more is read.
 *
 * <p>Threading: the event loop of the channel.
 */
final class FrameDecoder extends ByteToMessageDecoder {
  /** Bytes that are decrypted at once: less than a millisecond. */
  private static final int MAX_PART_BYTES = 64 * 1024;

  private final FrameReader reader;
  private int maxBytes;

  /** The body that arrives; null when a header is next. */
  private FrameReader.@Nullable Body body;

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
    FrameReader.Body current = body;
    return actualReadableBytes() + (current == null ? 0 : current.receivedBytes());
  }

  /** Drops all that arrives from now on. */
  void stop() {
    stopped = true;
    body = null;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (stopped) {
      in.skipBytes(in.readableBytes());
      return;
    }
    try {
      FrameReader.Body current = body;
      if (current == null && in.readableBytes() >= Frames.HEADER_BYTES) {
        current = reader.body(readHeader(in));
        body = current;
      }
      if (current != null && in.isReadable()) {
        int length = Math.min(MAX_PART_BYTES, Math.min(in.readableBytes(), current.missingBytes()));
        byte[] part = new byte[length];
        in.readBytes(part);
        current.append(part);
        if (current.missingBytes() == 0) {
          out.add(current.data());
          body = null;
        }
      }
    } catch (PeerBreachException breach) {
      stop();
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
