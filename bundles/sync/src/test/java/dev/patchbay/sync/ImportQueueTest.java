// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.Failures;
import dev.patchbay.primitives.Block;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The queue of blocks when the store fails. */
class ImportQueueTest {
  private static final int BLOCKS = 20;

  private final List<String> log = new CopyOnWriteArrayList<>();

  /** The first blocks meet a full disk, of which a little less is left each time. */
  private BlockImporter importer(int failing) {
    int[] calls = new int[1];
    return (BlockImporter)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {BlockImporter.class},
            (self, method, arguments) -> {
              int call = calls[0]++;
              if (call < failing) {
                throw StorageException.diskNearlyFull(
                    Path.of("/data"), (50L - call) * 1_000_000, 67_200_000);
              }
              return new ImportResult.Known();
            });
  }

  @Test
  void aFullDiskIsLoggedOnceAndItsEndToo() throws Exception {
    CountDownLatch done = new CountDownLatch(BLOCKS);
    ImportQueue.Listener listener =
        new ImportQueue.Listener() {
          @Override
          public void imported(Block block, ImportResult result) {
            done.countDown();
          }

          @Override
          public void failed(Block block, Throwable failure) {
            done.countDown();
          }
        };
    try (ImportQueue queue =
        new ImportQueue(
            importer(BLOCKS - 1)::importBlock,
            new Failures("the thread", (text, failure) -> log.add(text), log::add),
            new Failures("storing blocks", (text, failure) -> log.add(text), log::add))) {
      Block block = new ModelChain().head();
      for (int i = 0; i < BLOCKS; i++) {
        block = ModelChain.child(block, i, 2, 0);
        queue.add(block, CompletableFuture.completedFuture(null), listener);
      }
      queue.start();
      done.await();
    }
    assertThat(log)
        .containsExactly(
            "storing blocks failed: TransientStorageException: the disk of /data is nearly full:"
                + " 50 MB are left, and up to 68 MB are needed; free some, and the node goes on by"
                + " itself",
            "storing blocks succeeds again");
  }
}
