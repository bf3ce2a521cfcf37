// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.PoolContent;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The transactions of the pool. Those with blobs and those without have limits of their own, and a
 * sender has only one kind at a time.
 *
 * <p>Threading: any thread. No method waits for input or output.
 */
final class PooledTransactions {
  private static final BigInteger HUNDRED = BigInteger.valueOf(100);
  private static final int MAX_RECENTLY_LOCAL = 10_000;

  /** Evicted transactions of clients are kept in this part of the bytes of the pool. */
  private static final int EVICTED_LOCAL_DIVISOR = 10;

  /** What a transaction can be replaced in. */
  private record Slot(Address sender, long nonce) {
    static Slot of(PooledTransaction tx) {
      return new Slot(tx.sender(), tx.nonce());
    }
  }

  private final PoolSettings settings;
  private final SubPool plain;
  private final SubPool blobs;
  private final Sidecars sidecars;
  private final Map<Hash, PooledTransaction> byHash = new HashMap<>();

  /** How many transactions of the pool have an authorization of an account (EIP-7702). */
  private final Map<Address, Integer> authorities = new HashMap<>();

  /** The transactions of the pool that clients of this node have sent. */
  private final Set<Hash> local = new HashSet<>();

  /** Transactions of clients that have left: a reorg may bring them back. */
  private final Set<Hash> recentlyLocal = new LinkedHashSet<>();

  /**
   * Transactions of clients, without blobs, that were evicted, the latest last. All that the pool
   * needs to add such a transaction again was evicted later, or has stayed. Those that were tried
   * and found no room come first.
   */
  private Map<Slot, PooledTransaction> evictedLocal = new LinkedHashMap<>();

  private long evictedLocalBytes;

  /** The transactions that became executable since they were last asked for. */
  private List<Transaction> executable = new ArrayList<>();

  /** The hashes of the transactions that have left since they were last asked for. */
  private Set<Hash> left = new HashSet<>();

  private final boolean tracksLeft;

  /**
   * Creates an empty pool.
   *
   * @param tracksLeft whether {@link #drainLeft} is called
   */
  PooledTransactions(PoolSettings settings, boolean tracksLeft) {
    this.settings = settings;
    this.tracksLeft = tracksLeft;
    plain = new SubPool(settings.limits());
    blobs = new SubPool(settings.blobLimits());
    sidecars = new Sidecars(settings.leftBlobs());
  }

  // ---- additions

  /**
   * Adds a transaction.
   *
   * @param sender its sender at the head
   * @param sidecar its blobs; null when it has none
   * @param isLocal whether a client of this node has sent it
   * @param isCurrent whether the sender was read at the present head
   * @return whether it was added; false when the head has moved, and nothing was done
   * @throws RejectedException when it may not be in the pool, or is worth less than what is there
   */
  synchronized boolean add(
      PooledTransaction tx,
      PoolValidator.Sender sender,
      @Nullable BlobSidecar sidecar,
      boolean isLocal,
      Fees fees,
      long nowMillis,
      BooleanSupplier isCurrent)
      throws RejectedException {
    if (!isCurrent.getAsBoolean()) {
      return false;
    }
    SubPool pool = prepare(tx, sender, fees);
    long nonce = sender.account().nonce();
    boolean waits = waits(tx, nonce);
    SubPool.Added added = pool.add(tx, nonce, nowMillis);
    if (added == null) {
      throw notWorth(tx, nonce);
    }
    if (added.replaced() != null) {
      forget(added.replaced());
    }
    added.evicted().forEach(this::evict);
    dropEvictedLocal(Slot.of(tx)); // also one that the client has replaced meanwhile
    byHash.put(tx.hash(), tx);
    left.remove(tx.hash());
    if (recentlyLocal.remove(tx.hash()) || isLocal) {
      local.add(tx.hash());
    }
    tx.authorities().forEach(authority -> authorities.merge(authority, 1, Integer::sum));
    if (sidecar != null) {
      sidecars.store(tx.transaction(), sidecar);
    }
    SenderQueue queue = pool.queue(tx.sender());
    if (added.replaced() != null && !waits) {
      executable.add(tx.transaction());
    } else if (queue != null && !waits) {
      executable.addAll(queue.pendingFrom(tx.nonce()));
    }
    return true;
  }

