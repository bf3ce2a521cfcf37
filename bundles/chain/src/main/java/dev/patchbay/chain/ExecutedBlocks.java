// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The effects of executed blocks that are not canonical, so that they need not be executed again
 * when the head moves to them. A block that is evicted is executed again.
 *
 * <p>Threading: one thread at a time, under the import lock.
 */
final class ExecutedBlocks {
  private static final long MIN_BYTES = 16L << 20;
  private static final long MAX_BYTES = 256L << 20;
  private static final int HEAP_SHARE = 16;
  private static final int MAX_BLOCKS = 512;

  private final long limit =
      Math.max(MIN_BYTES, Math.min(MAX_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE));

  private final Map<Hash, Sized> blocks = new LinkedHashMap<>();
  private long bytes;

  /**
   * A block that was executed and is valid.
   *
   * @param receipts its receipts in order
   * @param writes what it changes in the store of its parent, but for what makes it canonical
   */
  record ExecutedBlock(Block block, List<Receipt> receipts, WriteSet writes) {
    /** Returns about how many bytes of memory this takes; decoded is as long again as encoded. */
    long bytes() {
      long body = 0;
      for (Transaction transaction : block.transactions()) {
        body += transaction.encodedSize();
      }
      return 2 * (body + writes.bytes());
    }
  }

  /** A block, and the size by which it counts: an error while it is measured leaves no trace. */
  private record Sized(ExecutedBlock executed, long bytes) {}

  /** Adds a block; evicts the oldest when there is no room. */
  void add(ExecutedBlock executed) {
    remove(executed.block().hash());
    Sized sized = new Sized(executed, executed.bytes());
    blocks.put(executed.block().hash(), sized);
    bytes += sized.bytes;
    for (Iterator<Sized> all = blocks.values().iterator();
        blocks.size() > MAX_BLOCKS || (bytes > limit && blocks.size() > 1); ) {
      bytes -= all.next().bytes;
      all.remove();
    }
  }

  @Nullable ExecutedBlock get(Hash hash) {
    Sized found = blocks.get(hash);
    return found == null ? null : found.executed;
  }

  /** Removes a block, whose writes may be added to then. */
  void remove(Hash hash) {
    Sized removed = blocks.remove(hash);
    if (removed != null) {
      bytes -= removed.bytes;
    }
  }

  void clear() {
    blocks.clear();
    bytes = 0;
  }
}
