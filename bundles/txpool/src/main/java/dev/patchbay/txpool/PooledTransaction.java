// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.math.BigInteger;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A transaction with what the pool computes once for it.
 *
 * <p>Threading: immutable, but for {@link #score}, which is used under the lock of the pool.
 */
final class PooledTransaction {
  private static final int OBJECT_BYTES = 1_500;
  private static final int AUTHORIZATION_BYTES = 400;
  private static final int ACCESS_BYTES = 120;

  private final Transaction transaction;
  private final Address sender;
  private final long arrival;
  private final BigInteger cost;
  private final List<Address> authorities;
  private final int bytes;
  private @Nullable Fees scoredAt;
  private Score score = Score.HIGHEST;

  /**
   * Creates one.
   *
   * @param sender who signed it
   * @param arrival position in the order in which transactions were added
   * @param cost the most that it can cost its sender, in wei
   * @param authorities of {@link #authorities(Transaction)}
   */
  PooledTransaction(
      Transaction transaction,
      Address sender,
      long arrival,
      BigInteger cost,
      List<Address> authorities) {
    this.transaction = transaction;
    this.sender = sender;
    this.arrival = arrival;
    this.cost = cost;
    this.authorities = authorities;
    this.bytes = heapBytes(transaction);
  }

  /**
   * Returns the accounts that signed the authorizations of a transaction (EIP-7702). Each signature
   * takes as long as that of a transaction.
   */
  static List<Address> authorities(Transaction tx) {
    return tx.authorizations().stream()
        .map(Authorization::authority)
        .filter(Objects::nonNull)
        .distinct()
        .toList();
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

  Transaction transaction() {
    return transaction;
  }

  Address sender() {
    return sender;
  }

  long arrival() {
    return arrival;
  }

  BigInteger cost() {
    return cost;
  }

  List<Address> authorities() {
    return authorities;
  }

  /** Returns the heap that it occupies, estimated, without blobs. */
  int bytes() {
    return bytes;
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

  /** Returns its score as if all earlier nonces were present. */
  Score score(Fees fees) {
    if (fees != scoredAt) { // by identity: there is one instance for each head
      score = fees.score(transaction);
      scoredAt = fees;
    }
    return score;
  }
}
