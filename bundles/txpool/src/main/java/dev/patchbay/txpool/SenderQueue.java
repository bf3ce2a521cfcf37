// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The transactions of one sender by nonce. Those from the nonce of the account on, without a gap,
 * are pending: they can be executed. The others are queued.
 *
 * <p>Threading: under the lock of the pool.
 */
final class SenderQueue {
  private final Address sender;
  private final Hash addressHash;
  private final NavigableMap<Long, PooledTransaction> byNonce =
      new TreeMap<>(Long::compareUnsigned);

  /** The nonce of the account at the head. */
  private long nonce;

  /** The first nonce from {@link #nonce} on that is absent. */
  private long next;

  private BigInteger cost = BigInteger.ZERO;

  /** The sender to which the transactions were last brought; null before. */
  private PoolValidator.@Nullable Sender reconciledWith;

  /** When the sender last added a transaction, in milliseconds since the Unix epoch. */
  private long touchedMillis;

  /**
   * The worst score of the pending transactions, set by {@link SubPool} while it needs an order.
   */
  private Score score = Score.HIGHEST;

  SenderQueue(Address sender, long nonce) {
    this.sender = sender;
    this.addressHash = sender.keccak();
    this.nonce = nonce;
    this.next = nonce;
  }

  Address sender() {
    return sender;
  }

  Hash addressHash() {
    return addressHash;
  }

  long nextNonce() {
    return next;
  }

  /** Returns the sum of the most that each transaction can cost, in wei. */
  BigInteger cost() {
    return cost;
  }

  Score score() {
    return score;
  }

  long touchedMillis() {
    return touchedMillis;
  }

  void touch(long millis) {
    touchedMillis = millis;
  }

  int size() {
    return byNonce.size();
  }

  boolean isEmpty() {
    return byNonce.isEmpty();
  }

  /** Returns the number of pending transactions. */
  int pendingCount() {
    return (int) (next - nonce);
  }

  int queuedCount() {
    return size() - pendingCount();
  }

  @Nullable PooledTransaction get(long ofNonce) {
    return byNonce.get(ofNonce);
  }

  /** Returns the transaction with the highest nonce; there must be one. */
  PooledTransaction last() {
    return byNonce.lastEntry().getValue();
  }

  Collection<PooledTransaction> all() {
    return byNonce.values();
  }

  /** Returns the pending transactions from a nonce on. */
  List<Transaction> pendingFrom(long first) {
    long from = Long.compareUnsigned(first, nonce) < 0 ? nonce : first;
    return Long.compareUnsigned(from, next) >= 0
        ? List.of()
        : transactions(byNonce.subMap(from, next).values());
  }

  List<Transaction> pending() {
    return pendingFrom(nonce);
  }

  List<Transaction> queued() {
    List<Transaction> out = new ArrayList<>(queuedCount());
    out.addAll(transactions(byNonce.headMap(nonce, false).values()));
    out.addAll(transactions(byNonce.tailMap(next, true).values()));
    return out;
  }

  private static List<Transaction> transactions(Collection<PooledTransaction> from) {
    return from.stream().map(PooledTransaction::transaction).toList();
  }

  /** Puts a transaction in; the one with the same nonce is out. */
  void put(PooledTransaction tx) {
    PooledTransaction replaced = byNonce.put(tx.nonce(), tx);
    cost = cost.add(tx.cost());
    if (replaced != null) {
      cost = cost.subtract(replaced.cost());
    }
    advance();
  }

  void remove(PooledTransaction tx) {
    byNonce.remove(tx.nonce());
    cost = cost.subtract(tx.cost());
    if (Long.compareUnsigned(tx.nonce(), nonce) >= 0
        && Long.compareUnsigned(tx.nonce(), next) < 0) {
      next = tx.nonce();
    }
  }

  /** Returns whether all transactions are valid for a sender: it is as it was when they were. */
  boolean isReconciledWith(PoolValidator.Sender current) {
    PoolValidator.Sender before = reconciledWith;
    return before != null
        && before.account().equals(current.account())
        && before.delegated() == current.delegated();
  }

  /** Notes that all transactions are valid for a sender. */
  void reconciled(PoolValidator.Sender current) {
    reconciledWith = current;
  }

  /** Sets the nonce of the account. */
  void setNonce(long ofAccount) {
    nonce = ofAccount;
    next = ofAccount;
    advance();
  }

  private void advance() {
    while (byNonce.containsKey(next)) {
      next++;
    }
  }

  /** Computes the score again. */
  void rate(Fees fees) {
    Score worst = queuedCount() > 0 ? new Score(Score.QUEUED, Long.MAX_VALUE) : Score.HIGHEST;
    for (PooledTransaction tx : byNonce.values()) {
      Score own = tx.score(fees);
      worst = worst.min(worst.rank() == Score.QUEUED ? new Score(Score.QUEUED, own.tip()) : own);
    }
    score = worst;
  }
}
