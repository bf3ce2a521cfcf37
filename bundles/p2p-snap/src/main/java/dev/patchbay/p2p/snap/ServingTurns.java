// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Lease;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.binding.Slot;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets few requests of all peers be worked on at a time, in the order in which they came, so that
 * peers leave processors to imports and RPC. A request waits in a thread that other peers need:
 * only few may wait, and the others are not served. The states may be missing while their bundle is
 * replaced. Threading: any thread; the work runs in the thread of the caller.
 */
final class ServingTurns {
  private final Slot<RecentStates> states;

  /** One for each request that is worked on or waits for its turn. */
  private final Semaphore places;

  private final Semaphore turns;
  private final long maxWaitNanos;

  /**
   * Creates turns.
   *
   * @param concurrent how many requests are worked on at a time
   * @param maxWaiting how many more requests may wait for their turn
   * @param maxWaitNanos how long a request waits for its turn
   */
  ServingTurns(Slot<RecentStates> states, int concurrent, int maxWaiting, long maxWaitNanos) {
    this.states = states;
    this.places = new Semaphore(concurrent + maxWaiting);
    this.turns = new Semaphore(concurrent, true);
    this.maxWaitNanos = maxWaitNanos;
  }

  /**
   * Works with the states.
   *
   * @return null when the work returns null, when enough other requests wait or they take too long,
   *     or when the states are missing or cannot be read now
   */
  <R> @Nullable R take(Function<RecentStates, @Nullable R> work) {
    if (!places.tryAcquire()) {
      return null;
    }
    try {
      return awaitTurn() ? takeNow(work) : null;
    } finally {
      places.release();
    }
  }

  private boolean awaitTurn() {
    try {
      return turns.tryAcquire(maxWaitNanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException interrupted) { // the network stops
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private <R> @Nullable R takeNow(Function<RecentStates, @Nullable R> work) {
    try (Lease<RecentStates> lease = states.lease()) {
      return work.apply(lease.get());
    } catch (NotBoundException
        | StorageUnavailableException
        | StorageException
        | NotReadyException missing) {
      return null; // no fault of a peer; the chain reports its health itself
    } finally {
      turns.release();
    }
  }
}
