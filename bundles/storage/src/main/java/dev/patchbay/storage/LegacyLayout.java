// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.binding.DurableFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Upgrades a data directory of the time before stores had names. It had a folder {@code
 * storage-BACKEND} for each backend that was ever installed, and, after a migration, a file {@code
 * storage} that named one of them.
 */
final class LegacyLayout {
  private static final Logger LOG = LoggerFactory.getLogger(LegacyLayout.class);

  /** The only store of that time. */
  static final String STORE = "chain";

  /** Holds the choice of that time, or nothing, until the store is adopted. */
  private static final String MARK = "legacy";

  private static final String PREFIX = "storage-";
  private static final String SUFFIX = "-0";
  private static final Column META = new Column("META");
  private static final byte[] UNFINISHED =
      "migration-incomplete".getBytes(StandardCharsets.US_ASCII);

  private final String name;
  private final List<Column> columns;
  private final StoreOwner owner;
  private final StoreFolder folder;
  private final Settings settings;
  private final StoreOpener opener;

  LegacyLayout(
      String name,
      List<Column> columns,
      StoreOwner owner,
      StoreFolder folder,
      Settings settings,
      StoreOpener opener) {
    this.name = name;
    this.columns = columns;
    this.owner = owner;
    this.folder = folder;
    this.settings = settings;
    this.opener = opener;
  }

  /**
   * Moves the folders of an old data directory to where copies are. Each step may be repeated, so
   * that a crash in between is made up for by the next start.
   */
  static void move(Path data, StoreFolder folder) {
    Path choice = data.resolve("storage");
    List<Path> folders = folders(data);
    if (folders.isEmpty() && !Files.isRegularFile(choice)) {
      return;
    }
    try {
      if (!isPending(folder)) {
        folder.write(MARK, Files.exists(choice) ? Files.readString(choice).strip() : "");
      }
      for (Path old : folders) {
        String backend = old.getFileName().toString().substring(PREFIX.length());
        Files.move(old, folder.path().resolve(backend + SUFFIX), StandardCopyOption.ATOMIC_MOVE);
      }
      DurableFolders.sync(folder.path());
      Files.deleteIfExists(choice);
      DurableFolders.sync(data);
      LOG.info("the stores of {} were moved to {}", data, folder.path());
    } catch (IOException failure) {
      throw StorageException.of(
          "cannot move the stores of " + data + " to " + folder.path() + ": " + failure, failure);
    }
  }

  private static List<Path> folders(Path data) {
    if (!Files.isDirectory(data)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(data)) {
      return files
          .filter(Files::isDirectory)
          .filter(file -> file.getFileName().toString().matches(PREFIX + "(mapdb|rocksdb)"))
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw StorageException.of("cannot read " + data + ": " + failure, failure);
    }
  }

  /** Returns whether moved folders wait for a choice. */
  static boolean isPending(StoreFolder folder) {
    return folder.readMark(MARK) != null;
  }

  /** Finds the folder that holds the store, and writes the choice of it. */
  StoreOpener.Attempt adopt() {
    String named = String.valueOf(folder.readMark(MARK));
    Map<String, String> contents = new TreeMap<>();
    List<String> empty = new ArrayList<>();
    for (String copy : folder.copies()) {
      String id = copy.substring(0, copy.length() - SUFFIX.length());
      if (folder.isEmpty(copy)) {
        empty.add(id);
        continue;
      }
      StorageBackend backend = find(id);
      if (backend == null) {
        return opener.missing(id, null);
      }
      // an upgrade that was interrupted has added the column of the kernel
      try (KeyValueStore store =
          backend.open(folder.path().resolve(copy), opener.allColumns(), true)) {
        if (isComplete(store)) {
          contents.put(id, owner.describe(store));
        } else {
          empty.add(id);
        }
      }
    }
    String required = settings.required(name);
    String chosen = choose(named, required, contents);
    if (!chosen.isEmpty() && !contents.containsKey(chosen)) {
      return lost(chosen, contents, empty);
    }
    empty.forEach(id -> folder.delete(id + SUFFIX));
    if (chosen.isEmpty()) {
      folder.remove(MARK);
      return opener.begin(settings.initial(name), null);
    }
    if (required != null && !required.equals(chosen)) {
      throw opener.elsewhere(chosen, required);
    }
    Choice.Copy copy = marked(chosen);
    Choice.Copy previous = null;
    if (!named.isEmpty() && contents.size() == 2) {
      previous =
          marked(contents.keySet().stream().filter(id -> !id.equals(chosen)).toList().get(0));
    }
    folder.writeChoice(new Choice(copy, true, false, previous));
    folder.remove(MARK);
    LOG.info("store {} is in {}: {}", name, chosen, contents.get(chosen));
    return opener.open(folder.readChoice());
  }

  /** Returns the backend that holds the store; empty when none does. */
  private String choose(String named, @Nullable String required, Map<String, String> contents) {
    if (!named.isEmpty()) {
      return named;
    }
    if (contents.size() == 1) {
      return contents.keySet().iterator().next();
    }
    if (contents.isEmpty() || (required != null && contents.containsKey(required))) {
      return contents.isEmpty() ? "" : String.valueOf(required);
    }
    throw new StorageException(
        "more than one backend holds store '"
            + name
            + "': "
            + contents
            + ". Nothing was changed. Name the one to use with --storage");
  }

  /** The choice names a store without content: it was in memory, or its files are damaged. */
  private StoreOpener.Attempt lost(
      String chosen, Map<String, String> contents, List<String> empty) {
    StorageBackend backend = find(chosen);
    if (backend == null) {
      return opener.missing(chosen, null);
    }
    if (backend.isDurable()) {
      throw new StorageException(
          "store '"
              + name
              + "' is said to be in '"
              + chosen
              + "', which holds nothing of it; others hold "
              + contents
              + ". Nothing was changed. Restore the files from a backup, or start with another --datadir");
    }
    empty.forEach(id -> folder.delete(id + SUFFIX));
    Choice.Copy previous =
        contents.size() == 1 ? marked(contents.keySet().iterator().next()) : null;
    folder.writeChoice(
        new Choice(Choice.Copy.create(chosen, null, columns), false, false, previous));
    folder.remove(MARK);
    return opener.open(folder.readChoice());
  }

  /** Writes an identity into a folder. */
  private Choice.Copy marked(String id) {
    StorageBackend backend = find(id);
    if (backend == null) {
      throw new IllegalStateException("the backend " + id + " was removed");
    }
    String folderName = id + SUFFIX;
    try (KeyValueStore store =
        backend.open(folder.path().resolve(folderName), opener.allColumns(), true)) {
      String identity = Identity.read(store);
      if (identity == null) {
        identity = Identity.create();
        Identity.write(store, identity);
      }
      return new Choice.Copy(id, folderName, identity, Choice.Copy.names(columns), null);
    }
  }

  private @Nullable StorageBackend find(String id) {
    Backends.Installed found = opener.find(id, null);
    return found == null ? null : found.backend();
  }

  private boolean isComplete(KeyValueStore store) {
    return columns.stream().anyMatch(column -> !store.isEmpty(column))
        && store.get(META, UNFINISHED) == null;
  }
}
