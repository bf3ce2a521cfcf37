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
 * peers leave processors to imports and RPC. The states may be missing while their bundle is
 * replaced. Threading: any thread; the work runs in the thread of the caller.
 */
final class ServingTurns {
  private final Slot<RecentStates> states;
  private final Semaphore turns;
  private final long maxWaitNanos;

  /**
   * Creates turns.
   *
   * @param concurrent how many requests are worked on at a time
   * @param maxWaitNanos how long a request waits for its turn
   */
  ServingTurns(Slot<RecentStates> states, int concurrent, long maxWaitNanos) {
    this.states = states;
    this.turns = new Semaphore(concurrent, true);
    this.maxWaitNanos = maxWaitNanos;
  }

  /**
   * Works with the states.
   *
   * @return null when the work returns null, when other requests take too long, or when the states
   *     are missing or cannot be read now
   */
  <R> @Nullable R take(Function<RecentStates, @Nullable R> work) {
    try {
      if (!turns.tryAcquire(maxWaitNanos, TimeUnit.NANOSECONDS)) {
        return null;
      }
    } catch (InterruptedException interrupted) { // the network stops
      Thread.currentThread().interrupt();
      return null;
    }
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
