// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.storage.tck.KillContract;

class KillTest extends KillContract {
  @Override
  protected StorageBackend activate() {
    return new RocksDbBackend(RocksDbBackend.SYNC_MILLIS);
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((RocksDbBackend) backend).deactivate();
  }
}
