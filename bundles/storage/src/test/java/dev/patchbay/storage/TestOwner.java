// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StoreOwner;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/** An owner that accepts each store, and counts its first contents: a second one is a new chain. */
class TestOwner implements StoreOwner {
  private final ReentrantLock writes;
  int begun;

  /** Creates an owner with a lock of its own. */
  TestOwner() {
    this(new ReentrantLock());
  }

  TestOwner(ReentrantLock writes) {
    this.writes = writes;
  }

  @Override
  public Lock writeLock() {
    return writes;
  }

  @Override
  public void initialize(KeyValueStore empty) {
    begun++;
  }

  @Override
  public void opened(KeyValueStore opened) {}

  @Override
  public String describe(KeyReader described) {
    return "something";
  }
}
