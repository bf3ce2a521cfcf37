// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Transactions of one kind, those with blobs or those without, within limits. When a limit is
 * exceeded, the last transaction of the sender leaves whose transactions are worth least: senders
 * with a nonce gap first, then by {@link Score}, at equal scores the newest.
 *
 * <p>Threading: under the lock of the pool.
 */
final class SubPool {
  private static final Comparator<SenderQueue> WORST_FIRST =
      Comparator.comparing(SenderQueue::score)
          .thenComparing(queue -> queue.last().arrival(), Comparator.reverseOrder());

  private final Limits limits;
  private final Map<Address, SenderQueue> queues = new HashMap<>();

  /** The queues by hash of their senders' addresses, as change sets name accounts. */
  private final Map<Hash, SenderQueue> byAddressHash = new HashMap<>();

  /** All queues, those worth least first; null until a limit is exceeded under these fees. */
  private @Nullable NavigableSet<SenderQueue> order;

  private Fees fees = Fees.NONE;

  /** Whether there may be any number of transactions now. */
  private boolean suspended;

  private int count;
  private int pendingCount;
  private int blobs;
  private long bytes;

  /**
   * How much is held at most.
   *
   * @param transactions number of transactions
   * @param queued how many of them may wait for an earlier nonce
   * @param perSender number of transactions of one sender
   * @param blobs number of blobs
   * @param bytes heap, estimated, without blobs
   */
  record Limits(int transactions, int queued, int perSender, int blobs, long bytes) {}

  /**
   * What it took to add a transaction.
   *
   * @param replaced the transaction of the same nonce that is out; null for none
   * @param evicted the transactions that made room
   */
  record Added(@Nullable PooledTransaction replaced, List<PooledTransaction> evicted) {}

  SubPool(Limits limits) {
    this.limits = limits;
  }

  Limits limits() {
    return limits;
  }

  int count() {
    return count;
  }

  int pendingCount() {
    return pendingCount;
  }

  int blobs() {
    return blobs;
  }

  long bytes() {
    return bytes;
  }

  Collection<SenderQueue> queues() {
    return queues.values();
  }

  @Nullable SenderQueue queue(Address sender) {
    return queues.get(sender);
  }

  @Nullable SenderQueue queue(Hash addressHash) {
    return byAddressHash.get(addressHash);
  }

  /** Sets the fees that give the order. */
  void setFees(Fees next) {
    if (!next.equals(fees)) {
      fees = next;
      order = null;
    }
  }

  /**
   * Adds a transaction and evicts what is worth less where a limit is exceeded.
   *
   * @param nonce the nonce of the sender's account
   * @return null when the transaction itself is worth least; nothing is changed then
   */
  @Nullable Added add(PooledTransaction tx, long nonce, long nowMillis) {
    Added added = place(tx, nonce);
    if (added != null) {
      for (PooledTransaction victim : added.evicted()) {
        SenderQueue own = queues.get(victim.sender());
        if (own != null) {
          dropIfEmpty(own);
        }
      }
      required(tx).touch(nowMillis);
    }
    return added;
  }

  /**
   * Returns whether {@link #add} would add a transaction; nothing is changed.
   *
   * @param nonce the nonce of the sender's account
   */
  boolean hasRoomFor(PooledTransaction tx, long nonce) {
    Added added = place(tx, nonce);
    if (added == null) {
      return false;
    }
    SenderQueue queue = required(tx);
    take(queue, tx);
    restore(added, queue);
    return true;
  }

  /** Adds a transaction like {@link #add}; the queues that become empty are kept. */
  private @Nullable Added place(PooledTransaction tx, long nonce) {
    SenderQueue queue = queues.get(tx.sender());
    if (queue == null) {
      queue = new SenderQueue(tx.sender(), nonce);
      queues.put(tx.sender(), queue);
      byAddressHash.put(queue.addressHash(), queue);
    }
    Added added = new Added(put(queue, tx), new ArrayList<>());
    SenderQueue worst = overLimit(queue);
    while (worst != null) {
      PooledTransaction victim = worst.last();
      take(worst, victim);
      if (victim == tx) {
        restore(added, queue);
        return null;
      }
      added.evicted().add(victim);
      worst = overLimit(queue);
    }
    return added;
  }

