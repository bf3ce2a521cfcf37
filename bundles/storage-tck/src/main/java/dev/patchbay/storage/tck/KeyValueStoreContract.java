// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link KeyValueStore} must do. A backend's test extends this class and says how to
 * open and close a store; the kit is for third-party backends as well.
 */
public abstract class KeyValueStoreContract {
  private KeyValueStore store;

  /**
   * Opens the store under test: empty the first time in a test, with its content when it is durable
   * and was closed.
   */
  protected abstract KeyValueStore open() throws Exception;

  /** Closes a store as its bundle does when it stops. */
  protected abstract void close(KeyValueStore store) throws Exception;

  /** Opens the store. */
  @BeforeEach
  public final void openStore() throws Exception {
    store = open();
  }

  /** Closes the store. */
  @AfterEach
  public final void closeStore() throws Exception {
    close(store);
  }

  private static byte[] key(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static List<String> keys(KeyReader reader, Column column, String from) {
    List<String> out = new ArrayList<>();
    reader.scan(column, key(from), (k, v) -> out.add(HexFormat.of().formatHex(k)));
    return out;
  }

  private void put(Column column, String key, String value) {
    WriteBatch batch = new WriteBatch();
    batch.put(column, key(key), key(value));
    store.write(batch);
  }

  /** An absent key has no value. */
  @Test
  public void absentKeysAreNull() {
    assertThat(store.get(Column.META, key("00"))).isNull();
    assertThat(store.count(Column.META)).isZero();
  }

  /** Columns do not see each other. */
  @Test
  public void columnsAreSeparate() {
    put(Column.META, "01", "aa");
    put(Column.CODE, "01", "bb");
    assertThat(store.get(Column.META, key("01"))).isEqualTo(key("aa"));
    assertThat(store.get(Column.CODE, key("01"))).isEqualTo(key("bb"));
    assertThat(store.get(Column.HEADERS, key("01"))).isNull();
  }

  /**
   * Keys are ordered by unsigned bytes; a prefix comes first; a scan starts at its bound and stops
   * when told.
   */
  @Test
  public void scansAreInUnsignedOrder() {
    for (String k : List.of("ff", "00", "7f", "80", "0000", "8001", "")) {
      put(Column.SLOTS, k, "01");
    }
    assertThat(keys(store, Column.SLOTS, ""))
        .containsExactly("", "00", "0000", "7f", "80", "8001", "ff");
    assertThat(keys(store, Column.SLOTS, "7f01")).containsExactly("80", "8001", "ff");
    List<byte[]> first = new ArrayList<>();
    store.scan(
        Column.SLOTS,
        new byte[0],
        (k, v) -> {
          first.add(k);
          return false;
        });
    assertThat(first).hasSize(1);
  }

  /** Within a batch the last write of a key wins. */
  @Test
  public void laterWritesInABatchWin() {
    WriteBatch batch = new WriteBatch();
    batch.put(Column.META, key("01"), key("aa"));
    batch.delete(Column.META, key("01"));
    batch.put(Column.META, key("01"), key("bb"));
    batch.put(Column.META, key("02"), key("cc"));
    batch.delete(Column.META, key("02"));
    store.write(batch);
    assertThat(store.get(Column.META, key("01"))).isEqualTo(key("bb"));
    assertThat(store.get(Column.META, key("02"))).isNull();
    assertThat(store.count(Column.META)).isEqualTo(1);
  }

  /** Empty values and large values are kept. */
  @Test
  public void valuesOfAnySize() {
    put(Column.META, "01", "");
    byte[] large = new byte[3_000_000];
    new Random(1).nextBytes(large);
    WriteBatch batch = new WriteBatch();
    batch.put(Column.BODIES, key("02"), large.clone());
    store.write(batch);
    assertThat(store.get(Column.META, key("01"))).isEmpty();
    assertThat(Arrays.equals(store.get(Column.BODIES, key("02")), large)).isTrue();
  }

  /** What a reader does with a value is no concern of the store's. */
  @Test
  public void valuesBelongToTheCaller() {
    put(Column.META, "01", "aa");
    store.get(Column.META, key("01"))[0] = 0;
    assertThat(store.get(Column.META, key("01"))).isEqualTo(key("aa"));
  }

  /** A snapshot stays as it was, in reads, scans and counts. */
  @Test
  public void snapshotsDoNotMove() {
    put(Column.META, "01", "aa");
    put(Column.META, "03", "cc");
    try (Snapshot snapshot = store.snapshot()) {
      WriteBatch batch = new WriteBatch();
      batch.put(Column.META, key("01"), key("ff"));
      batch.put(Column.META, key("02"), key("bb"));
      batch.delete(Column.META, key("03"));
      store.write(batch);
      assertThat(snapshot.get(Column.META, key("01"))).isEqualTo(key("aa"));
      assertThat(snapshot.get(Column.META, key("02"))).isNull();
      assertThat(snapshot.get(Column.META, key("03"))).isEqualTo(key("cc"));
      assertThat(keys(snapshot, Column.META, "")).containsExactly("01", "03");
      assertThat(snapshot.count(Column.META)).isEqualTo(2);
    }
    assertThat(keys(store, Column.META, "")).containsExactly("01", "02");
  }

  /** Clearing leaves nothing. */
  @Test
  public void clearRemovesEverything() {
    for (Column column : Column.values()) {
      put(column, "01", "aa");
    }
    store.clear();
    for (Column column : Column.values()) {
      assertThat(store.count(column)).isZero();
    }
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
          batch.delete(Column.ACCOUNTS, key(k));
          expected.remove(k);
        } else {
          String v = String.format("%08x", random.nextInt());
          batch.put(Column.ACCOUNTS, key(k), key(v));
          expected.put(k, v);
        }
      }
      store.write(batch);
    }
    if (store.isDurable()) {
      close(store);
      store = open();
    }
    assertThat(keys(store, Column.ACCOUNTS, "")).containsExactlyElementsOf(expected.keySet());
    expected.forEach((k, v) -> assertThat(store.get(Column.ACCOUNTS, key(k))).isEqualTo(key(v)));
  }

  /**
   * A reader never sees a part of a batch: two keys written together are equal in every snapshot.
   */
  @Test
  public void batchesAreAtomicForReaders() throws Exception {
    put(Column.META, "01", "00000000");
    put(Column.META, "02", "00000000");
    AtomicBoolean running = new AtomicBoolean(true);
    AtomicReference<String> difference = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              while (running.get() && difference.get() == null) {
                try (Snapshot snapshot = store.snapshot()) {
                  byte[] a = snapshot.get(Column.META, key("01"));
                  byte[] b = snapshot.get(Column.META, key("02"));
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
      batch.put(Column.META, key("01"), key(String.format("%08x", i)));
      batch.put(Column.META, key("02"), key(String.format("%08x", i)));
      store.write(batch);
    }
    running.set(false);
    reader.join();
    assertThat(difference.get()).isNull();
  }
}
