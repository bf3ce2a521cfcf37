// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcError;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Lets few expensive calls run at a time; some wait, the rest is refused. */
final class Gate {
  private final Semaphore running;
  private final int most;
  private final int waiting;

  /**
   * Makes a gate.
   *
   * @param most calls that run at a time
   * @param waiting calls that may wait
   */
  Gate(int most, int waiting) {
    this.running = new Semaphore(most, true);
    this.most = most;
    this.waiting = waiting;
  }

  /**
   * Waits until a call may run; {@link #leave} ends it.
   *
   * @throws RpcError when too many wait already, or its turn does not come in time
   */
  void enter(long nanos) throws RpcError {
    if (running.tryAcquire()) {
      return;
    }
    if (running.getQueueLength() >= waiting) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "too many expensive calls: " + most + " run and " + waiting + " wait; try again");
    }
    try {
      if (!running.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
        throw new RpcError(
            RpcError.Kind.TIMEOUT, "the call has waited too long for others; try again");
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new RpcError(RpcError.Kind.TIMEOUT, "the node is stopping");
    }
  }

  void leave() {
    running.release();
  }
}
