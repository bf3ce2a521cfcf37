// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Changes single bits in the files of a durable store and reads all of it. Each change must end in
 * a refusal at open, in a {@link StorageException} of a read, or have no effect: a store never
 * serves a wrong or an absent value.
 */
public final class BitFlips {
  private static final Column META = new Column("META");
  private static final Column ACCOUNTS = new Column("ACCOUNTS", Column.Access.RANDOM);
  private static final Column NODES = new Column("ACCOUNT_TRIE", Column.Access.REWRITTEN);
  private static final Column BODIES = new Column("BODIES", Column.Access.LARGE_VALUES);
  private static final List<Column> COLUMNS = List.of(META, ACCOUNTS, NODES, BODIES);

  private static final int BATCHES = 60;
  private static final int ENTRIES = 40;

  private final StorageBackend backend;
  private final Path folder;
  private final Map<Column, TreeMap<byte[], byte[]>> expected = new HashMap<>();

  /**
   * What the changes did.
   *
   * @param refused changes after which the store was not opened
   * @param failed changes after which a read threw {@link StorageException}
   * @param unaffected changes without an effect
   * @param served changes after which a read had a wrong result
   * @param wrong a description of each wrong result
   */
  public record Result(int refused, int failed, int unaffected, int served, List<String> wrong) {}

  /**
   * Prepares changes.
   *
   * @param backend opens the stores
   * @param folder an empty folder for the stores
   */
  public BitFlips(StorageBackend backend, Path folder) {
    this.backend = backend;
    this.folder = folder;
  }

  /**
   * Changes bits of a store that was closed, and of one that was killed while it was open.
   *
   * @param flips the number of changes, half of each
   * @param seed decides the content and the changes
   */
  public Result run(int flips, long seed) throws IOException {
    Random random = new Random(seed);
    Path killed = folder.resolve("killed");
    Path closed = folder.resolve("closed");
    for (Column column : COLUMNS) {
      expected.put(column, new TreeMap<>(Arrays::compareUnsigned));
    }
    try (KeyValueStore store = backend.open(closed, COLUMNS, true)) {
      fill(store, random);
    }
    try (KeyValueStore store = backend.open(closed, COLUMNS, false)) {
      fill(store, random);
      store.flush();
      copy(closed, killed); // what the operating system has is what a killed process leaves
    }
    Counts counts = new Counts();
    for (int i = 0; i < flips; i++) {
      flip(i % 2 == 0 ? closed : killed, random, counts);
    }
    return new Result(
        counts.refused, counts.failed, counts.unaffected, counts.served, counts.wrong);
  }

  private static final class Counts {
    private int refused;
    private int failed;
    private int unaffected;
    private int served;
    private final List<String> wrong = new ArrayList<>();
  }

  private void fill(KeyValueStore store, Random random) {
    for (int i = 0; i < BATCHES; i++) {
      WriteBatch batch = new WriteBatch();
      for (int j = 0; j < ENTRIES; j++) {
        Column column = COLUMNS.get(random.nextInt(COLUMNS.size()));
        byte[] key = new byte[column == META ? 8 : 32];
        random.nextBytes(key);
        byte[] value = new byte[column == BODIES ? random.nextInt(4_000) : random.nextInt(120)];
        random.nextBytes(value);
        batch.put(column, key, value);
        expected.get(column).put(key, value);
      }
      TreeMap<byte[], byte[]> nodes = expected.get(NODES);
      if (nodes.size() > ENTRIES) {
        byte[] oldest = nodes.firstKey();
        batch.delete(NODES, oldest);
        nodes.remove(oldest);
      }
      store.write(batch);
    }
  }

  private void flip(Path original, Random random, Counts counts) throws IOException {
    Path copy = folder.resolve("flipped");
    delete(copy);
    copy(original, copy);
    String change = flip(copy, random);
    KeyValueStore store;
    try {
      store = backend.open(copy, COLUMNS, false);
    } catch (StorageException refused) {
      counts.refused++;
      return;
    }
    try (store) {
      int before = counts.wrong.size();
      boolean failed = false;
      for (Column column : COLUMNS) {
        failed |= !read(store, column, original.getFileName() + " " + change, counts);
      }
      if (counts.wrong.size() > before) {
        counts.served++;
      } else if (failed) {
        counts.failed++;
      } else {
        counts.unaffected++;
      }
    }
  }

  /** Reads a column in each way; returns whether all reads succeeded. */
  private boolean read(KeyValueStore store, Column column, String change, Counts counts) {
    boolean succeeded = true;
    TreeMap<byte[], byte[]> entries = expected.get(column);
    try {
      Iterator<Map.Entry<byte[], byte[]>> next = entries.entrySet().iterator();
      boolean[] same = {true};
      store.scan(
          column,
          new byte[0],
          (key, value) -> {
            Map.Entry<byte[], byte[]> entry = next.hasNext() ? next.next() : null;
            same[0] =
                entry != null
                    && Arrays.equals(entry.getKey(), key)
                    && Arrays.equals(entry.getValue(), value);
            return same[0];
          });
      if (!same[0] || next.hasNext()) {
        counts.wrong.add(change + ": scan of " + column);
      }
    } catch (StorageException failed) {
      succeeded = false;
    }
    try {
      if (store.count(column) != entries.size()) {
        counts.wrong.add(change + ": count of " + column);
      }
    } catch (StorageException failed) {
      succeeded = false;
    }
    int wrong = 0;
    for (Map.Entry<byte[], byte[]> entry : entries.entrySet()) {
      try {
        if (!Arrays.equals(store.get(column, entry.getKey()), entry.getValue())) {
          wrong++;
        }
      } catch (StorageException failed) {
        succeeded = false;
      }
    }
    if (wrong > 0) {
      counts.wrong.add(change + ": " + wrong + " values of " + column);
    }
    return succeeded;
  }

  /** Changes a bit; half of the changes choose a file first, and half a byte of all files. */
  private static String flip(Path store, Random random) throws IOException {
    List<Path> files = new ArrayList<>(files(store));
    files.removeIf(file -> file.toFile().length() == 0);
    Path file = files.get(random.nextInt(files.size()));
    if (random.nextBoolean()) {
      long at =
          (long) (random.nextDouble() * files.stream().mapToLong(f -> f.toFile().length()).sum());
      for (Path candidate : files) {
        file = candidate;
        at -= candidate.toFile().length();
        if (at < 0) {
          break;
        }
      }
    }
    long at = (long) (random.nextDouble() * Files.size(file));
    int bit = random.nextInt(8);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer value = ByteBuffer.allocate(1);
      channel.read(value, at);
      value.put(0, (byte) (value.get(0) ^ 1 << bit)).rewind();
      channel.write(value, at);
    }
    return file.getFileName() + " byte " + at + " bit " + bit;
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (Path file : files(from)) {
      Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
