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
  /** Where a transaction comes from. */
  enum Origin {
    /** A client of this node: the transaction survives a restart of the node. */
    LOCAL,
    /** A peer, or a block that is no longer canonical. */
    REMOTE
  }

  /**
   * Adds a transaction.
   *
   * @param sidecar its blobs; null when it has none
   * @throws dev.patchbay.api.storage.StorageUnavailableException when its sender cannot be looked
   *     up
   */
  AddResult add(Transaction transaction, @Nullable BlobSidecar sidecar, Origin origin);

  /** Adds a transaction of a client of this node. */
  default AddResult add(Transaction transaction, @Nullable BlobSidecar sidecar) {
    return add(transaction, sidecar, Origin.LOCAL);
  }

  /** Adds a transaction of a client of this node that has no blobs. */
  default AddResult add(Transaction transaction) {
    return add(transaction, null);
  }

  /**
   * Returns the sidecar of a blob transaction, or null when there is none. The pool retains the
   * sidecars of recently mined transactions for a while, because a reorg can return those
   * transactions to the pool.
   */
  @Nullable BlobSidecar sidecar(Hash transaction);

  /**
   * Returns the sidecar that holds a blob; null when there is none. They are kept as of {@link
   * #sidecar}.
   *
   * @param versionedHash the versioned hash of the blob (EIP-4844)
   */
  @Nullable BlobSidecar sidecarByVersionedHash(Hash versionedHash);

  /** Removes a transaction; returns whether it was there. */
  boolean remove(Hash hash);

  /** Drops all transactions and returns how many there were. */
  int clear();

  /** Returns a transaction of the pool, or null. */
  @Nullable Transaction get(Hash hash);

  /** Returns the transactions that can be executed now, by sender, in the order of nonces. */
  Map<Address, List<Transaction>> pending();

  /** Returns the queued transactions (nonce gap), by sender, in the order of nonces. */
  Map<Address, List<Transaction>> queued();

  /** Returns the transactions of one sender. */
  PoolContent content(Address sender);

  /** Returns how full the pool is. */
  PoolStatus status();

  /**
   * Returns the nonce after the last executable transaction of a sender; null when the pool has
   * none of it.
   */
  @Nullable Long nextNonce(Address sender);
}
