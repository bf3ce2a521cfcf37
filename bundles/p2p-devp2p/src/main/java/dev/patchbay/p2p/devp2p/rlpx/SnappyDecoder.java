// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;

/**
 * Reads the elements of one Snappy block: literals and copies (format_description.txt, sections 2.1
 * and 2.2). Every element is checked against both arrays before it is applied, and has at least one
 * byte of content, so the work is linear in the length of the content. Netty's decoder copies byte
 * by byte through its buffers: 10 MiB of zeros occupied it for half a second.
 *
 * <p>Threading: one thread at a time.
 */
final class SnappyDecoder {
  private static final int LITERAL = 0;
  private static final int COPY_1 = 1;
  private static final int COPY_2 = 2;

  /** Literals of up to 60 bytes have their length in the tag; others in 1 to 4 bytes after it. */
  private static final int LONG_LITERAL = 60;

  private final byte[] input;
  private final byte[] content;
  private int at;
  private int written;

  /**
   * Creates a decoder.
   *
   * @param from where the elements begin; they end with the array
   * @param length length of the content
   */
  SnappyDecoder(byte[] input, int from, int length) {
    this.input = input;
    this.at = from;
    this.content = new byte[length];
  }

  /**
   * Returns the content.
   *
   * @throws PeerBreachException when the elements are malformed, or do not have exactly its length
   */
  byte[] decode() throws PeerBreachException {
    while (at < input.length) {
      int tag = input[at++] & 0xff;
      switch (tag & 3) {
        case LITERAL -> literal(tag >>> 2);
        case COPY_1 -> copy(4 + (tag >>> 2 & 7), (long) (tag >>> 5) << 8 | unsigned(1));
        case COPY_2 -> copy(1 + (tag >>> 2), unsigned(2));
        default -> copy(1 + (tag >>> 2), unsigned(4));
      }
    }
    if (written != content.length) {
      throw malformed();
    }
    return content;
  }

  private void literal(int form) throws PeerBreachException {
    long length = 1 + (form < LONG_LITERAL ? form : unsigned(form - LONG_LITERAL + 1));
    if (length > input.length - at || length > content.length - written) {
      throw malformed();
    }
    System.arraycopy(input, at, content, written, (int) length);
    at += (int) length;
    written += (int) length;
  }

  /** Repeats content: the source may overlap with what is written. */
  private void copy(int length, long offset) throws PeerBreachException {
    if (offset == 0 || offset > written || length > content.length - written) {
      throw malformed();
    }
    int source = written - (int) offset;
    for (int i = 0; i < length; i++) {
      content[written++] = content[source++];
    }
  }

  /** Reads a little-endian number of 1 to 4 bytes. */
  private long unsigned(int bytes) throws PeerBreachException {
    if (bytes > input.length - at) {
      throw malformed();
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) (input[at++] & 0xff) << 8 * i;
    }
    return value;
  }

  private static PeerBreachException malformed() {
    return new PeerBreachException(
        DisconnectReason.PROTOCOL_BREACH, "a compressed message is malformed");
  }
}
