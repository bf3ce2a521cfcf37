// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Transactions that wait for a block. Threading: any thread. */
@ProviderType
public interface TransactionPool {
  /**
   * Takes a transaction.
   *
   * @param sidecar its blobs; null when it has none
   * @throws dev.patchbay.api.storage.StorageUnavailableException when its sender cannot be looked
   *     up
   */
  AddResult add(Transaction transaction, @Nullable BlobSidecar sidecar);

  /** Takes a transaction that has no blobs. */
  default AddResult add(Transaction transaction) {
    return add(transaction, null);
  }

  /**
   * Returns the sidecar of a blob transaction; null when there is none. Those of transactions that
   * were mined lately are kept for a while: a reorg may reinject their transactions.
   */
  @Nullable BlobSidecar sidecar(Hash transaction);

  /**
   * Returns the sidecar that holds a blob; null when there is none. They are kept as of {@link
   * #sidecar}.
   *
   * @param versionedHash the versioned hash of the blob (EIP-4844)
   */
  @Nullable BlobSidecar sidecarWithBlob(Hash versionedHash);

  /** Drops all transactions and returns how many there were. */
  int clear();

  /** Returns a transaction of the pool, or null. */
  @Nullable Transaction get(Hash hash);

  /** Returns the transactions that can be executed now, by sender, in the order of nonces. */
  Map<Address, List<Transaction>> pending();

  /** Returns the transactions that wait for an earlier nonce, by sender, in the order of nonces. */
  Map<Address, List<Transaction>> queued();

  /**
   * Returns the nonce after the last executable transaction of a sender; null when the pool has
   * none of it.
   */
  @Nullable Long nextNonce(Address sender);
}
