// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What batches must do. */
abstract class BatchContract extends ReadingContract {
  /** Within a batch the last write of a key wins. */
  @Test
  public void laterWritesInABatchWin() {
    WriteBatch batch = new WriteBatch();
    batch.put(META, key("01"), key("aa"));
    batch.delete(META, key("01"));
    batch.put(META, key("01"), key("bb"));
    batch.put(META, key("02"), key("cc"));
    batch.delete(META, key("02"));
    store().write(batch);
    assertThat(store().get(META, key("01"))).isEqualTo(key("bb"));
    assertThat(store().get(META, key("02"))).isNull();
    assertThat(store().count(META)).isEqualTo(1);
  }

  /**
   * A long random history of batches ends in the content of a plain map, also after closing when
   * durable.
   */
  @Test
  public void agreesWithAMap() throws Exception {
    Random random = new Random(7);
    Map<String, String> expected = new TreeMap<>();
    for (int round = 0; round < 100; round++) {
      WriteBatch batch = new WriteBatch();
      for (int i = 0; i < 40; i++) {
        String k = String.format("%04x", random.nextInt(600));
        if (random.nextInt(3) == 0) {
          batch.delete(ACCOUNTS, key(k));
          expected.remove(k);
        } else {
          String v = String.format("%08x", random.nextInt());
          batch.put(ACCOUNTS, key(k), key(v));
          expected.put(k, v);
        }
      }
      store().write(batch);
    }
    if (backend().isDurable()) {
      store().close();
      reopen(false);
    }
    assertThat(keys(store(), ACCOUNTS, "")).containsExactlyElementsOf(expected.keySet());
    expected.forEach((k, v) -> assertThat(store().get(ACCOUNTS, key(k))).isEqualTo(key(v)));
  }

  /**
   * A reader never sees a part of a batch: two keys written together are equal in every snapshot.
   */
  @Test
  public void batchesAreAtomicForReaders() throws Exception {
    put(META, "01", "00000000");
    put(META, "02", "00000000");
    AtomicBoolean running = new AtomicBoolean(true);
    AtomicReference<String> difference = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              while (running.get() && difference.get() == null) {
                try (Snapshot snapshot = store().snapshot()) {
                  byte[] a = snapshot.get(META, key("01"));
                  byte[] b = snapshot.get(META, key("02"));
                  if (!Arrays.equals(a, b)) {
                    difference.set(Arrays.toString(a) + " " + Arrays.toString(b));
                  }
                }
              }
            },
            "tck-reader");
    reader.start();
    for (int i = 1; i < 300; i++) {
      WriteBatch batch = new WriteBatch();
      batch.put(META, key("01"), key(String.format("%08x", i)));
      batch.put(META, key("02"), key(String.format("%08x", i)));
      store().write(batch);
    }
    running.set(false);
    reader.join();
    assertThat(difference.get()).isNull();
  }
}
