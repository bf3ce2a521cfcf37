// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.compression.Snappy;

/**
 * Snappy in its block format (format_description.txt; EIP-706): the length of the content, then
 * literals and copies. Compressed by Netty. Threading: any thread.
 */
public final class SnappyBlock {
  /** A copy of 64 bytes takes 3, so no block expands more. */
  private static final int MAX_EXPANSION = 22;

  private static final int MAX_LENGTH_BYTES = 4;

  private SnappyBlock() {}

  /** Returns the greatest size of a block, for so many bytes of content. */
  public static int maxCompressedBytes(int content) {
    return 32 + content + content / 6;
  }

  /** Compresses. */
  public static byte[] compress(byte[] content) {
    ByteBuf out = Unpooled.buffer(maxCompressedBytes(content.length));
    new Snappy().encode(Unpooled.wrappedBuffer(content), out, content.length);
    byte[] block = new byte[out.readableBytes()];
    out.readBytes(block);
    return block;
  }

  /**
   * Reads and checks the length that a block declares, without decompressing it.
   *
   * @param from where the block begins; it ends with the array
   * @param max greatest length that is accepted, in bytes
   * @throws PeerBreachException when there is no length, or it is greater, or the block is too
   *     short for it
   */
  public static int contentBytes(byte[] input, int from, int max) throws PeerBreachException {
    long length = 0;
    int at = from;
    while (true) {
      if (at == input.length || at - from == MAX_LENGTH_BYTES) {
        throw breach("a compressed message does not say its length");
      }
      int next = input[at];
      length |= (long) (next & 0x7f) << 7 * (at - from);
      at++;
      if (next >= 0) {
        break;
      }
    }
    if (length > max) {
      throw breach("a message of " + length + " bytes, at most " + max + " are accepted");
    }
    if (length > (long) MAX_EXPANSION * (input.length - at)) {
      throw breach("a compressed message is too short for its length of " + length + " bytes");
    }
    return (int) length;
  }

  /**
   * Decompresses into an array of exactly the declared length.
   *
   * @param from where the block begins; it ends with the array
   * @param max greatest length of the content that is accepted, in bytes
   * @throws PeerBreachException when the block is malformed
   */
  public static byte[] decompress(byte[] input, int from, int max) throws PeerBreachException {
    int length = contentBytes(input, from, max);
    int elements = from;
    while (input[elements] < 0) {
      elements++; // the length, which has been checked
    }
    return new SnappyDecoder(input, elements + 1, length).decode();
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }
}
