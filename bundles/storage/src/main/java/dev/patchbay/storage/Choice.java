// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.StorageException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The choice of the backend of a store, as the choice file holds it. The file exists once the store
 * has its first content, and decides alone which files are opened.
 *
 * @param copy the files that hold the store
 * @param durable whether the backend is durable
 * @param lossAccepted whether the store was begun in a backend that is not durable: its content is
 *     given up at the end of the process
 * @param previous the copy that the latest migration left behind; null when there was none
 * @param obsolete the folders of copies that are older than these two; they are deleted once the
 *     store is bound
 */
record Choice(
    Copy copy,
    boolean durable,
    boolean lossAccepted,
    @Nullable Copy previous,
    List<String> obsolete) {

  /** Creates a choice that leaves no copy obsolete. */
  Choice(Copy copy, boolean durable, boolean lossAccepted, @Nullable Copy previous) {
    this(copy, durable, lossAccepted, previous, List.of());
  }

  /**
   * The files of a store in one backend.
   *
   * @param backend the backend
   * @param folder the name of the folder
   * @param identity what the store holds in {@link Identity}: other files in the same place are
   *     noticed by it
   * @param columns the names of the columns that the files have, without that of the kernel
   * @param bundle the symbolic name of the bundle of the backend; null when the choice was written
   *     by an older node
   */
  record Copy(
      String backend,
      String folder,
      String identity,
      List<String> columns,
      @Nullable String bundle) {
    /** Returns a copy in a new folder with a new identity. */
    static Copy create(String backend, @Nullable String bundle, List<Column> columns) {
      String identity = Identity.create();
      String folder = backend + "-" + identity.substring(0, 8);
      return new Copy(backend, folder, identity, names(columns), bundle);
    }

    /** Returns the names of columns. */
    static List<String> names(List<Column> columns) {
      return columns.stream().map(Column::name).toList();
    }

    Copy withColumns(List<Column> grown) {
      return new Copy(backend, folder, identity, names(grown), bundle);
    }

    Copy withBundle(String provider) {
      return new Copy(backend, folder, identity, columns, provider);
    }

    /** Returns whether the files are of a backend; any bundle has it while none is known. */
    boolean isOf(Backends.Installed installed) {
      return backend.equals(installed.id())
          && (bundle == null || bundle.equals(installed.bundle()));
    }

    private String toText() {
      return backend + " " + folder + " " + identity + " " + String.join(",", columns);
    }

    private static Copy parse(String text, @Nullable String bundle) {
      String[] parts = text.split(" ", -1);
      if (parts.length != 4
          || !parts[0].matches(BACKEND)
          || !parts[1].matches(BACKEND)
          || !parts[2].matches("[0-9a-f]{32}")) {
        throw new IllegalArgumentException("'" + text + "' names no copy");
      }
      if (bundle != null && !isBundle(bundle)) {
        throw new IllegalArgumentException("'" + bundle + "' names no bundle");
      }
      return new Copy(parts[0], parts[1], parts[2], List.of(parts[3].split(",")), bundle);
    }
  }

  /** The form of the names of backends and folders. */
  static final String BACKEND = "[a-z0-9][a-z0-9-]{0,63}";

  private static final String CHECKSUM = "crc32=";

  /** Returns whether a choice can have the symbolic name of a bundle. */
  static boolean isBundle(String symbolicName) {
    return symbolicName.matches("[A-Za-z0-9_.-]{1,255}");
  }

  /** Returns whether a folder is that of the store, or of the copy before it. */
  boolean names(String folder) {
    Copy before = previous;
    return copy.folder().equals(folder) || (before != null && before.folder().equals(folder));
  }

  /**
   * Returns a choice after a migration from this one.
   *
   * @param folders the folders that exist
   */
  Choice moved(Copy target, boolean targetDurable, List<String> folders) {
    List<String> older = new ArrayList<>(obsolete);
    Copy before = previous;
    if (before != null) {
      older.add(before.folder());
    }
    older.retainAll(folders);
    return new Choice(target, targetDurable, false, copy, List.copyOf(older));
  }

  /** Returns this choice after its copy has got other columns. */
  Choice withColumns(List<Column> columns) {
    return new Choice(copy.withColumns(columns), durable, lossAccepted, previous, obsolete);
  }

  /** Returns this choice after a bundle has opened its copy. */
  Choice withBundle(String bundle) {
    return new Choice(copy.withBundle(bundle), durable, lossAccepted, previous, obsolete);
  }

  /**
   * Returns the content of the choice file. Bundles have lines of their own, which older nodes read
   * over.
   */
  String toText() {
    StringBuilder text = new StringBuilder();
    text.append("copy=").append(copy.toText()).append('\n');
    text.append("durable=").append(durable).append('\n');
    text.append("loss-accepted=").append(lossAccepted).append('\n');
    Copy before = previous;
    if (before != null) {
      text.append("previous=").append(before.toText()).append('\n');
    }
    if (copy.bundle() != null) {
      text.append("bundle=").append(copy.bundle()).append('\n');
    }
    if (before != null && before.bundle() != null) {
      text.append("previous-bundle=").append(before.bundle()).append('\n');
    }
    if (!obsolete.isEmpty()) {
      text.append("obsolete=").append(String.join(",", obsolete)).append('\n');
    }
    return text + CHECKSUM + checksum(text.toString()) + '\n';
  }

  /**
   * Reads the content of a choice file.
   *
   * @throws StorageException when it is not what {@link #toText} writes
   */
  static Choice parse(String text) {
    int end = text.lastIndexOf(CHECKSUM);
    if (end < 0
        || !text.substring(end).equals(CHECKSUM + checksum(text.substring(0, end)) + '\n')) {
      throw new StorageException("its checksum does not match");
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (String line : text.substring(0, end).split("\n")) {
      int equals = line.indexOf('=');
      values.put(line.substring(0, Math.max(0, equals)), line.substring(equals + 1));
    }
    try {
      String before = values.get("previous");
      return new Choice(
          Copy.parse(required(values, "copy"), values.get("bundle")),
          Boolean.parseBoolean(required(values, "durable")),
          Boolean.parseBoolean(required(values, "loss-accepted")),
          before == null ? null : Copy.parse(before, values.get("previous-bundle")),
          folders(values.get("obsolete")));
    } catch (IllegalArgumentException malformed) {
      throw new StorageException(String.valueOf(malformed.getMessage()), malformed);
    }
  }

  private static List<String> folders(@Nullable String list) {
    if (list == null) {
      return List.of();
    }
    List<String> folders = List.of(list.split(","));
    if (!folders.stream().allMatch(folder -> folder.matches(BACKEND))) {
      throw new IllegalArgumentException("'" + list + "' names no folders");
    }
    return folders;
  }

  private static String required(Map<String, String> values, String key) {
    String value = values.get(key);
    if (value == null) {
      throw new IllegalArgumentException("key " + key + " is missing");
    }
    return value;
  }

  private static String checksum(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return String.format("%08x", crc.getValue());
  }
}
