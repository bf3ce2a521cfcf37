// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Adds transactions of peers to the pool, one at a time, not in the threads of the peers. The queue
 * is bounded in transactions and bytes, in total and for each peer: what does not fit is dropped.
 *
 * <p>Threading: {@link #offer} any thread, {@link #step} one thread.
 */
final class TransactionImporter {
  /** Transactions that wait. */
  static final int MAX_QUEUED = 16_384;

  /** Transactions of one peer that wait; a message has at most 5,000. */
  static final int MAX_QUEUED_PER_PEER = 8_192;

  private final NodeServices services;
  private final TransactionHistory history;
  private final long maxBytes;

  private final Deque<Item> queue = new ArrayDeque<>();
  private final Map<TransactionSource, Integer> perPeer = new HashMap<>();
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
   * Queues a transaction.
   *
   * @param source the peer that has sent it
   * @param done called once, in the thread of {@link #step}; not at all when false is returned
   * @return false when the queue is full
   */
  synchronized boolean offer(
      TransactionSource source, BlobSidecar.Pooled pooled, Consumer<Outcome> done) {
    int size = PooledForm.size(pooled.transaction(), pooled.sidecar());
    int own = perPeer.getOrDefault(source, 0);
    if (queue.size() >= MAX_QUEUED || own >= MAX_QUEUED_PER_PEER || size > maxBytes - bytes) {
      return false;
    }
    queue.add(new Item(source, pooled, size, done));
    perPeer.put(source, own + 1);
    bytes += size;
    return true;
  }

  private synchronized @Nullable Item poll() {
    Item item = queue.poll();
    if (item != null) {
      bytes -= item.bytes();
      perPeer.computeIfPresent(item.source(), (source, count) -> count == 1 ? null : count - 1);
    }
    return item;
  }

  /** Adds the next transaction; a step of a {@link Loop}. */
  long step() {
    Item item = poll();
    if (item == null) {
      return Loop.UNTIL_WOKEN;
    }
    Outcome outcome = Outcome.SETTLED; // also when the pool fails: the transaction is dropped
    try {
      String fault = services.withPool(pool -> add(pool, item.pooled()));
      if (fault != null) {
        outcome = Outcome.INVALID;
        item.source()
            .end(
                new PeerBreachException(
                    DisconnectReason.PROTOCOL_BREACH,
                    "transaction " + item.pooled().transaction().hash() + ": " + fault));
      }
    } finally {
      item.done().accept(outcome);
    }
    return 0;
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
