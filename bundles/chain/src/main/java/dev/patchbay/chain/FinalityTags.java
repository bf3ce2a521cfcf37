// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Hash;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The safe and the finalized block that a consensus client names with a head.
 *
 * @param safe zero leaves the safe block as it is
 * @param finalized zero leaves the finalized block as it is
 */
record FinalityTags(Hash safe, Hash finalized) {
  /** Returns which of the two is not in the chain of the head; null when both are. */
  @Nullable String findOutside(Predicate<Hash> isInChain) {
    if (!safe.equals(Hash.ZERO) && !isInChain.test(safe)) {
      return "the safe block " + safe + " is not in the chain of the head";
    }
    if (!finalized.equals(Hash.ZERO) && !isInChain.test(finalized)) {
      return "the finalized block " + finalized + " is not in the chain of the head";
    }
    return null;
  }

  /** Returns whether a block is in the chain after a reorg. */
  static boolean isInChain(KeyReader store, Reorg reorg, Hash hash) {
    Long number = ChainStore.canonicalNumber(store, hash);
    return number != null && number <= reorg.commonAncestor() || reorg.added().contains(hash);
  }

  /** Returns whether a reorg removes one of the two. */
  boolean areRemoved(KeyReader store, Reorg reorg) {
    return findOutside(
            hash ->
                ChainStore.canonicalNumber(store, hash) == null || isInChain(store, reorg, hash))
        != null;
  }

  /** Adds what differs from the stored tags to writes. */
  void putInto(KeyReader store, WriteSet writes) {
    put(store, writes, Keys.SAFE, safe);
    put(store, writes, Keys.FINALIZED, finalized);
  }

  private static void put(KeyReader store, WriteSet writes, byte[] key, Hash hash) {
    byte[] before = store.get(Columns.META, key);
    if (!hash.equals(Hash.ZERO) && (before == null || !hash.equals(Hash.of(before)))) {
      writes.put(Columns.META, key, hash.toArray());
    }
  }
}
