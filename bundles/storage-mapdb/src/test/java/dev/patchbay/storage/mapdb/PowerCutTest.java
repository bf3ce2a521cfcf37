// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.storage.tck.PowerCutContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Random;

/**
 * The data file is mapped, and synced when the journal is emptied. A power cut leaves each page of
 * it as at that time or as written since.
 */
class PowerCutTest extends PowerCutContract {
  private static final int PAGE_BYTES = 4_096;

  /** The first commit of a journal, by its header, which has a checksum. */
  private static final int JOURNAL_HEAD_BYTES = 12;

  private long journalBytes = Long.MAX_VALUE;

  @Override
  protected StorageBackend activate() {
    return new MapDbBackend();
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((MapDbBackend) backend).deactivate();
  }

  /** Copies the data file when it was synced, and notes the journal that began then. */
  @Override
  protected void written(Path store, Path copies) throws IOException {
    Path journal = store.resolve("chain.mapdb.journal");
    long bytes = Files.size(journal);
    if (bytes < journalBytes) {
      Files.deleteIfExists(copies.resolve("head"));
      Path copy = copies.resolve("copying");
      Files.copy(store.resolve("chain.mapdb"), copy, StandardCopyOption.REPLACE_EXISTING);
      Files.move(copy, copies.resolve("synced"), StandardCopyOption.REPLACE_EXISTING);
    } else if (!Files.exists(copies.resolve("head"))) {
      Files.write(copies.resolve("copying"), head(journal));
      Files.move(copies.resolve("copying"), copies.resolve("head"));
    }
    journalBytes = bytes;
  }

  private static byte[] head(Path journal) throws IOException {
    byte[] content = Files.readAllBytes(journal);
    return Arrays.copyOf(content, Math.min(content.length, JOURNAL_HEAD_BYTES));
  }

  @Override
  protected void cut(Path file, long noted, Path copies, Random random) throws IOException {
    if (!file.getFileName().toString().equals("chain.mapdb")) {
      truncate(file, noted, random);
    } else if (Files.exists(copies.resolve("head"))
        && Arrays.equals(
            Files.readAllBytes(copies.resolve("head")),
            head(file.resolveSibling("chain.mapdb.journal")))) {
      restorePages(file, copies.resolve("synced"), random);
    }
  }

  /** Gives a random share of the pages, and of what the file has grown by, its synced content. */
  private static void restorePages(Path file, Path synced, Random random) throws IOException {
    byte[] now = Files.readAllBytes(file);
    byte[] old = Files.readAllBytes(synced);
    int share = random.nextInt(101);
    for (int page = 0; page < now.length; page += PAGE_BYTES) {
      if (random.nextInt(100) < share) {
        Arrays.fill(now, page, page + PAGE_BYTES, (byte) 0);
        if (page < old.length) {
          System.arraycopy(old, page, now, page, PAGE_BYTES);
        }
      }
    }
    int length = random.nextBoolean() ? now.length : old.length;
    Files.write(file, Arrays.copyOf(now, length));
  }
}
