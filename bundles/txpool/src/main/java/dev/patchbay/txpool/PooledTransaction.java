// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.math.BigInteger;
import java.util.List;
import java.util.Objects;

/**
 * A transaction with what the pool computes once for it.
 *
 * @param sender who signed it
 * @param arrival position in the order in which transactions were added
 * @param cost the most that it can cost its sender, in wei
 * @param authorities the accounts that signed its authorizations (EIP-7702)
 * @param bytes heap that it occupies, estimated, without blobs
 */
record PooledTransaction(
    Transaction transaction,
    Address sender,
    Origin origin,
    long arrival,
    BigInteger cost,
    List<Address> authorities,
    int bytes) {
  private static final int OBJECT_BYTES = 1_500;
  private static final int AUTHORIZATION_BYTES = 400;
  private static final int ACCESS_BYTES = 120;

  static PooledTransaction of(
      Transaction tx, Address sender, Origin origin, long arrival, BigInteger cost) {
    List<Address> authorities =
        tx.authorizations().stream()
            .map(Authorization::authority)
            .filter(Objects::nonNull)
            .distinct()
            .toList();
    return new PooledTransaction(tx, sender, origin, arrival, cost, authorities, heapBytes(tx));
  }

  private static int heapBytes(Transaction tx) {
    int entries = tx.accessList().size();
    for (AccessListEntry entry : tx.accessList()) {
      entries += entry.storageKeys().size();
    }
    return OBJECT_BYTES
        + tx.encodedSize() // the encoding is kept
        + tx.data().size()
        + ACCESS_BYTES * entries
        + AUTHORIZATION_BYTES * tx.authorizations().size();
  }

  Hash hash() {
    return transaction.hash();
  }

  long nonce() {
    return transaction.nonce();
  }

  int blobs() {
    return transaction.blobVersionedHashes().size();
  }
}
