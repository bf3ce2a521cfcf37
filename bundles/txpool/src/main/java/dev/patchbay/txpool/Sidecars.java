// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sidecars of blob transactions: of those in the pool, and of some that have left it, because a
 * reorg may bring them back without their blobs.
 *
 * <p>Threading: under the lock of the pool.
 */
final class Sidecars {
  private final Map<Hash, BlobSidecar> byTransaction = new LinkedHashMap<>();

  /** The transaction whose sidecar has a blob, by versioned hash of the blob. */
  private final Map<Hash, Hash> owners = new HashMap<>();

  private final int maxBlobs;
  private int blobs;

  /**
   * Creates an empty collection.
   *
   * @param maxBlobs above how many blobs those of transactions that have left the pool are dropped
   */
  Sidecars(int maxBlobs) {
    this.maxBlobs = maxBlobs;
  }

  @Nullable BlobSidecar get(Hash transaction) {
    return byTransaction.get(transaction);
  }

  @Nullable BlobSidecar byVersionedHash(Hash versionedHash) {
    Hash owner = owners.get(versionedHash);
    return owner == null ? null : byTransaction.get(owner);
  }

  /**
   * Stores a sidecar.
   *
   * @param isPooled whether a transaction is in the pool
   */
  void store(Transaction tx, BlobSidecar sidecar, Predicate<Hash> isPooled) {
    if (byTransaction.put(tx.hash(), sidecar) == null) {
      blobs += sidecar.blobs().size();
    }
    tx.blobVersionedHashes().forEach(blob -> owners.put(blob, tx.hash()));
    for (Iterator<Map.Entry<Hash, BlobSidecar>> all = byTransaction.entrySet().iterator();
        all.hasNext() && blobs > maxBlobs; ) {
      Map.Entry<Hash, BlobSidecar> oldest = all.next();
      if (!isPooled.test(oldest.getKey())) {
        blobs -= oldest.getValue().blobs().size();
        all.remove();
        owners.values().removeIf(oldest.getKey()::equals);
      }
    }
  }

  void clear() {
    byTransaction.clear();
    owners.clear();
    blobs = 0;
  }
}
