// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The sidecars of blob transactions: of those in the pool, and of some that have left it, because a
 * reorg may bring them back without their blobs.
 *
 * <p>Threading: under the lock of the pool.
 */
final class Sidecars {
  private final Map<Hash, Stored> byTransaction = new HashMap<>();

  /** Those of transactions that have left the pool, the latest last. */
  private final Map<Hash, Stored> left = new LinkedHashMap<>();

  /**
   * The transactions whose sidecars have a blob, by versioned hash of the blob, the latest last:
   * its proofs are of the version that is in force.
   */
  private final Map<Hash, List<Hash>> owners = new HashMap<>();

  private final int maxLeftBlobs;
  private int leftBlobs;

  private record Stored(BlobSidecar sidecar, List<Hash> versionedHashes) {}

  /**
   * Creates an empty collection.
   *
   * @param maxLeftBlobs number of blobs of transactions that have left the pool
   */
  Sidecars(int maxLeftBlobs) {
    this.maxLeftBlobs = maxLeftBlobs;
  }

  @Nullable BlobSidecar get(Hash transaction) {
    Stored stored = byTransaction.get(transaction);
    return stored == null ? null : stored.sidecar();
  }

  @Nullable BlobSidecar byVersionedHash(Hash versionedHash) {
    List<Hash> transactions = owners.get(versionedHash);
    return transactions == null ? null : get(transactions.get(transactions.size() - 1));
  }

  /** Stores the sidecar of a transaction that is in the pool. */
  void store(Transaction tx, BlobSidecar sidecar) {
    Stored stored = new Stored(sidecar, tx.blobVersionedHashes());
    byTransaction.put(tx.hash(), stored);
    if (left.remove(tx.hash()) != null) {
      leftBlobs -= stored.versionedHashes().size();
    }
    for (Hash hash : Set.copyOf(stored.versionedHashes())) { // a blob may be there twice
      List<Hash> transactions = owners.computeIfAbsent(hash, key -> new ArrayList<>());
      transactions.remove(tx.hash());
      transactions.add(tx.hash());
    }
  }

  /** Notes that a transaction has left the pool; the sidecars of older ones may be dropped. */
  void transactionLeft(Hash transaction) {
    Stored stored = byTransaction.get(transaction);
    if (stored == null || left.put(transaction, stored) != null) {
      return;
    }
    leftBlobs += stored.versionedHashes().size();
    while (leftBlobs > maxLeftBlobs) {
      Map.Entry<Hash, Stored> oldest = left.entrySet().iterator().next();
      drop(oldest.getKey(), oldest.getValue());
    }
  }

  private void drop(Hash transaction, Stored stored) {
    left.remove(transaction);
    byTransaction.remove(transaction);
    leftBlobs -= stored.versionedHashes().size();
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
    left.clear();
    owners.clear();
    leftBlobs = 0;
  }
}
