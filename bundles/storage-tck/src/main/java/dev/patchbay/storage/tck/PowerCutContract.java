// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A power cut keeps what was flushed. A process writes numbered batches, notes the length of each
 * file after each flush, and is killed. Then each file is cut to a random length between the noted
 * one and its own, and newer files are deleted, cut or kept. The store that is opened must have a
 * prefix of the batches with all that were flushed, or be refused with a message.
 *
 * <p>A backend's test extends this class; it needs a constructor without parameters, which the
 * process that writes calls. {@code -Dpower.cuts=100} has more rounds.
 */
public abstract class PowerCutContract {
  private static final List<Column> COLUMNS = NumberedBatches.COLUMNS;
  private static final NumberedBatches NUMBERED = new NumberedBatches(300);

  private static final int ROUNDS = 10;
  private static final int BATCHES_PER_FLUSH = 4;
  private static final int BATCHES_PER_OPENING = 200;
  private static final String NOTES = "notes";

  @TempDir private Path folder;

  /** Creates and activates a backend. */
  protected abstract StorageBackend activate() throws Exception;

  /** Deactivates a backend. */
  protected abstract void deactivate(StorageBackend backend) throws Exception;

  /**
   * Is called in the process that writes after the store was opened and after each batch; a backend
   * that maps a file can copy it here when it was synced. Does nothing by default.
   *
   * @param store the folder of the store
   * @param copies a folder for copies
   */
  protected void written(Path store, Path copies) throws IOException {}

  /**
   * Takes from a file what a power cut may take. By default the file is cut to a random length.
   *
   * @param file the file
   * @param noted its length at the last flush; 0 when it is newer
   * @param copies the folder that {@link #written} was given
   */
  protected void cut(Path file, long noted, Path copies, Random random) throws IOException {
    truncate(file, noted, random);
  }

  /** Cuts a file to a random length from the noted one to its own. */
  protected static void truncate(Path file, long noted, Random random) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long more = channel.size() - noted;
      if (more > 0) {
        // often all or nothing: the end of a record is as likely as its middle
        double share = Math.max(0, Math.min(1, random.nextDouble() * 1.4 - 0.2));
        channel.truncate(noted + (long) (more * share));
      }
    }
  }

  /** What was flushed: the number of the batch and the length of each file. */
  private record Note(long batch, Map<String, Long> lengths) {}

  /** All that was flushed is there, or the store is refused. */
  @Test
  public final void whatWasFlushedSurvives() throws Exception {
    int opened = 0;
    int rounds = Integer.getInteger("power.cuts", ROUNDS);
    for (int round = 0; round < rounds; round++) {
      Random random = new Random(Integer.getInteger("seed", 7) * 1_000L + round);
      Path home = Files.createDirectory(folder.resolve("round-" + round));
      NumberedBatches.killed(
          Writer.class,
          home.resolve("output"),
          home.resolve(NOTES),
          random.nextInt(1_200),
          getClass().getName(),
          home.toString());
      Note note = lastNote(home.resolve(NOTES));
      powerCut(home, note, random);
      StorageBackend backend = activate();
      try (KeyValueStore store = backend.open(home.resolve("store"), COLUMNS, false)) {
        String description = "round " + round;
        assertThat(NUMBERED.verify(store, description))
            .as(description)
            .isGreaterThanOrEqualTo(note.batch());
        opened++;
      } catch (StorageException refused) {
        assertThat(refused).hasMessageContaining(home.resolve("store").toString());
        System.out.println("round " + round + ": " + refused.getMessage());
      } finally {
        deactivate(backend);
      }
    }
    System.out.println(opened + " of " + rounds + " stores opened after a power cut");
    assertThat(opened).as("stores that opened").isPositive();
  }

  /** Writes, flushes, closes and opens until it is killed. */
  public static final class Writer {
    private Writer() {}

    /** Takes the class of the test and a folder. */
    public static void main(String[] args) throws Exception {
      Constructor<?> constructor = Class.forName(args[0]).getDeclaredConstructor();
      constructor.setAccessible(true);
      PowerCutContract test = (PowerCutContract) constructor.newInstance();
      Path store = Path.of(args[1], "store");
      Path copies = Files.createDirectory(Path.of(args[1], "copies"));
      StorageBackend backend = test.activate();
      for (long number = 1; ; ) {
        try (KeyValueStore open = backend.open(store, COLUMNS, number == 1)) {
          test.written(store, copies);
          for (int i = 0; i < BATCHES_PER_OPENING; i++, number++) {
            open.write(NUMBERED.batch(number));
            test.written(store, copies);
            if (number % BATCHES_PER_FLUSH == 0) {
              open.flush();
              note(number, store, Path.of(args[1], NOTES));
            }
          }
        }
      }
    }

    private static void note(long number, Path store, Path notes) throws IOException {
      StringBuilder line = new StringBuilder().append(number);
      for (Path file : files(store)) {
        try {
          line.append(' ').append(file.getFileName()).append('=').append(Files.size(file));
        } catch (NoSuchFileException deleted) {
          continue;
        }
      }
      Files.writeString(notes, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  private static Note lastNote(Path notes) throws IOException {
    String text = Files.readString(notes);
    String[] lines = text.substring(0, text.lastIndexOf('\n')).split("\n");
    String[] parts = lines[lines.length - 1].split(" ");
    Map<String, Long> lengths = new HashMap<>();
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      lengths.put(parts[i].substring(0, equals), Long.parseLong(parts[i].substring(equals + 1)));
    }
    return new Note(Long.parseLong(parts[0]), lengths);
  }

  private void powerCut(Path home, Note note, Random random) throws IOException {
    boolean deleteNewer = random.nextBoolean();
    for (Path file : files(home.resolve("store"))) {
      Long noted = note.lengths().get(file.getFileName().toString());
      if (noted == null && deleteNewer && random.nextBoolean()) {
        Files.delete(file);
      } else if (noted != null || random.nextBoolean()) {
        cut(file, noted == null ? 0 : noted, home.resolve("copies"), random);
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
