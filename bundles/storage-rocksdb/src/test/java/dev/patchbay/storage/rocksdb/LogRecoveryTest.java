// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Logs of a process that was killed, with and without faults of the disk. */
class LogRecoveryTest {
  private static final Column META = new Column("META");
  private static final List<Column> COLUMNS = List.of(META, new Column("CODE"));
  private static final int HEADER_BYTES = 7;

  @TempDir private Path folder;

  private final RocksDbBackend backend = new RocksDbBackend(60_000);

  @AfterEach
  void deactivate() {
    backend.deactivate();
  }

  /** Writes batches, flushes after some, and returns the length of the log at the flush. */
  private long kill(Path copy, int flushed, int unflushed) throws IOException {
    Path live = folder.resolve("live-" + copy.getFileName());
    try (KeyValueStore store = backend.open(live, COLUMNS, true)) {
      for (int i = 0; i < flushed; i++) {
        write(store, i);
      }
      store.flush();
      long length = Files.size(log(live));
      for (int i = 0; i < unflushed; i++) {
        write(store, flushed + i);
      }
      Files.createDirectories(copy);
      try (Stream<Path> files = Files.list(live)) {
        for (Path file : files.toList()) {
          Files.copy(file, copy.resolve(file.getFileName()));
        }
      }
      return length;
    }
  }

  private static void write(KeyValueStore store, int number) {
    WriteBatch batch = new WriteBatch();
    batch.put(META, ByteBuffer.allocate(4).putInt(number).array(), new byte[40]);
    batch.put(META, new byte[] {1}, ByteBuffer.allocate(4).putInt(number).array());
    store.write(batch);
  }

  private static Path log(Path store) throws IOException {
    try (Stream<Path> files = Files.list(store)) {
      return files
          .filter(f -> f.toString().endsWith(".log"))
          .max((a, b) -> a.getFileName().compareTo(b.getFileName()))
          .orElseThrow();
    }
  }

  private static void truncate(Path file, long length) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  @Test
  void aLogThatEndsEarlyAfterTheFlushIsCut() throws Exception {
    Path copy = folder.resolve("copy");
    long flushed = kill(copy, 10, 10);
    long length = Files.size(log(copy));
    for (long end = flushed; end <= length; end += 41) {
      Path cut = folder.resolve("cut-" + end);
      copy(copy, cut);
      truncate(log(cut), end);
      try (KeyValueStore store = backend.open(cut, COLUMNS, false)) {
        int last = ByteBuffer.wrap(store.get(META, new byte[] {1})).getInt();
        assertThat(last).isBetween(9, 19);
        assertThat(store.count(META)).isEqualTo(last + 2);
      }
    }
  }

  @Test
  void aLogThatEndsInZerosIsCut() throws Exception {
    Path copy = folder.resolve("copy");
    long flushed = kill(copy, 10, 10);
    byte[] log = Files.readAllBytes(log(copy));
    for (int from = (int) flushed; from < log.length; from += 97) {
      Path cut = folder.resolve("zeros-" + from);
      copy(copy, cut);
      byte[] zeros = log.clone();
      Arrays.fill(zeros, from, zeros.length, (byte) 0);
      Files.write(log(cut), zeros);
      try (KeyValueStore store = backend.open(cut, COLUMNS, false)) {
        assertThat(ByteBuffer.wrap(store.get(META, new byte[] {1})).getInt()).isBetween(9, 19);
      }
    }
  }

  @Test
  void aLogThatLostWhatWasFlushedIsRefusedAndLeftAsItIs() throws Exception {
    Path copy = folder.resolve("copy");
    long flushed = kill(copy, 10, 0);
    for (long end : new long[] {0, 1, flushed / 2, flushed - 1}) {
      Path cut = folder.resolve("cut-" + end);
      copy(copy, cut);
      truncate(log(cut), end);
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> backend.open(cut, COLUMNS, true))
            .isInstanceOf(StorageException.class)
            .hasMessageContaining("synced are missing")
            .hasMessageContaining("backup");
        assertThat(log(cut)).hasSize(end);
      }
    }
    Path without = folder.resolve("without");
    copy(copy, without);
    Files.delete(log(without));
    assertThatThrownBy(() -> backend.open(without, COLUMNS, true))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("synced are missing");
  }

  /** Each bit of each header: RocksDB takes some of them for the end of the file, or hangs. */
  @Test
  void aChangedBitOfAHeaderIsRefused() throws Exception {
    Path copy = folder.resolve("copy");
    kill(copy, 3, 2);
    for (boolean manifest : new boolean[] {false, true}) {
      Path file = manifest ? manifest(copy) : log(copy);
      byte[] whole = Files.readAllBytes(file);
      int at = 0;
      while (at + HEADER_BYTES <= whole.length) {
        for (int bit = 0; bit < 8 * HEADER_BYTES; bit++) {
          byte[] changed = whole.clone();
          changed[at + bit / 8] ^= (byte) (1 << bit % 8);
          Files.write(file, changed);
          assertThatThrownBy(() -> backend.open(copy, COLUMNS, false))
              .as(file.getFileName() + " record at " + at + " bit " + bit)
              .isInstanceOf(StorageException.class)
              .hasMessageContaining("has changed at byte " + at);
        }
        at += HEADER_BYTES + (whole[at + 4] & 0xff) + ((whole[at + 5] & 0xff) << 8);
      }
      Files.write(file, whole);
    }
    try (KeyValueStore store = backend.open(copy, COLUMNS, false)) {
      assertThat(store.count(META)).isEqualTo(6);
    }
  }

  @Test
  void aBatchIsSyncedWithinTheInterval() throws Exception {
    RocksDbBackend quick = new RocksDbBackend(50);
    Path live = folder.resolve("quick");
    try (KeyValueStore store = quick.open(live, COLUMNS, true)) {
      for (int i = 0; i < 20; i++) {
        write(store, i);
      }
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (synced(live) < 40 && System.nanoTime() < limit) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      }
      assertThat(synced(live)).isEqualTo(40);
    }
    quick.deactivate();
  }

  private static long synced(Path store) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(store.resolve(SyncMark.FILE))).getLong();
  }

  private static Path manifest(Path store) throws IOException {
    return store.resolve(Files.readString(store.resolve("CURRENT")).strip());
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
