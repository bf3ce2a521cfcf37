// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import org.jspecify.annotations.Nullable;

/** Reads paths in compact form (Yellow Paper, appendix C, "hex-prefix encoding"). */
final class NodePath {
  private static final int ODD = 1;
  private static final int VALUE = 2;

  private NodePath() {}

  /**
   * Returns the nibbles of a path, one a byte; null when the path leads to a value, which is not a
   * node. An empty input is the path of the root.
   */
  static byte @Nullable [] decode(Bytes compact) {
    if (compact.isEmpty()) {
      return new byte[0];
    }
    int flags = (compact.get(0) >> 4) & 0xf;
    if (flags >= VALUE) {
      return null;
    }
    int skipped = 2 - (flags & ODD);
    byte[] nibbles = new byte[2 * compact.size() - skipped];
    for (int i = 0; i < nibbles.length; i++) {
      int at = i + skipped;
      int pair = compact.get(at / 2);
      nibbles[i] = (byte) ((at & 1) == 0 ? (pair >> 4) & 0xf : pair & 0xf);
    }
    return nibbles;
  }
}