  /**
   * Puts back what a transaction has displaced, which is out again.
   *
   * @param queue of its sender
   */
  private void restore(Added added, SenderQueue queue) {
    List<PooledTransaction> evicted = new ArrayList<>(added.evicted());
    Collections.reverse(evicted);
    evicted.forEach(this::putBack);
    if (added.replaced() != null) {
      putBack(added.replaced());
    }
    dropIfEmpty(queue);
  }

  private void putBack(PooledTransaction tx) {
    put(required(tx), tx); // empty queues are kept until the end
  }

  /** Removes a transaction of this pool. */
  void remove(PooledTransaction tx) {
    SenderQueue queue = required(tx);
    take(queue, tx);
    dropIfEmpty(queue);
  }

  /** Sets the nonce of a sender's account. */
  void setNonce(SenderQueue queue, long nonce) {
    change(queue, () -> queue.setNonce(nonce));
  }

  /** Drops the order: many changes follow, and keeping it up costs more than a new one. */
  void dropOrder() {
    order = null;
  }

  /**
   * Lets there be any number of transactions, of which any number waits for an earlier nonce, until
   * {@link #resume}. The limits of bytes, blobs and of a sender hold.
   */
  void suspend() {
    suspended = true;
  }

  boolean isSuspended() {
    return suspended;
  }

  /** Keeps to all limits again; returns the transactions that were evicted for that. */
  List<PooledTransaction> resume() {
    suspended = false;
    List<PooledTransaction> evicted = new ArrayList<>();
    while (isOverLimit()) {
      SenderQueue worst = order().first();
      PooledTransaction victim = worst.last();
      take(worst, victim);
      dropIfEmpty(worst);
      evicted.add(victim);
    }
    return evicted;
  }

  void clear() {
    queues.clear();
    byAddressHash.clear();
    order = null;
    count = 0;
    pendingCount = 0;
    blobs = 0;
    bytes = 0;
  }

  /** Returns the sender that must give up a transaction; null while all limits hold. */
  private @Nullable SenderQueue overLimit(SenderQueue added) {
    if (added.size() > limits.perSender()) {
      return added;
    }
    return isOverLimit() ? order().first() : null;
  }

  /** Returns whether a limit is exceeded that is not of one sender. */
  private boolean isOverLimit() {
    boolean isOverNumber = count > limits.transactions() || count - pendingCount > limits.queued();
    return (isOverNumber && !suspended) || blobs > limits.blobs() || bytes > limits.bytes();
  }

  private NavigableSet<SenderQueue> order() {
    NavigableSet<SenderQueue> current = order;
    if (current == null) {
      current = new TreeSet<>(WORST_FIRST);
      for (SenderQueue queue : queues.values()) {
        queue.rate(fees);
        current.add(queue);
      }
      order = current;
    }
    return current;
  }

  private @Nullable PooledTransaction put(SenderQueue queue, PooledTransaction tx) {
    PooledTransaction replaced = queue.get(tx.nonce());
    change(queue, () -> queue.put(tx));
    measure(tx, 1);
    if (replaced != null) {
      measure(replaced, -1);
    }
    return replaced;
  }

  private void take(SenderQueue queue, PooledTransaction tx) {
    change(queue, () -> queue.remove(tx));
    measure(tx, -1);
  }

  private void measure(PooledTransaction tx, int sign) {
    count += sign;
    blobs += sign * tx.blobs();
    bytes += (long) sign * tx.bytes();
  }

  /** Changes a queue, which must be out of the order meanwhile. */
  private void change(SenderQueue queue, Runnable change) {
    NavigableSet<SenderQueue> current = order;
    if (current != null && !queue.isEmpty()) {
      current.remove(queue);
    }
    pendingCount -= queue.pendingCount();
    change.run();
    pendingCount += queue.pendingCount();
    if (current != null && !queue.isEmpty()) {
      queue.rate(fees);
      current.add(queue);
    }
  }

  private SenderQueue required(PooledTransaction tx) {
    SenderQueue queue = queues.get(tx.sender());
    if (queue == null) {
      throw new IllegalStateException("no transaction of " + tx.sender() + " is in the pool");
    }
    return queue;
  }

  private void dropIfEmpty(SenderQueue queue) {
    if (queue.isEmpty()) {
      queues.remove(queue.sender());
      byAddressHash.remove(queue.addressHash());
    }
  }
}
