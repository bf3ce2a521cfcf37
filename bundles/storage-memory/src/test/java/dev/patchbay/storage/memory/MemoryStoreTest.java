// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.memory;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.storage.tck.KeyValueStoreContract;

class MemoryStoreTest extends KeyValueStoreContract {
  @Override
  protected KeyValueStore open() {
    return new MemoryStore();
  }

  @Override
  protected void close(KeyValueStore store) {}
}
