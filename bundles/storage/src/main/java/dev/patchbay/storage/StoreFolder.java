// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.DurableFiles;
import dev.patchbay.binding.DurableFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of a named store, {@code DATADIR/stores/NAME}: the choice file, and a folder for each
 * copy. The file {@code incomplete} names the folder of a copy that is being made; it is written
 * before that folder, and removed once the choice names the copy.
 *
 * <p>Small files are replaced atomically and are durable, their folder included, when a method
 * returns.
 */
final class StoreFolder {
  private static final Logger LOG = LoggerFactory.getLogger(StoreFolder.class);
  private static final String CHOICE = "choice";
  private static final String INCOMPLETE = "incomplete";

  private final Path root;

  StoreFolder(Path root) {
    this.root = root;
  }

  Path path() {
    return root;
  }

  /** Returns where a copy has its files. */
  Path of(Choice.Copy copy) {
    return root.resolve(copy.folder());
  }

  /**
   * Returns the choice; null when the store was never opened.
   *
   * @throws StorageException when the file is damaged
   */
  @Nullable Choice readChoice() {
    Path file = root.resolve(CHOICE);
    String text = read(file);
    if (text == null) {
      return null;
    }
    try {
      return Choice.parse(text);
    } catch (StorageException damaged) {
      throw new StorageException(
          "the file "
              + file
              + ", which says where the store is, is damaged: "
              + damaged.getMessage()
              + ". Nothing was changed. Restore it from a backup; the folders beside it are "
              + copies(),
          damaged);
    }
  }

  void writeChoice(Choice choice) {
    write(CHOICE, choice.toText());
  }

  /** Writes down that a copy is being made. */
  void markIncomplete(Choice.Copy copy) {
    write(INCOMPLETE, copy.folder());
  }

  void clearIncomplete() {
    remove(INCOMPLETE);
  }

  /** Deletes a copy whose making was interrupted by the end of the process. */
  void dropIncomplete(@Nullable Choice choice) {
    String folder = read(root.resolve(INCOMPLETE));
    if (folder == null) {
      return;
    }
    boolean chosen = choice != null && choice.copy().folder().equals(folder);
    if (!chosen && folder.matches(Choice.BACKEND)) {
      delete(folder);
    }
    clearIncomplete();
  }

  /** Returns the names of the folders of copies, in order. */
  List<String> copies() {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(root)) {
      return files
          .filter(Files::isDirectory)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw StorageException.of("cannot read " + root + ": " + failure, failure);
    }
  }

  /** Returns whether the folder of a copy has no files. */
  boolean isEmpty(String copy) {
    try (Stream<Path> files = Files.list(root.resolve(copy))) {
      return files.findAny().isEmpty();
    } catch (IOException failure) {
      throw StorageException.of("cannot read " + root.resolve(copy) + ": " + failure, failure);
    }
  }

  /** Returns the bytes of the files of a copy; 0 when there are none. */
  long bytes(Choice.Copy copy) {
    try (Stream<Path> files = Files.list(of(copy))) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException none) {
      return 0;
    }
  }

  /** Deletes a copy. */
  void delete(String folder) {
    Path copy = root.resolve(folder);
    if (!Files.isDirectory(copy)) {
      return;
    }
    try {
      Files.walkFileTree(copy, new Deletion());
      DurableFolders.sync(root);
    } catch (IOException failure) {
      throw StorageException.of("cannot delete " + copy + ": " + failure, failure);
    }
  }

  /** Deletes the copies that a choice says are obsolete. */
  void deleteObsolete(Choice choice) {
    List<String> copies = copies();
    for (String obsolete : choice.obsolete()) {
      if (copies.contains(obsolete) && !choice.names(obsolete)) {
        delete(obsolete);
        LOG.info("{}: the copy in {} is older, and removed", of(choice.copy()), obsolete);
      }
    }
  }

  /** Returns the content of a small file of this folder without the line end; null without it. */
  @Nullable String readMark(String name) {
    return read(root.resolve(name));
  }

  /** Writes a small file of this folder. */
  void write(String name, String content) {
    Path file = root.resolve(name);
    try {
      DurableFiles.replace(file, content.getBytes(StandardCharsets.UTF_8));
    } catch (IOException failure) {
      throw StorageException.of("cannot write " + file + ": " + failure, failure);
    }
  }

  /** Removes a small file of this folder. */
  void remove(String name) {
    try {
      if (Files.deleteIfExists(root.resolve(name))) {
        DurableFolders.sync(root);
      }
    } catch (IOException failure) {
      throw StorageException.of("cannot remove " + root.resolve(name) + ": " + failure, failure);
    }
  }

  private static @Nullable String read(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : null;
    } catch (IOException failure) {
      throw StorageException.of("cannot read " + file + ": " + failure, failure);
    }
  }

  private static final class Deletion extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      Files.delete(folder);
      return FileVisitResult.CONTINUE;
    }
  }
}
