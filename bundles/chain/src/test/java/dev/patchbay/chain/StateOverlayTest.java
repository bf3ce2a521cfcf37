// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.storage.memory.MemoryBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

class StateOverlayTest {
  private static byte[] bytes(int... values) {
    byte[] out = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      out[i] = (byte) values[i];
    }
    return out;
  }

  /** Reads and scans see what a map with the same writes holds, wherever a scan begins and ends. */
  @Test
  void readsSeeTheStoreWithTheWritesOnTop() {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      KeyValueStore store = new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
      TreeMap<byte[], byte[]> expected = new TreeMap<>(Arrays::compareUnsigned);
      WriteBatch batch = new WriteBatch();
      for (int i = random.nextInt(20); i > 0; i--) {
        byte[] key = bytes(random.nextInt(256));
        byte[] value = bytes(i, 1);
        batch.put(Columns.SLOTS, key, value);
        expected.put(key, value);
      }
      store.write(batch);
      StateOverlay overlay = new StateOverlay(store);
      for (int i = random.nextInt(20); i > 0; i--) {
        byte[] key = bytes(random.nextInt(256));
        overlay.get(Columns.SLOTS, key); // remembered, and then written over
        if (random.nextInt(3) == 0) {
          overlay.delete(Columns.SLOTS, key);
          expected.remove(key);
        } else {
          overlay.put(Columns.SLOTS, key, bytes(i, 2));
          expected.put(key, bytes(i, 2));
        }
      }
      for (int key = 0; key < 256; key++) {
        assertThat(overlay.get(Columns.SLOTS, bytes(key))).isEqualTo(expected.get(bytes(key)));
      }
      byte[] from = bytes(random.nextInt(256));
      int most = 1 + random.nextInt(12);
      List<String> found = new ArrayList<>();
      overlay.scan(
          Columns.SLOTS,
          from,
          (key, value) -> {
            found.add(Bytes.of(key) + " " + Bytes.of(value));
            return found.size() < most;
          });
      List<String> wanted =
          expected.tailMap(from, true).entrySet().stream()
              .limit(most)
              .map(entry -> Bytes.of(entry.getKey()) + " " + Bytes.of(entry.getValue()))
              .toList();
      assertThat(found).isEqualTo(wanted);
    }
  }

  @Test
  void slotsThatAreReadAreTold() {
    StateOverlay overlay =
        new StateOverlay(new MemoryBackend().open(Path.of("memory"), Columns.ALL, true));
    Queue<Bytes> told = new ConcurrentLinkedQueue<>();
    overlay.get(Columns.SLOTS, bytes(1));
    overlay.recordSlotReads(told);
    overlay.get(Columns.SLOTS, bytes(1));
    overlay.get(Columns.SLOTS, bytes(2));
    overlay.get(Columns.ACCOUNTS, bytes(3));
    overlay.recordSlotReads(null);
    overlay.get(Columns.SLOTS, bytes(4));
    assertThat(told).containsExactly(Bytes.of(bytes(2)));
  }
}
