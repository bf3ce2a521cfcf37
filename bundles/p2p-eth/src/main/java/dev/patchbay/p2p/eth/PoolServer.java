// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pool for peers: replies to requests for transactions, and describes transactions for
 * announcements. Threading: any thread.
 */
final class PoolServer {
  private final NodeServices services;

  PoolServer(NodeServices services) {
    this.services = services;
  }

  /**
   * Returns the transactions that a peer asks for, in its order, without those that are not in the
   * pool, up to 2 MiB. Empty while the pool is missing.
   *
   * @param served called with the hash of each transaction in the reply
   */
  PooledTransactions transactions(GetPooledTransactions request, Consumer<Hash> served) {
    int version = sidecarVersion();
    return new PooledTransactions(
        request.requestId(),
        services.withPool(pool -> read(pool, request.hashes(), version, served), List.of()));
  }

  private static List<Bytes> read(
      TransactionPool pool, List<Hash> hashes, int version, Consumer<Hash> served) {
    ReplyItems items = new ReplyItems();
    for (Hash hash : hashes) {
      if (items.isFull()) {
        break;
      }
      BlobSidecar.Pooled pooled = pooled(pool, pool.get(hash), version);
      if (pooled != null && items.add(PooledForm.encode(pooled))) {
        served.accept(hash);
      }
    }
    return items.toList();
  }

  /** Returns a transaction of the pool as peers get it; null when it cannot be served. */
  private static BlobSidecar.@Nullable Pooled pooled(
      TransactionPool pool, @Nullable Transaction tx, int version) {
    if (tx == null || tx.deposit() != null) {
      return null;
    }
    if (tx.type() != TransactionType.BLOB) {
      return new BlobSidecar.Pooled(tx, null);
    }
    BlobSidecar sidecar = pool.sidecar(tx.hash());
    return sidecar == null || sidecar.version() != version
        ? null
        : new BlobSidecar.Pooled(tx, sidecar);
  }

  /** Returns the version of sidecars in the block after the head (EIP-7594). */
  private int sidecarVersion() {
    return services.withChain(
        chain -> {
          Block head = chain.head();
          Fork fork = chain.config().forkAt(head.number() + 1, head.header().timestamp());
          return fork.includes(Fork.OSAKA) ? 1 : 0;
        },
        0);
  }

  /** Returns what announces a transaction; null when peers could not get it. */
  NewPooledTransactionHashes.@Nullable Announced describe(Transaction tx) {
    if (tx.deposit() != null) {
      return null;
    }
    BlobSidecar sidecar = null;
    if (tx.type() == TransactionType.BLOB) {
      sidecar = services.withPool(pool -> pool.sidecar(tx.hash()));
      if (sidecar == null) {
        return null;
      }
    }
    return new NewPooledTransactionHashes.Announced(
        tx.hash(), tx.type().code(), PooledForm.size(tx, sidecar));
  }

  /** Returns a transaction of the pool; null when it is not there. */
  @Nullable Transaction get(Hash hash) {
    return services.withPool(pool -> pool.get(hash));
  }

  /** Returns the executable transactions, at most so many. */
  List<Transaction> pending(int max) {
    return services.withPool(
        pool -> pool.pending().values().stream().flatMap(List::stream).limit(max).toList(),
        List.of());
  }
}
