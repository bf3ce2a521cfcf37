// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.TransactionLocation;
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
  private final BlockCache cache = new BlockCache(CACHE_BYTES);

  BlockStore(ChainHead head) {
    this.head = head;
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
    return cache.block(hash, () -> head.read(reader -> ChainStore.block(reader, hash)));
  }

  @Nullable List<Receipt> receipts(Hash blockHash) {
    head.storage().requireBound();
    return cache.receipts(
        blockHash, () -> head.read(reader -> ChainStore.receipts(reader, blockHash)));
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
