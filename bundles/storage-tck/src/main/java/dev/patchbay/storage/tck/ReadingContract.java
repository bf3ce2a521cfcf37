// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What reads of a store must do: keys, values, columns and scans. */
abstract class ReadingContract extends StoreFixture {
  /** An absent key has no value. */
  @Test
  public void absentKeysAreNull() {
    assertThat(store().get(META, key("00"))).isNull();
    assertThat(store().count(META)).isZero();
    assertThat(store().isEmpty(META)).isTrue();
  }

  /** Columns do not see each other. */
  @Test
  public void columnsAreSeparate() {
    put(META, "01", "aa");
    put(CODE, "01", "bb");
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(store().get(CODE, key("01"))).isEqualTo(key("bb"));
    assertThat(store().get(NODES, key("01"))).isNull();
  }

  /** A column is found by its name; how it is used is a hint. */
  @Test
  public void columnsAreFoundByName() {
    put(ACCOUNTS, "01", "aa");
    assertThat(store().get(new Column(ACCOUNTS.name()), key("01"))).isEqualTo(key("aa"));
  }

  /**
   * A column that the store was not opened with is an error, and a batch with one has no effect.
   */
  @Test
  public void unknownColumnsAreRefused() {
    Column unknown = new Column("UNKNOWN");
    assertThatThrownBy(() -> store().get(unknown, key("01")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("UNKNOWN");
    assertThatThrownBy(() -> store().scan(unknown, key(""), (k, v) -> true))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store().count(unknown)).isInstanceOf(IllegalArgumentException.class);
    try (Snapshot snapshot = store().snapshot()) {
      assertThatThrownBy(() -> snapshot.get(unknown, key("01")))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> snapshot.count(unknown))
          .isInstanceOf(IllegalArgumentException.class);
    }
    WriteBatch batch = new WriteBatch();
    batch.put(META, key("01"), key("aa"));
    batch.put(unknown, key("01"), key("aa"));
    assertThatThrownBy(() -> store().write(batch))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("UNKNOWN");
    assertThat(store().get(META, key("01"))).isNull();
    put(META, "02", "bb");
    assertThat(keys(store(), META, "")).containsExactly("02");
  }

  /**
   * Keys are ordered by unsigned bytes; a prefix comes first; a scan starts at its bound and stops
   * when the visitor returns false.
   */
  @Test
  public void scansAreInUnsignedOrder() {
    for (String k : List.of("ff", "00", "7f", "80", "0000", "8001", "")) {
      put(ACCOUNTS, k, "01");
    }
    assertThat(keys(store(), ACCOUNTS, ""))
        .containsExactly("", "00", "0000", "7f", "80", "8001", "ff");
    assertThat(keys(store(), ACCOUNTS, "7f01")).containsExactly("80", "8001", "ff");
    List<byte[]> first = new ArrayList<>();
    store()
        .scan(
            ACCOUNTS,
            new byte[0],
            (k, v) -> {
              first.add(k);
              return false;
            });
    assertThat(first).hasSize(1);
  }

  /** A scan up to a key visits no entry from that key on, also in a snapshot. */
  @Test
  public void scansEndBeforeTheirBound() {
    for (String k : List.of("00", "7f", "7f00", "80", "8001", "ff")) {
      put(ACCOUNTS, k, "01");
    }
    try (Snapshot snapshot = store().snapshot()) {
      put(ACCOUNTS, "7f01", "02");
      for (KeyReader reader : List.of(store(), snapshot)) {
        List<String> added = reader == snapshot ? List.of() : List.of("7f01");
        assertThat(keys(reader, ACCOUNTS, "7f", "8000"))
            .containsSubsequence("7f", "7f00", "80")
            .hasSize(3 + added.size())
            .containsAll(added);
        assertThat(keys(reader, ACCOUNTS, "7f", "80"))
            .doesNotContain("80")
            .hasSize(2 + added.size());
        assertThat(keys(reader, ACCOUNTS, "", "0000")).containsExactly("00");
        assertThat(keys(reader, ACCOUNTS, "80", "80")).isEmpty();
        assertThat(keys(reader, ACCOUNTS, "80", "7f")).isEmpty();
        assertThat(keys(reader, ACCOUNTS, "8002", "ffff")).containsExactly("ff");
      }
    }
  }

  /** Empty values and large values are kept. */
  @Test
  public void valuesOfAnySize() {
    put(META, "01", "");
    byte[] large = new byte[3_000_000];
    new Random(1).nextBytes(large);
    for (Column column : List.of(BODIES, NODES)) {
      WriteBatch batch = new WriteBatch();
      batch.put(column, key("02"), large.clone());
      store().write(batch);
      assertThat(Arrays.equals(store().get(column, key("02")), large)).isTrue();
    }
    assertThat(store().get(META, key("01"))).isEmpty();
  }

  /** A reader may change the value that it was given. */
  @Test
  public void valuesBelongToTheCaller() {
    put(META, "01", "aa");
    store().get(META, key("01"))[0] = 0;
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
  }
}
