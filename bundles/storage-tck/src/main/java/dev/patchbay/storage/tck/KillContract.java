// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import java.lang.reflect.Constructor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that is killed while it writes leaves the last batch whole or not at all, and each
 * batch whose write had returned.
 *
 * <p>A backend's test extends this class; it needs a constructor without parameters, which the
 * process that writes calls. {@code -Dkills=20} has more rounds.
 */
public abstract class KillContract {
  private static final NumberedBatches BATCHES = new NumberedBatches(1_500);
  private static final int ROUNDS = 6;

  @TempDir private Path folder;

  /** Creates and activates a backend. */
  protected abstract StorageBackend activate() throws Exception;

  /** Deactivates a backend. */
  protected abstract void deactivate(StorageBackend backend) throws Exception;

  /** Writes batches until it is killed. */
  public static final class Writer {
    private Writer() {}

    /** Takes the class of the test and the folder of the store. */
    public static void main(String[] args) throws Exception {
      Constructor<?> constructor = Class.forName(args[0]).getDeclaredConstructor();
      constructor.setAccessible(true);
      StorageBackend backend = ((KillContract) constructor.newInstance()).activate();
      KeyValueStore store = backend.open(Path.of(args[1]), NumberedBatches.COLUMNS, true);
      for (long number = NumberedBatches.last(store) + 1; ; number++) {
        store.write(BATCHES.batch(number));
        System.out.println(number);
      }
    }
  }

  /** What was written is there, batch by batch. */
  @Test
  public final void aKilledWriterLeavesWholeBatches() throws Exception {
    Random random = new Random(3);
    Path files = folder.resolve("store");
    long before = 0;
    for (int round = 0; round < Integer.getInteger("kills", ROUNDS); round++) {
      Path output = folder.resolve("written-" + round);
      NumberedBatches.killed(
          Writer.class,
          output,
          output,
          random.nextInt(400),
          getClass().getName(),
          files.toString());
      String[] lines = Files.readString(output).strip().split("\n");
      StorageBackend backend = activate();
      try (KeyValueStore store = backend.open(files, NumberedBatches.COLUMNS, false)) {
        // the last line may be cut off, or its batch be followed by one more
        long number = BATCHES.verify(store, "round " + round);
        assertThat(number).isGreaterThan(before).isGreaterThanOrEqualTo(lines.length + before);
        before = number;
      } finally {
        deactivate(backend);
      }
    }
  }
}
