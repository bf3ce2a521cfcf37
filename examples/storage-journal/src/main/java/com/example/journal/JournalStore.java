// SPDX-License-Identifier: Apache-2.0
package com.example.journal;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreFailure;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A store whose content is in memory, and whose batches are appended to a file before they are
 * seen. When an append fails, the store is closed: what the file holds then is decided when it is
 * opened again.
 *
 * <p>Threading: writers exclude each other, readers do not wait.
 */
final class JournalStore implements KeyValueStore {
  private final Path folder;
  private final JournalFile file;
  private final StoreFailure failure;
  private final Consumer<JournalStore> onClose;

  /** The content; null when the store is closed. */
  private volatile Content current;

  private JournalStore(
      Path folder, JournalFile file, Content content, Consumer<JournalStore> onClose) {
    this.folder = folder;
    this.file = file;
    this.failure = new StoreFailure(folder);
    this.current = content;
    this.onClose = onClose;
  }

  /** Opens a store, see {@link dev.patchbay.api.storage.StorageBackend#open}. */
  static JournalStore open(
      Path folder, List<Column> columns, boolean create, Consumer<JournalStore> onClose) {
    Set<String> names = columns.stream().map(Column::name).collect(Collectors.toSet());
    JournalFile file = JournalFile.open(folder, create);
    try {
      Content content = file.read();
      require(folder, content.names(), names, create);
      names.removeAll(content.names());
      if (!names.isEmpty()) {
        file.append(JournalFile.encode(names));
        names.forEach(content::add);
      }
      return new JournalStore(folder, file, content, onClose);
    } catch (IOException failed) {
      file.close();
      throw StorageException.cannotOpen(folder, failed);
    } catch (RuntimeException | Error refused) {
      file.close();
      throw refused;
    }
  }

  private static void require(Path folder, Set<String> stored, Set<String> asked, boolean create) {
    Set<String> unknown = new TreeSet<>(stored);
    unknown.removeAll(asked);
    if (!unknown.isEmpty()) {
      throw StorageException.unknownColumns(folder, unknown);
    }
    Set<String> missing = new TreeSet<>(asked);
    missing.removeAll(stored);
    if (!create && !missing.isEmpty()) {
      throw StorageException.incomplete(folder, "it has no columns " + missing);
    }
  }

  private Content content() {
    failure.requireNone();
    Content content = current;
    if (content == null) {
      throw new StorageException("the store in " + folder + " is closed");
    }
    return content;
  }

  @Override
  public synchronized void write(WriteBatch batch) {
    Content next = content().after(batch);
    byte[] record = JournalFile.encode(batch); // until here a failure has changed nothing
    try {
      file.append(record);
      current = next;
    } catch (IOException failed) {
      throw failure.fail("a batch was not written: " + failed.getMessage(), failed);
    } catch (RuntimeException | Error failed) {
      failure.fail();
      throw failed;
    }
  }

  /** Does nothing more than to check that the store is open: each batch is synced. */
  @Override
  public void flush() {
    content();
  }

  @Override
  public void setListener(StoreListener listener) {
    failure.setListener(listener);
  }

  @Override
  public long sizeInBytes() {
    content();
    return file.length();
  }

  @Override
  public void close() {
    synchronized (this) {
      current = null;
      file.close();
    }
    onClose.accept(this);
  }

  @Override
  public byte[] get(Column column, byte[] key) {
    return content().get(column, key);
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    content().scan(column, from, visitor);
  }

  @Override
  public long count(Column column) {
    return content().count(column);
  }

  @Override
  public Snapshot snapshot() {
    return new View(content());
  }

  /** The content at one moment; reads fail when the store or the view is closed. */
  private final class View implements Snapshot {
    private volatile Content kept;

    View(Content kept) {
      this.kept = kept;
    }

    private Content kept() {
      content();
      Content content = kept;
      if (content == null) {
        throw new StorageException("the snapshot of the store in " + folder + " is closed");
      }
      return content;
    }

    @Override
    public byte[] get(Column column, byte[] key) {
      return kept().get(column, key);
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      kept().scan(column, from, visitor);
    }

    @Override
    public long count(Column column) {
      return kept().count(column);
    }

    @Override
    public void close() {
      kept = null;
    }
  }
}
