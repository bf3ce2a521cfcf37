// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.storage.tck.KillContract;

class KillTest extends KillContract {
  @Override
  protected StorageBackend activate() {
    return new MapDbBackend();
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((MapDbBackend) backend).deactivate();
  }
}
