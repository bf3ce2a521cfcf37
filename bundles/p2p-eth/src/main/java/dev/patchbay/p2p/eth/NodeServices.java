// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.Lease;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.binding.Slot;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The chain, the pool and the sync of the node, each of which may be missing while its bundle is
 * replaced. Threading: any thread; the work runs in the thread of the caller.
 *
 * @param chain holds the chain
 * @param pool holds the transaction pool
 * @param sync holds the progress of the download of the chain
 */
record NodeServices(Slot<ChainReader> chain, Slot<TransactionPool> pool, Slot<SyncStatus> sync) {
  /** Creates services that are not bound. */
  NodeServices() {
    this(new Slot<>("chain"), new Slot<>("transaction pool"), new Slot<>("sync"));
  }

  /**
   * Works with the chain.
   *
   * @return null when the work returns null, or there is no chain, or its store cannot be read
   */
  <R> @Nullable R withChain(Function<ChainReader, @Nullable R> work) {
    return with(chain, work);
  }

  /**
   * Works with the chain.
   *
   * @param unavailable the result while there is no chain, or its store cannot be read
   */
  <R> R withChain(Function<ChainReader, @Nullable R> work, R unavailable) {
    R result = with(chain, work);
    return result == null ? unavailable : result;
  }

  /**
   * Works with the pool.
   *
   * @return null when the work returns null, or there is no pool, or the state cannot be read
   */
  <R> @Nullable R withPool(Function<TransactionPool, @Nullable R> work) {
    return with(pool, work);
  }

  /**
   * Works with the pool.
   *
   * @param unavailable the result while there is no pool, or the state cannot be read
   */
  <R> R withPool(Function<TransactionPool, @Nullable R> work, R unavailable) {
    R result = with(pool, work);
    return result == null ? unavailable : result;
  }

  /**
   * Works with the pool, and does not hide that it is absent.
   *
   * @throws NotBoundException while there is no pool
   * @throws StorageUnavailableException while the store of the chain is absent
   * @throws NotReadyException while the rules or the EVM of the chain are absent
   */
  <R> @Nullable R withPresentPool(Function<TransactionPool, @Nullable R> work) {
    try (Lease<TransactionPool> lease = pool.lease()) {
      return work.apply(lease.get());
    } catch (StorageException unreadable) {
      return null; // the chain reports its health itself
    }
  }

  /** Returns whether the chain is downloaded from peers now. */
  boolean isBehind() {
    return with(sync, SyncStatus::progress) != null;
  }

  private static <T, R> @Nullable R with(Slot<T> slot, Function<T, @Nullable R> work) {
    try (Lease<T> lease = slot.lease()) {
      return work.apply(lease.get());
    } catch (NotBoundException
        | StorageUnavailableException
        | StorageException
        | NotReadyException missing) {
      return null; // no fault of a peer; the chain reports its health itself
    }
  }
}