  /**
   * Checks whether a transaction would be added; nothing is added.
   *
   * @param sender its sender at the head
   * @param isCurrent whether the sender was read at the present head
   * @return whether it was checked; false when the head has moved
   * @throws RejectedException when it would not be added
   */
  synchronized boolean check(
      PooledTransaction tx, PoolValidator.Sender sender, Fees fees, BooleanSupplier isCurrent)
      throws RejectedException {
    if (!isCurrent.getAsBoolean()) {
      return false;
    }
    long nonce = sender.account().nonce();
    if (!prepare(tx, sender, fees).hasRoomFor(tx, nonce)) {
      throw notWorth(tx, nonce);
    }
    return true;
  }

  /** Brings the sender and the order to the head, and checks a transaction against the others. */
  private SubPool prepare(PooledTransaction tx, PoolValidator.Sender sender, Fees fees)
      throws RejectedException {
    SubPool pool = poolOf(tx);
    SenderQueue known = pool.queue(tx.sender());
    // the head may have moved, and the pool not have been notified yet
    if (known != null && !known.isReconciledWith(sender)) {
      reconcile(pool, known, sender);
    }
    validateWithState(tx, sender);
    pool.setFees(fees);
    return pool;
  }

  /** Returns whether a transaction, which is not in the pool, waits for an earlier nonce. */
  private boolean waits(PooledTransaction tx, long nonce) {
    SenderQueue queue = poolOf(tx).queue(tx.sender());
    return Long.compareUnsigned(tx.nonce(), queue == null ? nonce : queue.nextNonce()) > 0;
  }

  /** Returns the transactions that became executable since the last call, in order. */
  synchronized List<Transaction> drainExecutable() {
    List<Transaction> out = executable;
    executable = new ArrayList<>();
    return out;
  }

  /** Notes that a client has sent a transaction too; returns whether that is news. */
  synchronized boolean makeLocal(Hash hash) {
    return byHash.containsKey(hash) && local.add(hash);
  }

  /** Returns whether a client of this node has sent a transaction of the pool. */
  synchronized boolean isLocal(Hash hash) {
    return local.contains(hash);
  }

  private NoRoomException notWorth(PooledTransaction tx, long nonce) {
    SenderQueue queue = poolOf(tx).queue(tx.sender());
    if (queue != null
        && queue.get(tx.nonce()) == null
        && queue.size() >= poolOf(tx).limits().perSender()) {
      return new NoRoomException(
          Reason.POOL_FULL, "txpool is full: pooled " + queue.size() + " txs of this account");
    }
    return waits(tx, nonce)
        ? new NoRoomException(
            Reason.POOL_FULL, "txpool is full: future transaction tries to replace pending")
        : new NoRoomException(Reason.UNDERPRICED, "transaction underpriced");
  }

