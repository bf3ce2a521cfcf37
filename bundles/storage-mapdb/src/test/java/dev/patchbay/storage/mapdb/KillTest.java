// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while it writes leaves the last batch whole or not at all. */
class KillTest {
  private static final byte[] LAST = {1};
  private static final int ENTRIES = 1_500;
  private static final int KEPT = 3;

  private static final Column META = new Column("META");
  private static final Column ACCOUNTS = new Column("ACCOUNTS", Column.Access.RANDOM);
  private static final Column CHANGES = new Column("CHANGES");

  @TempDir private Path folder;

  /** Writes batches until it is killed. */
  public static final class Writer {
    private Writer() {}

    /** Takes the folder of the store. */
    public static void main(String[] args) {
      KeyValueStore store = open(Path.of(args[0]));
      for (long number = last(store) + 1; ; number++) {
        store.write(batch(number));
        System.out.println(number);
      }
    }
  }

  private static KeyValueStore open(Path folder) {
    return new MapDbBackend().open(folder, List.of(META, ACCOUNTS, CHANGES), true);
  }

  private static long last(KeyValueStore store) {
    byte[] last = store.get(META, LAST);
    return last == null ? 0 : ByteBuffer.wrap(last).getLong();
  }

  private static WriteBatch batch(long number) {
    WriteBatch batch = new WriteBatch();
    for (int i = 0; i < ENTRIES; i++) {
      batch.put(ACCOUNTS, key(i), value(number, i));
      batch.put(CHANGES, key(number * ENTRIES + i), value(number, i));
      batch.delete(CHANGES, key((number - KEPT) * ENTRIES + i));
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

  private static void verify(KeyValueStore store) {
    long number = last(store);
    for (int i = 0; i < ENTRIES; i++) {
      assertThat(store.get(ACCOUNTS, key(i))).isEqualTo(value(number, i));
      assertThat(store.get(CHANGES, key(number * ENTRIES + i))).isEqualTo(value(number, i));
      assertThat(store.get(CHANGES, key((number - KEPT) * ENTRIES + i))).isNull();
    }
    assertThat(store.count(ACCOUNTS)).isEqualTo(ENTRIES);
    assertThat(store.count(CHANGES)).isEqualTo(Math.min(number, KEPT) * ENTRIES);
  }

  @Test
  void aKilledWriterLeavesWholeBatches() throws Exception {
    Random random = new Random(3);
    long before = 0;
    for (int round = 0; round < Integer.getInteger("kills", 6); round++) {
      Path output = Files.createTempFile(folder, "writer", ".txt");
      Process writer =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Writer.class.getName(),
                  folder.resolve("store").toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .redirectOutput(output.toFile())
              .start();
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (Files.size(output) == 0 && writer.isAlive() && System.nanoTime() < limit) {
        writer.waitFor(5, TimeUnit.MILLISECONDS);
      }
      writer.waitFor(random.nextInt(400), TimeUnit.MILLISECONDS);
      assertThat(writer.isAlive()).isTrue();
      writer.destroyForcibly().waitFor();
      String[] lines = Files.readString(output).strip().split("\n");
      KeyValueStore store = open(folder.resolve("store"));
      try {
        verify(store);
        // the last line may be cut off, or its batch be followed by one more
        assertThat(last(store)).isGreaterThan(before).isGreaterThanOrEqualTo(lines.length + before);
        before = last(store);
      } finally {
        store.close();
      }
    }
  }
}
