// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import java.util.ArrayList;
import java.util.List;

/** Collects the items of a reply up to its limits. Threading: one thread at a time. */
final class ReplyItems {
  private final List<Bytes> items = new ArrayList<>();
  private int bytes;

  /**
   * Adds an item, unless the reply is full.
   *
   * @param rlp the item
   * @return whether it was added
   */
  boolean add(Bytes rlp) {
    if (isFull() || rlp.size() > EthLimits.MAX_REPLY_BYTES - bytes) {
      return false;
    }
    items.add(rlp);
    bytes += rlp.size();
    return true;
  }

  /** Returns whether the reply takes no more items. */
  boolean isFull() {
    return bytes >= EthLimits.SOFT_REPLY_BYTES;
  }

  /** Returns the bytes that are left below the soft limit. */
  int room() {
    return Math.max(0, EthLimits.SOFT_REPLY_BYTES - bytes);
  }

  /** Returns whether there are no items. */
  boolean isEmpty() {
    return items.isEmpty();
  }

  /** Returns the items. */
  List<Bytes> toList() {
    return List.copyOf(items);
  }
}
