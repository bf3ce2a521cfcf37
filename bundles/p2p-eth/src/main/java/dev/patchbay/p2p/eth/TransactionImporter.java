// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Adds transactions of peers to the pool, one at a time, not in the threads of the peers. The queue
 * is bounded in transactions and bytes, in total and for each peer: what does not fit is dropped.
 * The peers take turns, so that one which sends many delays the others by one transaction each
 * time.
 *
 * <p>Threading: {@link #offer} any thread, {@link #step} one thread.
 */
final class TransactionImporter {
  /** Transactions that wait. */
  static final int MAX_QUEUED = 16_384;

  /** A peer may fill one of so many parts of the queue, in transactions and in bytes. */
  private static final int PEER_PARTS = 8;

  /** Transactions of one peer that wait. */
  static final int MAX_QUEUED_PER_PEER = MAX_QUEUED / PEER_PARTS;

  private static final long RETRY_MILLIS = 100;

  private final NodeServices services;
  private final TransactionHistory history;
  private final long maxBytes;

  /** Queues that are not empty; the first one is next. */
  private final Map<TransactionSource, PeerQueue> queues = new LinkedHashMap<>();

  private int count;
  private long bytes;

  /** What became of a transaction. */
  enum Outcome {
    /** It is in the pool, or is not wanted there. */
    SETTLED,
    /** The peer has sent what no honest peer sends; another peer may send the right one. */
    INVALID
  }

  private record Item(
      TransactionSource source, BlobSidecar.Pooled pooled, int bytes, Consumer<Outcome> done) {}

  private static final class PeerQueue {
    private final Deque<Item> items = new ArrayDeque<>();
    private long bytes;
  }

  /**
   * Creates an empty queue.
   *
   * @param maxBytes most bytes of the transactions that wait, as peers encode them
   */
  TransactionImporter(NodeServices services, TransactionHistory history, long maxBytes) {
    this.services = services;
    this.history = history;
    this.maxBytes = maxBytes;
  }

  /**
   * Queues a transaction. The first one of a peer may have more bytes than the part of a peer.
   *
   * @param source the peer that has sent it
   * @param done called once, in the thread of {@link #step}; not at all when false is returned
   * @return false when the queue is full
   */
  synchronized boolean offer(
      TransactionSource source, BlobSidecar.Pooled pooled, Consumer<Outcome> done) {
    int size = PooledForm.size(pooled.transaction(), pooled.sidecar());
    PeerQueue own = queues.get(source);
    boolean isOwnFull =
        own != null
            && (own.items.size() >= MAX_QUEUED_PER_PEER
                || size > maxBytes / PEER_PARTS - own.bytes);
    if (isOwnFull || count >= MAX_QUEUED || size > maxBytes - bytes) {
      return false;
    }
    if (own == null) {
      own = new PeerQueue();
      queues.put(source, own);
    }
    own.items.add(new Item(source, pooled, size, done));
    own.bytes += size;
    count++;
    bytes += size;
    return true;
  }

  private synchronized @Nullable Item poll() {
    if (queues.isEmpty()) {
      return null;
    }
    TransactionSource source = queues.keySet().iterator().next();
    PeerQueue own = queues.remove(source);
    Item item = own.items.remove();
    own.bytes -= item.bytes();
    count--;
    bytes -= item.bytes();
    if (!own.items.isEmpty()) {
      queues.put(source, own); // at the end: the other peers are next
    }
    return item;
  }

  /** Puts back what {@link #poll} has returned, to be the next one of its peer. */
  private synchronized void putBack(Item item) {
    PeerQueue own = queues.computeIfAbsent(item.source(), source -> new PeerQueue());
    own.items.addFirst(item);
    own.bytes += item.bytes();
    count++;
    bytes += item.bytes();
  }

  /**
   * Adds the next transaction; a step of a {@link Loop}. While the pool is replaced, or what it
   * needs, the transactions wait: no peer would send them again.
   */
  long step() {
    Item item = poll();
    if (item == null) {
      return Loop.UNTIL_WOKEN;
    }
    String fault = null; // also when the pool fails: the transaction is dropped
    boolean isDone = true;
    try {
      fault = services.withPresentPool(pool -> add(pool, item.pooled()));
    } catch (NotBoundException | StorageUnavailableException | NotReadyException replaced) {
      isDone = false;
      putBack(item);
    } finally {
      if (isDone) {
        settle(item, fault);
      }
    }
    return isDone ? 0 : RETRY_MILLIS;
  }

  /**
   * Reports what became of a transaction.
   *
   * @param fault why no honest peer sends it; null when there is no such reason
   */
  private static void settle(Item item, @Nullable String fault) {
    try {
      if (fault != null) {
        item.source()
            .end(
                new PeerBreachException(
                    DisconnectReason.PROTOCOL_BREACH,
                    "transaction " + item.pooled().transaction().hash() + ": " + fault));
      }
    } finally {
      item.done().accept(fault == null ? Outcome.SETTLED : Outcome.INVALID);
    }
  }

  /** Adds a transaction; returns why no honest peer sends it, or null. */
  private @Nullable String add(TransactionPool pool, BlobSidecar.Pooled pooled) {
    Transaction tx = pooled.transaction();
    if (pool.get(tx.hash()) != null) {
      return null;
    }
    if (tx.sender() == null) {
      return "invalid signature";
    }
    history.received(tx.hash());
    AddResult result = pool.add(tx, pooled.sidecar(), Origin.REMOTE);
    if (result instanceof AddResult.Rejected rejected) {
      if (rejected.reason() == Reason.INVALID_BLOBS) {
        return "invalid blobs";
      }
      // the hash does not cover the sidecar: another peer may have the one that is valid
      boolean isOfSidecar = pooled.sidecar() != null && rejected.reason() == Reason.INVALID;
      if (rejected.reason() != Reason.ALREADY_KNOWN && !isOfSidecar) {
        history.rejected(tx.hash());
      }
    }
    return null;
  }
}