  /**
   * Checks a transaction against the state and against the other transactions of the pool.
   *
   * @param sender its sender at the head
   */
  private void validateWithState(PooledTransaction tx, PoolValidator.Sender sender)
      throws RejectedException {
    if (byHash.containsKey(tx.hash())) {
      throw new RejectedException(Reason.ALREADY_KNOWN, "already known");
    }
    Account account = sender.account();
    if (Long.compareUnsigned(tx.nonce(), account.nonce()) < 0) {
      throw new RejectedException(
          Reason.NONCE_TOO_LOW,
          "nonce too low: next nonce "
              + Long.toUnsignedString(account.nonce())
              + ", tx nonce "
              + Long.toUnsignedString(tx.nonce()));
    }
    if (sender.isContract()) {
      throw invalid(
          "sender not an eoa: address "
              + tx.sender().toChecksumString()
              + ", codehash: "
              + account.codeHash());
    }
    if (otherPool(tx).queue(tx.sender()) != null) {
      throw invalid("address already reserved");
    }
    SenderQueue queue = poolOf(tx).queue(tx.sender());
    long next = queue == null ? account.nonce() : queue.nextNonce();
    if (isBlob(tx) && Long.compareUnsigned(tx.nonce(), next) > 0) {
      throw invalid(
          "nonce too high: tx nonce "
              + Long.toUnsignedString(tx.nonce())
              + ", gapped nonce "
              + Long.toUnsignedString(next));
    }
    PooledTransaction old = queue == null ? null : queue.get(tx.nonce());
    checkDelegation(tx, sender, queue, old, next);
    checkFunds(tx, account.balance().toBigInteger(), queue, old);
    if (old != null) {
      checkPrice(tx.transaction(), old.transaction());
    }
  }

  /**
   * Checks that accounts with delegated code have one transaction in flight: anyone can empty such
   * an account, which makes all its transactions invalid at once (EIP-7702, security).
   */
  private void checkDelegation(
      PooledTransaction tx,
      PoolValidator.Sender sender,
      @Nullable SenderQueue queue,
      @Nullable PooledTransaction old,
      long next)
      throws RejectedException {
    boolean delegates = sender.delegated() || authorities.containsKey(tx.sender());
    boolean replaces = old != null && Long.compareUnsigned(tx.nonce(), next) < 0;
    if (delegates && !replaces) {
      if (queue != null && !queue.isEmpty()) {
        throw invalid("in-flight transaction limit reached for delegated accounts");
      }
      if (tx.nonce() != next) {
        throw invalid("gapped-nonce tx from delegated accounts");
      }
    }
    for (Address authority : tx.authorities()) {
      SenderQueue own = plain.queue(authority);
      if ((own != null && own.size() > 1) || blobs.queue(authority) != null) {
        throw invalid("authority already reserved");
      }
    }
  }

  private static void checkFunds(
      PooledTransaction tx,
      BigInteger balance,
      @Nullable SenderQueue queue,
      @Nullable PooledTransaction old)
      throws RejectedException {
    BigInteger queued = queue == null ? BigInteger.ZERO : queue.cost();
    BigInteger more = old == null ? tx.cost() : tx.cost().subtract(old.cost());
    BigInteger overshot = queued.add(more).max(tx.cost()).subtract(balance);
    if (overshot.signum() > 0) {
      String parts =
          queued.signum() == 0
              ? ", tx cost " + tx.cost()
              : ", queued cost " + queued + (old == null ? ", tx cost " : ", tx bumped ") + more;
      throw new RejectedException(
          Reason.INSUFFICIENT_FUNDS,
          "insufficient funds for gas * price + value: balance "
              + balance
              + parts
              + ", overshot "
              + overshot);
    }
  }

  /** Checks that a replacement raises all fees enough. */
  private void checkPrice(Transaction tx, Transaction old) throws RejectedException {
    boolean blob = tx.type() == TransactionType.BLOB;
    int percent = blob ? settings.blobPriceBump() : settings.priceBump();
    boolean dearer =
        meetsPriceBump(tx.maxFeePerGas(), old.maxFeePerGas(), percent)
            && meetsPriceBump(tx.maxPriorityFeePerGas(), old.maxPriorityFeePerGas(), percent)
            && (!blob || meetsPriceBump(tx.maxFeePerBlobGas(), old.maxFeePerBlobGas(), percent));
    if (!dearer) {
      throw new RejectedException(Reason.UNDERPRICED, "replacement transaction underpriced");
    }
  }

