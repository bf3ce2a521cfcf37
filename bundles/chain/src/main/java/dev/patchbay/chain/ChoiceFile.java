// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Which store the chain lives in, in a file that is replaced atomically: it decides after a crash.
 */
final class ChoiceFile {
  private final Path file;

  ChoiceFile(Path folder) {
    file = folder.resolve("storage");
  }

  /** Returns the choice; {@code fallback} when none was made yet. */
  String read(String fallback) {
    try {
      return Files.exists(file) ? Files.readString(file).strip() : fallback;
    } catch (IOException unreadable) {
      throw new StorageException("cannot read the choice of the store from " + file, unreadable);
    }
  }

  void write(String id) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Path next = file.resolveSibling("storage.new");
      try (FileChannel channel =
          FileChannel.open(
              next,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap((id + "\n").getBytes(StandardCharsets.US_ASCII)));
        channel.force(true);
      }
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failure) {
      throw new StorageException("cannot write the choice of the store to " + file, failure);
    }
  }
}
