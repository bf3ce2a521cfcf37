// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts what is under way against a limit. Threading: any thread. */
final class Quota {
  private final int limit;
  private final AtomicInteger open = new AtomicInteger();

  Quota(int limit) {
    this.limit = limit;
  }

  boolean tryEnter() {
    if (open.incrementAndGet() > limit) {
      open.decrementAndGet();
      return false;
    }
    return true;
  }

  /** Enters whatever the limit is: what had entered and left goes on. */
  void enter() {
    open.incrementAndGet();
  }

  void leave() {
    open.decrementAndGet();
  }

  /** Returns how many have entered and not left. */
  int count() {
    return open.get();
  }
}