  private static boolean meetsPriceBump(UInt256 fee, UInt256 old, int percent) {
    BigInteger least =
        old.toBigInteger().multiply(BigInteger.valueOf(100L + percent)).divide(HUNDRED);
    return fee.compareTo(old) > 0 && fee.toBigInteger().compareTo(least) >= 0;
  }

  // ---- a new head

  /**
   * Returns the senders whose accounts have changed.
   *
   * @param changed hashes of the addresses of changed accounts; null for all senders
   */
  synchronized List<Address> senders(@Nullable Collection<Hash> changed) {
    if (changed == null) {
      return queues().map(SenderQueue::sender).toList();
    }
    List<Address> out = new ArrayList<>();
    for (Hash hash : changed) {
      SenderQueue queue = plain.queue(hash);
      queue = queue == null ? blobs.queue(hash) : queue;
      if (queue != null) {
        out.add(queue.sender());
      }
    }
    return out;
  }

  /**
   * Brings senders to a new head: what was mined, can no longer be paid for, or comes from an
   * account that has code by now, leaves the pool.
   *
   * @param accounts senders at the head
   */
  synchronized void reconcile(Map<Address, PoolValidator.Sender> accounts) {
    plain.dropOrder();
    blobs.dropOrder();
    accounts.forEach(
        (address, sender) -> {
          for (SubPool pool : List.of(plain, blobs)) {
            SenderQueue queue = pool.queue(address);
            if (queue != null) {
              reconcile(pool, queue, sender);
            }
          }
        });
  }

  /**
   * Lets there be any number of transactions without blobs until {@link #resumeLimits}, and none
   * expire: what a reorg has removed from the chain closes the nonce gaps that it has opened.
   */
  synchronized void suspendLimits() {
    plain.suspend();
  }

  /** Keeps to the limits again; what is worth least is evicted. */
  synchronized void resumeLimits() {
    plain.resume().forEach(this::evict);
  }

  /** Returns the transaction of each sender that has the lowest nonce. */
  synchronized List<PooledTransaction> firstOfSenders() {
    return queues().map(queue -> queue.all().iterator().next()).toList();
  }

  private void reconcile(SubPool pool, SenderQueue queue, PoolValidator.Sender sender) {
    long nonce = sender.account().nonce();
    BigInteger rest = sender.account().balance().toBigInteger();
    long before = queue.nextNonce();
    for (PooledTransaction tx : List.copyOf(queue.all())) {
      boolean mined = Long.compareUnsigned(tx.nonce(), nonce) < 0;
      rest = mined ? rest : rest.subtract(tx.cost());
      if (mined || rest.signum() < 0 || sender.isContract()) {
        remove(tx);
      }
    }
    if (!queue.isEmpty()) {
      pool.setNonce(queue, nonce);
      executable.addAll(queue.pendingFrom(before));
      queue.reconciled(sender);
    }
  }

  /** Removes the transactions that are no longer valid whatever the state is. */
  synchronized void removeIf(Predicate<PooledTransaction> isInvalid) {
    removeAll(byHash.values().stream().filter(isInvalid).toList());
  }

  /**
   * Removes the queued transactions of senders that have added nothing for long, unless the limits
   * are suspended.
   *
   * @return false when they are
   */
  synchronized boolean expire(long nowMillis) {
    if (plain.isSuspended()) {
      return false;
    }
    List<PooledTransaction> expired =
        queues()
            .filter(queue -> queue.queuedCount() > 0)
            .filter(queue -> nowMillis - queue.touchedMillis() > settings.queuedMillis())
            .flatMap(queue -> queue.queued().stream())
            .map(tx -> byHash.get(tx.hash()))
            .toList();
    removeAll(expired);
    return true;
  }

  /**
   * Removes the blob transactions of all senders that are behind a nonce gap. While they are in the
   * pool, it admits no transaction without blobs of these senders.
   */
  synchronized void removeGappedBlobs() {
    List.copyOf(blobs.queues()).forEach(this::removeQueued);
  }

