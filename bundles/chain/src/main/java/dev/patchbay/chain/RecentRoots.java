// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The state roots of the latest canonical blocks. It keeps those of the latest head, and reads the
 * headers of new blocks alone. Threading: any thread.
 */
final class RecentRoots {
  private final int maxBlocks;
  private volatile View latest = new View(Map.of());

  /** A block and the root of the state after it. */
  record Entry(long number, Hash block, Hash parent, Hash root) {}

  /**
   * The latest blocks of one head.
   *
   * @param blocks the blocks by hash, the head first
   */
  record View(Map<Hash, Entry> blocks) {
    /** Returns a block; null when it is not one of these. */
    @Nullable Entry byHash(Hash block) {
      return blocks.get(block);
    }

    /** Returns the latest block with a state root; null when none has it. */
    @Nullable Entry byRoot(Hash root) {
      for (Entry entry : blocks.values()) {
        if (entry.root.equals(root)) {
          return entry;
        }
      }
      return null;
    }
  }

  /** Creates roots of at most {@code maxBlocks} blocks. */
  RecentRoots(int maxBlocks) {
    this.maxBlocks = maxBlocks;
  }

  /** Returns the latest blocks of a head. */
  View of(KeyReader reader, Hash head) {
    View before = latest;
    Map<Hash, Entry> blocks = new LinkedHashMap<>();
    Hash hash = head;
    while (blocks.size() < maxBlocks) {
      Entry known = before.byHash(hash);
      Entry entry = known == null ? read(reader, hash) : known;
      if (entry == null) {
        break;
      }
      blocks.put(hash, entry);
      if (entry.number == 0) {
        break;
      }
      hash = entry.parent;
    }
    View view = new View(blocks);
    latest = view;
    return view;
  }

  private static @Nullable Entry read(KeyReader reader, Hash hash) {
    BlockHeader header = ChainStore.header(reader, hash);
    return header == null
        ? null
        : new Entry(header.number(), hash, header.parentHash(), header.stateRoot());
  }
}
