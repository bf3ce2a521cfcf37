// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.storage.tck.BitFlips;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A changed bit never leads to a wrong result; {@code -Dflips=1000} for more of them. */
class BitFlipTest {
  @TempDir private Path folder;

  @Test
  void noChangedBitIsServed() throws Exception {
    RocksDbBackend backend = new RocksDbBackend(RocksDbBackend.SYNC_MILLIS);
    BitFlips.Result result =
        new BitFlips(backend, folder)
            .run(Integer.getInteger("flips", 60), Integer.getInteger("seed", 18));
    backend.deactivate();
    System.out.println(result);
    assertThat(result.wrong()).isEmpty();
    assertThat(result.refused()).isPositive();
    assertThat(result.failed()).isPositive();
  }
}
