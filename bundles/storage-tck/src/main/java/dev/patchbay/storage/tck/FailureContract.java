// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** What a store must do when a batch fails while it is written. */
abstract class FailureContract extends SnapshotContract {
  /**
   * A batch that fails while it is written has no effect, or closes the store for all further
   * calls; after a durable store is opened again, all of the batch is there or none of it. Each
   * failure is thrown where the store reads an entry of the batch, at each of the entries.
   */
  @Test
  public void aBatchThatFailsIsNotHalfWritten() throws Exception {
    List<IntFunction<Throwable>> failures =
        List.of(
            at -> new OutOfMemoryError("entry " + at),
            at -> new StackOverflowError("entry " + at),
            at -> new NoClassDefFoundError("entry " + at),
            at -> new InternalError("entry " + at),
            at -> new IllegalStateException("entry " + at));
    int round = 0;
    for (IntFunction<Throwable> failure : failures) {
      for (int at = 0; at < 4; at++) {
        for (int reads = 0; reads < 3; reads++) {
          String before = String.format("%04x", ++round);
          WriteBatch good = new WriteBatch();
          WriteBatch bad = new WriteBatch();
          for (String k : List.of("01", "02", "03", "04")) {
            good.put(META, key(k), key(before));
            bad.put(META, key(k), key("ffff"));
          }
          store().write(good);
          FailingBatches.fail(bad, at, reads, failure.apply(at));
          String expected = before;
          try {
            store().write(bad);
            assertThat(reads).as("a read that fails is no success").isPositive();
            expected = "ffff";
          } catch (Throwable failed) {
            assertThat(failed).isNotInstanceOf(AssertionError.class);
          }
          assertUnchangedOrClosed(expected);
        }
      }
    }
  }

  /** A null key or entry, a fault of the caller's, has the same effect. */
  @Test
  public void aMalformedBatchIsNotHalfWritten() throws Exception {
    for (WriteBatch.Entry malformed :
        Arrays.asList(
            new WriteBatch.Entry(META, null, key("ffff")),
            new WriteBatch.Entry(META, null, null),
            new WriteBatch.Entry(null, key("05"), key("ffff")),
            null)) {
      WriteBatch good = new WriteBatch();
      WriteBatch bad = new WriteBatch();
      for (String k : List.of("01", "02")) {
        good.put(META, key(k), key("aa"));
        bad.put(META, key(k), key("ffff"));
      }
      store().write(good);
      bad.entries().add(malformed);
      assertThatThrownBy(() -> store().write(bad)).isNotNull();
      assertUnchangedOrClosed("aa");
    }
  }

  /** At the end of a thread's stack a batch is written whole or not at all. */
  @Test
  public void aBatchAtTheEndOfTheStackIsNotHalfWritten() throws Exception {
    WriteBatch good = new WriteBatch();
    WriteBatch bad = new WriteBatch();
    for (String k : List.of("01", "02", "03", "04")) {
      good.put(META, key(k), key("aa"));
      bad.put(META, key(k), key("ffff"));
    }
    store().write(good);
    AtomicBoolean written = new AtomicBoolean();
    Thread thread =
        new Thread(
            null,
            () -> written.set(writeAtTheEnd(store(), bad, 1_000_000)),
            "tck-end-of-stack",
            512 << 10);
    thread.start();
    thread.join();
    if (written.get()) {
      for (String k : List.of("01", "02", "03", "04")) {
        assertThat(store().get(META, key(k))).isEqualTo(key("ffff"));
      }
    } else {
      assertUnchangedOrClosed("aa");
    }
  }

  /** Writes with the least stack that suffices or fails; returns whether the batch was written. */
  private static boolean writeAtTheEnd(KeyValueStore store, WriteBatch batch, int depth) {
    if (depth == 0) {
      return false;
    }
    try {
      return writeAtTheEnd(store, batch, depth - 1);
    } catch (StackOverflowError end) {
      try {
        store.write(batch);
        return true;
      } catch (StorageException | StackOverflowError failed) {
        if (failed instanceof StorageException) {
          return false;
        }
        throw failed;
      }
    }
  }

  private void assertUnchangedOrClosed(String expected) throws Exception {
    try {
      assertThat(keys(store(), META, "")).allMatch(k -> "01020304".contains(k));
      store()
          .scan(
              META,
              new byte[0],
              (k, v) -> {
                assertThat(v).isEqualTo(key(expected));
                return true;
              });
      put(CODE, "01", "aa");
      assertThat(store().get(CODE, key("01"))).isEqualTo(key("aa"));
      assertThat(failures()).as("reported").isEmpty();
    } catch (StorageException closed) {
      assertClosed(store());
      assertThat(failures()).as("a store that closes itself reports it, once").hasSize(1);
      List<String> late = listen(store());
      assertThat(late).as("the listener before was notified").isEmpty();
      store().close();
      reopen(!backend().isDurable());
      List<String> values = new ArrayList<>();
      store().scan(META, new byte[0], (k, v) -> values.add(HexFormat.of().formatHex(v)));
      if (backend().isDurable()) {
        assertThat(values).isNotEmpty();
      }
      assertThat(values.stream().distinct()).hasSizeLessThanOrEqualTo(1);
    }
  }
}
