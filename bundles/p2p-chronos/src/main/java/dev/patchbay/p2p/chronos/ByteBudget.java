// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes that all connections together may hold. Threading: any thread. */
final class ByteBudget {
  private final long max;
  private final AtomicLong held = new AtomicLong();

  ByteBudget(long max) {
    this.max = max;
  }

  /** Reserves bytes; returns false, and reserves none, when there are too few. */
  boolean reserve(long bytes) {
    if (held.addAndGet(bytes) > max) {
      held.addAndGet(-bytes);
      return false;
    }
    return true;
  }

  /** Returns bytes that were reserved. */
  void release(long bytes) {
    held.addAndGet(-bytes);
  }

  long held() {
    return held.get();
  }
}