  /** Removes the blob transactions of a sender that are behind a nonce gap. */
  synchronized void removeGappedBlobs(Address sender) {
    SenderQueue queue = blobs.queue(sender);
    if (queue != null) {
      removeQueued(queue);
    }
  }

  private void removeQueued(SenderQueue queue) {
    queue.queued().forEach(tx -> remove(tx.hash()));
  }

  private void removeAll(List<PooledTransaction> removed) {
    if (!removed.isEmpty()) {
      plain.dropOrder();
      blobs.dropOrder();
      removed.forEach(this::remove);
    }
  }

  synchronized boolean remove(Hash hash) {
    dropEvictedLocal(hash);
    PooledTransaction tx = byHash.get(hash);
    if (tx != null) {
      remove(tx);
    }
    return tx != null;
  }

  /** Keeps an evicted transaction of a client no longer. */
  synchronized void dropEvictedLocal(Hash hash) {
    evictedLocal.values().stream()
        .filter(tx -> tx.hash().equals(hash))
        .findFirst()
        .ifPresent(tx -> dropEvictedLocal(Slot.of(tx)));
  }

  private void remove(PooledTransaction tx) {
    poolOf(tx).remove(tx);
    forget(tx);
  }

  private void evict(PooledTransaction tx) {
    boolean isLocal = local.contains(tx.hash());
    forget(tx);
    if (isLocal && !isBlob(tx)) {
      dropEvictedLocal(Slot.of(tx));
      evictedLocal.put(Slot.of(tx), tx);
      evictedLocalBytes += tx.bytes();
      while (evictedLocalBytes > settings.limits().bytes() / EVICTED_LOCAL_DIVISOR) {
        dropEvictedLocal(evictedLocal.keySet().iterator().next());
      }
    }
  }

  private void dropEvictedLocal(Slot slot) {
    PooledTransaction dropped = evictedLocal.remove(slot);
    if (dropped != null) {
      evictedLocalBytes -= dropped.bytes();
    }
  }

  /**
   * Returns the transactions of clients that were evicted and for which there is room now, the
   * latest first. Those that are still evicted at the next call are returned after the others then.
   *
   * @param max number of transactions
   */
  synchronized List<Transaction> evictedLocal(int max) {
    List<PooledTransaction> latestFirst = new ArrayList<>(evictedLocal.values());
    Collections.reverse(latestFirst);
    int room = Math.min(max, plain.limits().transactions() - plain.count());
    long bytes = plain.limits().bytes() - plain.bytes();
    List<PooledTransaction> out = new ArrayList<>();
    for (PooledTransaction tx : latestFirst) {
      bytes -= tx.bytes();
      if (out.size() >= room || bytes < 0) {
        break;
      }
      out.add(tx);
    }
    moveToFront(out);
    return out.stream().map(PooledTransaction::transaction).toList();
  }

  /** Moves evicted transactions before all others, the first of them last. */
  private void moveToFront(List<PooledTransaction> moved) {
    if (moved.isEmpty()) {
      return;
    }
    Map<Slot, PooledTransaction> next = new LinkedHashMap<>();
    for (int i = moved.size() - 1; i >= 0; i--) {
      next.put(Slot.of(moved.get(i)), moved.get(i));
    }
    evictedLocal.forEach(next::putIfAbsent);
    evictedLocal = next;
  }

  private void forget(PooledTransaction tx) {
    byHash.remove(tx.hash());
    sidecars.transactionLeft(tx.hash());
    noteLeft(tx.hash());
    for (Address authority : tx.authorities()) {
      authorities.computeIfPresent(authority, (a, count) -> count == 1 ? null : count - 1);
    }
  }

  private void noteLeft(Hash hash) {
    if (tracksLeft) {
      left.add(hash);
    }
    if (local.remove(hash)) {
      recentlyLocal.add(hash);
      if (recentlyLocal.size() > MAX_RECENTLY_LOCAL) {
        recentlyLocal.remove(recentlyLocal.iterator().next());
      }
    }
  }

