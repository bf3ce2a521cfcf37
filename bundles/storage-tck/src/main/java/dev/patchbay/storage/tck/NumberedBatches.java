// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Batches whose number says what they hold. Each replaces the values of the same keys, adds as many
 * entries, and deletes those of an earlier one. A process writes them until it is killed; its
 * content must then be that of a number.
 *
 * @param entries the entries of a batch in each of the two columns
 */
record NumberedBatches(int entries) {
  private static final Column META = new Column("META");
  private static final Column ACCOUNTS = new Column("ACCOUNTS", Column.Access.RANDOM);
  private static final Column BODIES = new Column("BODIES", Column.Access.LARGE_VALUES);
  static final List<Column> COLUMNS = List.of(META, ACCOUNTS, BODIES);

  private static final byte[] LAST = {1};

  /** A batch deletes what the one this many before it added. */
  private static final int KEPT = 3;

  WriteBatch batch(long number) {
    WriteBatch batch = new WriteBatch();
    for (int i = 0; i < entries; i++) {
      batch.put(ACCOUNTS, key(i), value(number, i));
      batch.put(BODIES, key(number * entries + i), value(number, i));
      batch.delete(BODIES, key((number - KEPT) * entries + i));
    }
    batch.put(META, LAST, ByteBuffer.allocate(8).putLong(number).array());
    return batch;
  }

  private static byte[] key(long i) {
    return ByteBuffer.allocate(16).putLong(i * 0x9E3779B97F4A7C15L).putLong(i).array();
  }

  private static byte[] value(long number, int i) {
    byte[] value = new byte[20 + (int) ((number * 31 + i * 17L) % 300)];
    ByteBuffer.wrap(value).putLong(number).putInt(i);
    return value;
  }

  /** Returns the number of the last batch of a store; 0 when it has none. */
  static long last(KeyReader store) {
    byte[] last = store.get(META, LAST);
    return last == null ? 0 : ByteBuffer.wrap(last).getLong();
  }

  /** Checks that a store has the content of its last batch; returns the number of that. */
  long verify(KeyReader store, String description) {
    long number = last(store);
    assertThat(number).as(description).isPositive();
    for (int i = 0; i < entries; i++) {
      assertThat(store.get(ACCOUNTS, key(i))).as(description).isEqualTo(value(number, i));
      for (long kept = Math.max(1, number - KEPT + 1); kept <= number; kept++) {
        assertThat(store.get(BODIES, key(kept * entries + i)))
            .as(description)
            .isEqualTo(value(kept, i));
      }
    }
    assertThat(store.count(ACCOUNTS)).as(description).isEqualTo(entries);
    assertThat(store.count(BODIES)).as(description).isEqualTo(Math.min(number, KEPT) * entries);
    return number;
  }

  /**
   * Runs a process and kills it.
   *
   * @param writer its main class
   * @param output its output; the file {@code errors} beside it takes what it prints of errors
   * @param begun the process has begun to write when this file has content
   * @param millis how long it writes
   */
  static void killed(Class<?> writer, Path output, Path begun, long millis, String... arguments)
      throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                writer.getName()));
    command.addAll(List.of(arguments));
    Path errors = output.resolveSibling("errors");
    Process process =
        new ProcessBuilder(command)
            .redirectError(errors.toFile())
            .redirectOutput(output.toFile())
            .start();
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while ((!Files.exists(begun) || Files.size(begun) == 0)
        && process.isAlive()
        && System.nanoTime() < limit) {
      process.waitFor(5, TimeUnit.MILLISECONDS);
    }
    process.waitFor(millis, TimeUnit.MILLISECONDS);
    assertThat(process.isAlive()).as(Files.readString(errors)).isTrue();
    process.destroyForcibly().waitFor();
  }
}
