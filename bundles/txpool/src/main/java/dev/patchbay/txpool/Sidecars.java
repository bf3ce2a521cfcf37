// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sidecars of blob transactions: of those in the pool, and of some that have left it, because a
 * reorg may bring them back without their blobs.
 *
 * <p>Threading: under the lock of the pool.
 */
final class Sidecars {
  private final Map<Hash, Stored> byTransaction = new LinkedHashMap<>();

  /**
   * The transactions whose sidecars have a blob, by versioned hash of the blob, the latest last:
   * its proofs are of the version that is in force.
   */
  private final Map<Hash, List<Hash>> owners = new HashMap<>();

  private final int maxBlobs;
  private int blobs;

  private record Stored(BlobSidecar sidecar, List<Hash> versionedHashes) {}

  /**
   * Creates an empty collection.
   *
   * @param maxBlobs above how many blobs those of transactions that have left the pool are dropped
   */
  Sidecars(int maxBlobs) {
    this.maxBlobs = maxBlobs;
  }

  @Nullable BlobSidecar get(Hash transaction) {
    Stored stored = byTransaction.get(transaction);
    return stored == null ? null : stored.sidecar();
  }

  @Nullable BlobSidecar byVersionedHash(Hash versionedHash) {
    List<Hash> transactions = owners.get(versionedHash);
    return transactions == null ? null : get(transactions.get(transactions.size() - 1));
  }

  /**
   * Stores a sidecar.
   *
   * @param isPooled whether a transaction is in the pool
   */
  void store(Transaction tx, BlobSidecar sidecar, Predicate<Hash> isPooled) {
    Stored stored = new Stored(sidecar, tx.blobVersionedHashes());
    if (byTransaction.put(tx.hash(), stored) == null) {
      blobs += sidecar.blobs().size();
    }
    for (Hash hash : Set.copyOf(stored.versionedHashes())) { // a blob may be there twice
      List<Hash> transactions = owners.computeIfAbsent(hash, key -> new ArrayList<>());
      transactions.remove(tx.hash());
      transactions.add(tx.hash());
    }
    for (Iterator<Map.Entry<Hash, Stored>> all = byTransaction.entrySet().iterator();
        all.hasNext() && blobs > maxBlobs; ) {
      Map.Entry<Hash, Stored> oldest = all.next();
      if (!isPooled.test(oldest.getKey())) {
        all.remove();
        release(oldest.getKey(), oldest.getValue());
      }
    }
  }

  private void release(Hash transaction, Stored stored) {
    blobs -= stored.sidecar().blobs().size();
    for (Hash hash : stored.versionedHashes()) {
      List<Hash> transactions = owners.get(hash);
      if (transactions != null) {
        transactions.remove(transaction);
        if (transactions.isEmpty()) {
          owners.remove(hash);
        }
      }
    }
  }

  void clear() {
    byTransaction.clear();
    owners.clear();
    blobs = 0;
  }
}
