// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The RLP of inner nodes that blocks met lately: the next ones walk the same ways. A table in which
 * the trie's name and the node's path choose the place, and the next node with the same place takes
 * it: an exact cache costs more for each node than hashing the node again. A node is asked for by
 * its hash, so one of another state or trie is never taken for it.
 *
 * <p>Blocks come back to nodes near a root sooner than to those far from it, of which there are
 * more: a deeper node takes the place of another one only now and then.
 *
 * <p>Threading: any number of threads. A thread may miss what another has just put.
 */
public final class NodeCache {
  private static final int SPREAD = 0x9E3779B9;

  /** One deeper node in so many takes a place: what nobody asks for any more goes some time. */
  private static final int PATIENCE = 16;

  private record Known(int depth, byte[] hash, byte[] rlp) {}

  private final @Nullable Known[] table;
  private final int shift;
  private int refused;

  /** Holds at most 2 to the power of {@code bits} nodes, of up to 0.7 kB each. */
  public NodeCache(int bits) {
    table = new Known[1 << bits];
    shift = Integer.SIZE - bits;
  }

  /** Returns a number by which {@link #get} and {@link #put} find the place of a node. */
  static int place(byte[] name, byte[] path, int length) {
    int place = Arrays.hashCode(name);
    for (int i = 0; i < length; i++) {
      place = 31 * place + path[i] + 1;
    }
    return place * SPREAD;
  }

  byte @Nullable [] get(int place, byte[] hash) {
    Known known = table[place >>> shift];
    return known != null && Arrays.equals(known.hash, hash) ? known.rlp : null;
  }

  /**
   * Keeps a node, if its place is not another's, whose hash was computed from its RLP; neither
   * array may change afterwards. The depth is the length of its path.
   */
  void put(int place, int depth, byte[] hash, byte[] rlp) {
    int at = place >>> shift;
    Known known = table[at];
    if (known == null || depth <= known.depth || ++refused % PATIENCE == 0) {
      table[at] = new Known(depth, hash, rlp);
    }
  }
}