  /** Returns the hashes of the transactions that have left the pool since the last call. */
  synchronized Set<Hash> drainLeft() {
    Set<Hash> out = left;
    left = new HashSet<>();
    return out;
  }

  synchronized int clear() {
    int count = byHash.size();
    byHash.keySet().forEach(this::noteLeft);
    recentlyLocal.clear();
    evictedLocal.clear();
    evictedLocalBytes = 0;
    byHash.clear();
    authorities.clear();
    plain.clear();
    blobs.clear();
    sidecars.clear();
    return count;
  }

  // ---- queries

  synchronized boolean isEmpty() {
    return byHash.isEmpty();
  }

  synchronized @Nullable Transaction get(Hash hash) {
    PooledTransaction tx = byHash.get(hash);
    return tx == null ? null : tx.transaction();
  }

  synchronized @Nullable BlobSidecar sidecar(Hash hash) {
    return sidecars.get(hash);
  }

  synchronized @Nullable BlobSidecar sidecarByVersionedHash(Hash versionedHash) {
    return sidecars.byVersionedHash(versionedHash);
  }

  synchronized Map<Address, List<Transaction>> pending() {
    return bySender(SenderQueue::pending);
  }

  synchronized Map<Address, List<Transaction>> queued() {
    return bySender(SenderQueue::queued);
  }

  private Map<Address, List<Transaction>> bySender(Function<SenderQueue, List<Transaction>> part) {
    Map<Address, List<Transaction>> out = new HashMap<>();
    queues()
        .forEach(
            queue -> {
              List<Transaction> own = part.apply(queue);
              if (!own.isEmpty()) {
                out.put(queue.sender(), own);
              }
            });
    return out;
  }

  synchronized PoolContent content(Address sender) {
    SenderQueue queue = queue(sender);
    return queue == null ? PoolContent.EMPTY : new PoolContent(queue.pending(), queue.queued());
  }

  synchronized PoolStatus status() {
    int pending = plain.pendingCount() + blobs.pendingCount();
    return new PoolStatus(
        pending,
        byHash.size() - pending,
        settings.limits().transactions(),
        blobs.blobs(),
        settings.blobLimits().blobs(),
        plain.bytes() + blobs.bytes(),
        settings.limits().bytes(),
        settings.minTip());
  }

  synchronized @Nullable Long nextNonce(Address sender) {
    SenderQueue queue = queue(sender);
    return queue == null ? null : (Long) queue.nextNonce();
  }

  /**
   * Returns transactions with their sidecars, those of a sender in the order of nonces.
   *
   * @param all whether also those that no client of this node has sent
   */
  synchronized List<PoolJournal.Entry> entries(boolean all) {
    return queues()
        .flatMap(queue -> queue.all().stream())
        .filter(tx -> all || local.contains(tx.hash()))
        .map(
            tx ->
                new PoolJournal.Entry(
                    new BlobSidecar.Pooled(tx.transaction(), sidecars.get(tx.hash())),
                    local.contains(tx.hash()) ? Origin.LOCAL : Origin.REMOTE))
        .toList();
  }

  private Stream<SenderQueue> queues() {
    return Stream.concat(plain.queues().stream(), blobs.queues().stream());
  }

  private @Nullable SenderQueue queue(Address sender) {
    SenderQueue queue = plain.queue(sender);
    return queue == null ? blobs.queue(sender) : queue;
  }

  private static boolean isBlob(PooledTransaction tx) {
    return tx.transaction().type() == TransactionType.BLOB;
  }

  private SubPool poolOf(PooledTransaction tx) {
    return isBlob(tx) ? blobs : plain;
  }

  private SubPool otherPool(PooledTransaction tx) {
    return isBlob(tx) ? plain : blobs;
  }

  private static RejectedException invalid(String message) {
    return new RejectedException(Reason.INVALID, message);
  }
}
