// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Creates folders so that they, and their entries, survive a power cut. Threading: any thread. */
public final class DurableFolders {
  private DurableFolders() {}

  /**
   * Creates a folder, and those above it, when it does not exist; they are on the disk on return.
   *
   * @throws IOException when the folder cannot be created, or is a file
   */
  public static void create(Path folder) throws IOException {
    Path existing = folder.toAbsolutePath();
    List<Path> changed = new ArrayList<>();
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
      if (existing != null) {
        changed.add(existing);
      }
    }
    Files.createDirectories(folder);
    for (Path parent : changed) {
      sync(parent);
    }
  }

  /** Returns when the entries of a folder are on the disk: files that were created or renamed. */
  public static void sync(Path folder) throws IOException {
    try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
      entries.force(true);
    }
  }
}
