// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * What every {@link StorageBackend} and its stores must do. A backend's test extends this class and
 * implements {@link #activate} and {@link #deactivate}; the kit is for third-party backends as
 * well. Each test has a new backend and one store in a folder of its own.
 */
public abstract class KeyValueStoreContract extends DurabilityContract {
  /** A backend has an id of small letters, digits and '-'. */
  @Test
  public void idsAreNames() {
    assertThat(backend().id()).matches("[a-z][a-z0-9-]*");
  }

  /** Calls after {@code close} fail, on snapshots too; to close twice is allowed. */
  @Test
  public void callsAfterCloseFail() {
    put(META, "01", "aa");
    Snapshot snapshot = store().snapshot();
    store().close();
    assertClosed(store());
    assertThat(failures()).as("to be closed is no failure").isEmpty();
    assertThatThrownBy(() -> snapshot.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> snapshot.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    snapshot.close();
    snapshot.close();
    store().close();
  }

  /** A read that is under way when the store is closed ends well, or fails cleanly. */
  @Test
  public void closeWaitsForReads() throws Exception {
    WriteBatch entries = new WriteBatch();
    for (int i = 0; i < 2_000; i++) {
      entries.put(ACCOUNTS, key(String.format("%04x", i)), key("aa"));
    }
    store().write(entries);
    CountDownLatch reading = new CountDownLatch(1);
    AtomicReference<Throwable> wrong = new AtomicReference<>();
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Thread reader =
          new Thread(
              () -> {
                try {
                  while (true) {
                    long[] count = {0};
                    store().scan(ACCOUNTS, new byte[0], (k, v) -> ++count[0] > 0);
                    assertThat(count[0]).isEqualTo(2_000);
                    assertThat(store().get(ACCOUNTS, key("0001"))).isEqualTo(key("aa"));
                    reading.countDown();
                  }
                } catch (StorageException closed) {
                  reading.countDown();
                } catch (Throwable failure) {
                  wrong.set(failure);
                  reading.countDown();
                }
              },
              "tck-reader-" + i);
      reader.start();
      readers.add(reader);
    }
    reading.await();
    store().close();
    for (Thread reader : readers) {
      reader.join();
    }
    assertThat(wrong.get()).isNull();
  }

  /** Two stores of a backend are open at once, with columns of their own. */
  @Test
  public void storesAreSeparate() throws Exception {
    Column own = new Column("own-1");
    Path folder = folder().resolveSibling("deeper").resolve("second");
    KeyValueStore second = backend().open(folder, List.of(own, META), true);
    put(META, "01", "aa");
    put(second, META, "01", "bb");
    put(second, own, "02", "cc");
    second.flush();
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(second.get(META, key("01"))).isEqualTo(key("bb"));
    assertThatThrownBy(() -> store().get(own, key("02")))
        .isInstanceOf(IllegalArgumentException.class);
    store().close();
    assertThat(second.get(own, key("02"))).isEqualTo(key("cc"));
    if (backend().isDurable()) {
      second.close();
      second = backend().open(folder, List.of(META, own), false);
      assertThat(second.get(own, key("02"))).isEqualTo(key("cc"));
    }
    second.close();
  }

  /** A backend that is deactivated closes its stores and opens no more; a new one opens them. */
  @Test
  public void deactivateCloses() throws Exception {
    put(META, "01", "aa");
    KeyValueStore second = backend().open(folder().resolveSibling("second"), COLUMNS, true);
    deactivate(backend());
    assertClosed(store());
    assertClosed(second);
    assertThatThrownBy(() -> backend().open(folder(), COLUMNS, true))
        .isInstanceOf(StorageException.class);
    reactivate();
    reopen(true);
    assertThat(store().get(META, key("01"))).isEqualTo(backend().isDurable() ? key("aa") : null);
  }

  /** A folder is open once; the second opener is refused and the first goes on. */
  @Test
  public void aStoreIsOpenOnce() throws Exception {
    if (backend().isDurable()) {
      put(META, "01", "aa");
      assertThatThrownBy(() -> backend().open(folder(), COLUMNS, true))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("in use");
      StorageBackend other = activate();
      try {
        assertThatThrownBy(() -> other.open(folder(), COLUMNS, true))
            .isInstanceOf(StorageException.class)
            .hasMessageContaining("in use");
      } finally {
        deactivate(other);
      }
      put(META, "02", "bb");
      assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    }
  }
}
