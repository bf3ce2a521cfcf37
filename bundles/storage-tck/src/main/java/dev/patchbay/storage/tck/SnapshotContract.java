// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.SnapshotExpiredException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What snapshots must do. */
abstract class SnapshotContract extends BatchContract {
  /** A snapshot stays as it was, in reads, scans and counts. */
  @Test
  public void snapshotsDoNotMove() {
    put(META, "01", "aa");
    put(META, "03", "cc");
    try (Snapshot snapshot = store().snapshot()) {
      WriteBatch batch = new WriteBatch();
      batch.put(META, key("01"), key("ff"));
      batch.put(META, key("02"), key("bb"));
      batch.delete(META, key("03"));
      store().write(batch);
      assertThat(snapshot.get(META, key("01"))).isEqualTo(key("aa"));
      assertThat(snapshot.get(META, key("02"))).isNull();
      assertThat(snapshot.get(META, key("03"))).isEqualTo(key("cc"));
      assertThat(keys(snapshot, META, "")).containsExactly("01", "03");
      assertThat(snapshot.count(META)).isEqualTo(2);
    }
    assertThat(keys(store(), META, "")).containsExactly("01", "02");
  }

  /**
   * A snapshot that stays open while much changes is as it was, or expired: it never shows later
   * writes, and its store goes on.
   */
  @Test
  public void oldSnapshotsAreRightOrExpired() {
    Random random = new Random(5);
    int entries = 2_000;
    WriteBatch first = new WriteBatch();
    for (int i = 0; i < entries; i++) {
      first.put(ACCOUNTS, key(String.format("%04x", i)), key("00"));
    }
    store().write(first);
    try (Snapshot old = store().snapshot();
        Snapshot second = store().snapshot()) {
      for (int round = 0; round < 12; round++) {
        WriteBatch batch = new WriteBatch();
        for (int i = 0; i < entries; i++) {
          byte[] value = new byte[4_000];
          random.nextBytes(value);
          batch.put(ACCOUNTS, key(String.format("%04x", i)), value);
          batch.put(NODES, key(String.format("%02x%04x", round, i)), value);
          batch.delete(NODES, key(String.format("%02x%04x", round - 1 & 0xff, i)));
        }
        store().write(batch);
      }
      for (Snapshot snapshot : List.of(old, second)) {
        try {
          assertThat(keys(snapshot, ACCOUNTS, "")).hasSize(entries);
          assertThat(snapshot.get(ACCOUNTS, key("0000"))).isEqualTo(key("00"));
          assertThat(snapshot.count(NODES)).isZero();
          assertThat(snapshot.get(NODES, key("0b0000"))).isNull();
        } catch (SnapshotExpiredException expired) {
          assertThat(expired).hasMessageContaining("expired");
        }
      }
      put(META, "01", "aa");
      try (Snapshot young = store().snapshot()) {
        put(META, "01", "bb");
        assertThat(young.get(META, key("01"))).isEqualTo(key("aa"));
      }
    }
  }

  /** Reads of a snapshot that is closed fail. */
  @Test
  public void aClosedSnapshotIsNotRead() {
    put(META, "01", "aa");
    Snapshot snapshot = store().snapshot();
    snapshot.close();
    assertThatThrownBy(() -> snapshot.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> snapshot.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
  }
}
