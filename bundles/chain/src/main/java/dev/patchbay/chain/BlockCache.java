// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Blocks and receipts that were read or written lately, decoded and with their senders: to recover
 * those takes most of the time that a block takes to be told. The key is the hash of the block, so
 * that nothing in here can be wrong.
 *
 * <p>Threading: any thread.
 */
final class BlockCache {
  private static final int OBJECT_BYTES = 200;

  private final Cache<Hash, Block> blocks;
  private final Cache<Hash, List<Receipt>> receipts;

  /** Creates an empty cache of about so many bytes each for blocks and for receipts. */
  BlockCache(long bytes) {
    blocks =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumWeight(bytes)
            .weigher((Hash hash, Block block) -> weight(block))
            .build();
    receipts =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumWeight(bytes)
            .weigher((Hash hash, List<Receipt> list) -> weight(list))
            .build();
  }

  private static int weight(Block block) {
    int sum = 1_000;
    for (Transaction transaction : block.transactions()) {
      sum += 2 * transaction.encodedSize() + 5 * OBJECT_BYTES;
    }
    return sum;
  }

  private static int weight(List<Receipt> list) {
    int sum = 100;
    for (Receipt receipt : list) {
      sum += 2 * OBJECT_BYTES;
      for (Log log : receipt.logs()) {
        sum += log.data().size() + 32 * log.topics().size() + OBJECT_BYTES;
      }
    }
    return sum;
  }

  /** Forgets everything: another store may hold another chain. */
  void clear() {
    blocks.invalidateAll();
    receipts.invalidateAll();
  }

  void add(Block block, List<Receipt> own) {
    blocks.put(block.hash(), block);
    receipts.put(block.hash(), own);
  }

  /** Returns a block when it is in the cache; null otherwise. */
  @Nullable Block cached(Hash hash) {
    return blocks.getIfPresent(hash);
  }

  /** Returns a block, and keeps it when it has to be read and is there. */
  @Nullable Block block(Hash hash, Supplier<@Nullable Block> reader) {
    Block found = blocks.getIfPresent(hash);
    if (found == null) {
      found = reader.get();
      if (found != null) {
        blocks.put(hash, found);
      }
    }
    return found;
  }

  /** Returns the receipts of a block, and keeps them when they have to be read and are there. */
  @Nullable List<Receipt> receipts(Hash hash, Supplier<@Nullable List<Receipt>> reader) {
    List<Receipt> found = receipts.getIfPresent(hash);
    if (found == null) {
      found = reader.get();
      if (found != null) {
        receipts.put(hash, List.copyOf(found));
      }
    }
    return found;
  }
}
