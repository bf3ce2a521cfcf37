// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads headers, blocks, receipts and indexes, through a cache of decoded blocks. Each method
 * returns null when the store does not have the entry.
 *
 * <p>Threading: any thread.
 */
final class BlockStore {
  private static final long CACHE_BYTES = 32L << 20;

  private final ChainHead head;
  private final HistoryPruner pruner;
  private final BlockCache cache = new BlockCache(CACHE_BYTES);

  BlockStore(ChainHead head, HistoryPruner pruner) {
    this.head = head;
    this.pruner = pruner;
  }

  @Nullable BlockHeader header(Hash hash) {
    return head.read(reader -> ChainStore.header(reader, hash));
  }

  @Nullable Block block(Hash hash) {
    Block current = head.cached();
    if (current != null && current.hash().equals(hash) && head.storage().isBound()) {
      return current;
    }
    head.storage().requireBound();
    Block found = cache.block(hash, () -> head.read(reader -> ChainStore.block(reader, hash)));
    requireNotPruned(hash, found);
    return found;
  }

  @Nullable List<Receipt> receipts(Hash blockHash) {
    head.storage().requireBound();
    List<Receipt> found =
        cache.receipts(
            blockHash, () -> head.read(reader -> ChainStore.receipts(reader, blockHash)));
    requireNotPruned(blockHash, cache.cached(blockHash));
    return found;
  }

  /**
   * Checks that a block is not pruned, after its body or receipts were looked for: the cache may
   * still have them, or the store may have lost them in the meantime.
   *
   * @param known the block when it is in memory
   * @throws PrunedException when it is
   */
  private void requireNotPruned(Hash hash, @Nullable Block known) {
    long oldest = pruner.oldest().body();
    if (oldest == 1) {
      return; // nothing has been pruned
    }
    BlockHeader header = known == null ? header(hash) : known.header();
    if (header != null
        && header.number() > 0
        && header.number() < oldest
        && hash.equals(canonicalHash(header.number()))) {
      throw new PrunedException(header.number(), oldest);
    }
  }

  @Nullable Hash canonicalHash(long number) {
    return head.read(reader -> ChainStore.canonical(reader, number));
  }

  @Nullable TransactionLocation transaction(Hash hash) {
    return head.read(reader -> ChainStore.transaction(reader, hash));
  }

  @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return head.read(reader -> ChainStore.totalDifficulty(reader, blockHash));
  }

  /** Returns the hash under a key of {@link Columns#META} when it is of a canonical block. */
  @Nullable Hash canonicalTag(byte[] key) {
    return head.read(
        reader -> {
          byte[] stored = reader.get(Columns.META, key);
          Hash hash = stored == null ? null : Hash.of(stored);
          return hash == null || ChainStore.canonicalNumber(reader, hash) == null ? null : hash;
        });
  }

  /** Adds a block that became canonical to the cache. */
  void cacheBlock(Block block, List<Receipt> receipts) {
    cache.add(block, receipts);
  }

  /** Clears the cache: another store may hold another chain. */
  void clearCache() {
    cache.clear();
  }
}
