// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.p2p.eth.NewPooledTransactionHashes.Announced;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Passes new transactions of the pool on to peers: in full to some, by their hashes to the others
 * (devp2p, "Ethereum Wire Protocol", "Transaction Exchange"). A new peer gets the hashes of the
 * pool. Transactions that came from no peer are announced again every few minutes, in case that the
 * network has lost them.
 *
 * <p>Threading: {@link #transactionPending}, {@link #broadcast} and {@link #connected} any thread;
 * {@link #step} one thread.
 */
final class TransactionGossip implements PoolListener {
  /** Milliseconds between two announcements of local transactions. */
  static final long AGAIN_MILLIS = 300_000;

  private static final int MAX_QUEUED = 8_192;

  private final PeerSet peers;
  private final PoolServer pool;
  private final TransactionHistory history;
  private final PeerSelection selection;
  private final LongSupplier millis;
  private final Runnable wake;
  private final LocalTransactions local = new LocalTransactions();
  private final Deque<Transaction> queue = new ArrayDeque<>();
  private final List<EthPeer> newPeers = new ArrayList<>();
  private long announcedMillis;

  /**
   * Creates one.
   *
   * @param millis monotonic time in milliseconds
   * @param wake called when {@link #step} has something to do
   */
  TransactionGossip(
      PeerSet peers,
      PoolServer pool,
      TransactionHistory history,
      SipHash keyed,
      LongSupplier millis,
      Runnable wake) {
    this.peers = peers;
    this.pool = pool;
    this.history = history;
    this.millis = millis;
    this.wake = wake;
    selection = new PeerSelection(keyed);
    announcedMillis = millis.getAsLong();
  }

  @Override
  public void transactionPending(Transaction transaction) {
    if (transaction.deposit() != null) {
      return; // it comes from L1, not from peers
    }
    if (!history.isReceived(transaction.hash())) {
      local.add(transaction.hash());
    }
    broadcast(List.of(transaction));
  }

  /** Passes transactions on soon. */
  void broadcast(List<Transaction> transactions) {
    if (peers.isEmpty()) {
      return; // a new peer gets the content of the pool
    }
    synchronized (queue) {
      for (Transaction transaction : transactions) {
        if (queue.size() == MAX_QUEUED) {
          queue.poll();
        }
        queue.add(transaction);
      }
    }
    wake.run();
  }

  /** Announces the pool to a peer soon. */
  void connected(EthPeer peer) {
    synchronized (queue) {
      newPeers.add(peer);
    }
    wake.run();
  }

  /** Sends what is due. */
  void step() {
    List<EthPeer> all = peers.list();
    greet(take(newPeers));
    for (Transaction transaction : take(queue)) {
      pass(transaction, all);
    }
    announceAgain(all);
    all.forEach(peer -> peer.outbox().flush());
  }

  private <T> List<T> take(Collection<T> from) {
    synchronized (queue) {
      List<T> taken = List.copyOf(from);
      from.clear();
      return taken;
    }
  }

  private void greet(List<EthPeer> fresh) {
    if (fresh.isEmpty()) {
      return;
    }
    List<Announced> content =
        pool.pending(EthLimits.MAX_HASHES).stream()
            .map(pool::describe)
            .filter(Objects::nonNull)
            .toList();
    for (EthPeer peer : fresh) {
      content.forEach(peer.outbox()::announce);
    }
  }

  private void pass(Transaction transaction, List<EthPeer> all) {
    boolean isBroadcast =
        transaction.type() != TransactionType.BLOB
            && transaction.encodedSize() <= EthLimits.MAX_BROADCAST_BYTES;
    Address sender = transaction.sender();
    Set<EthPeer> direct = isBroadcast && sender != null ? selection.direct(all, sender) : Set.of();
    Announced announced = all.size() == direct.size() ? null : pool.describe(transaction);
    for (EthPeer peer : all) {
      if (direct.contains(peer)) {
        peer.outbox().add(transaction);
      } else if (announced != null) {
        peer.outbox().announce(announced);
      }
    }
  }

  private void announceAgain(List<EthPeer> all) {
    long now = millis.getAsLong();
    if (now - announcedMillis < AGAIN_MILLIS) {
      return;
    }
    announcedMillis = now;
    for (Hash hash : local.list()) {
      Transaction transaction = pool.get(hash);
      Announced announced = transaction == null ? null : pool.describe(transaction);
      if (announced == null) {
        local.remove(hash);
      } else {
        all.forEach(peer -> peer.outbox().announceAgain(announced));
      }
    }
  }
}
