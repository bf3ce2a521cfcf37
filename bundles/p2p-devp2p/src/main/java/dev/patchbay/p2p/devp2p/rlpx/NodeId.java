// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import java.util.HexFormat;

/**
 * Identity of a node: its static public key on secp256k1 (devp2p, rlpx.md, "Node Identity").
 *
 * @param key 64 bytes: x, y; a point of the curve
 */
public record NodeId(Bytes key) implements Comparable<NodeId> {
  /** Length of a public key without its prefix, in bytes. */
  public static final int BYTES = 64;

  private static final int SHOWN_DIGITS = 16;

  /**
   * Checks the key.
   *
   * @throws IllegalArgumentException when it is not 64 bytes, or not a point of the curve
   */
  public NodeId {
    if (key.size() != BYTES) {
      throw new IllegalArgumentException("a node id has 64 bytes, not " + key.size());
    }
    if (!Secp256k1.isPoint(key.unsafeArray())) {
      throw new IllegalArgumentException("the node id is not a point of secp256k1");
    }
  }

  /**
   * Reads 128 hexadecimal digits.
   *
   * @throws IllegalArgumentException when the text is anything else, or not a point of the curve
   */
  public static NodeId parse(String text) {
    if (text.length() != 2 * BYTES) {
      throw new IllegalArgumentException(
          "a node id has 128 hexadecimal digits, not " + text.length());
    }
    byte[] key;
    try {
      key = HexFormat.of().parseHex(text);
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException("a node id has hexadecimal digits only");
    }
    return new NodeId(Bytes.wrap(key));
  }

  /** Orders as unsigned big-endian numbers. */
  @Override
  public int compareTo(NodeId other) {
    return java.util.Arrays.compareUnsigned(key.unsafeArray(), other.key.unsafeArray());
  }

  /** Returns the first 16 digits, for the log. */
  public String shortText() {
    return toString().substring(0, SHOWN_DIGITS);
  }

  /** Returns 128 hexadecimal digits in lower case, without a prefix. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(key.unsafeArray());
  }
}
