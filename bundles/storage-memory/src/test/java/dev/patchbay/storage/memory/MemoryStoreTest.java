// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.memory;

import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.storage.tck.KeyValueStoreContract;

class MemoryStoreTest extends KeyValueStoreContract {
  @Override
  protected StorageBackend activate() {
    return new MemoryBackend();
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((MemoryBackend) backend).deactivate();
  }
}
