// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A backend and one open store for each test of the contract, and what the tests share. */
abstract class StoreFixture {
  /** A column of general use. */
  protected static final Column META = new Column("META");

  /** A column of general use. */
  protected static final Column CODE = new Column("CODE");

  /** A column that is read at random keys. */
  protected static final Column ACCOUNTS = new Column("ACCOUNTS", Column.Access.RANDOM);

  /** A column that each batch rewrites. */
  protected static final Column NODES = new Column("ACCOUNT_TRIE", Column.Access.REWRITTEN);

  /** A column of large values. */
  protected static final Column BODIES = new Column("BODIES", Column.Access.LARGE_VALUES);

  /** The columns of the store under test. */
  protected static final List<Column> COLUMNS = List.of(META, CODE, ACCOUNTS, NODES, BODIES);

  @TempDir private Path folder;

  private StorageBackend backend;

  private KeyValueStore store;

  /** What the listener of the store has got. */
  private List<String> failures = List.of();

  /** Creates and activates a backend, as its bundle does when it starts. */
  protected abstract StorageBackend activate() throws Exception;

  /** Deactivates a backend, as its bundle does when it stops. */
  protected abstract void deactivate(StorageBackend backend) throws Exception;

  /** Returns the folder of the store under test; other folders of a test are siblings of it. */
  protected final Path folder() {
    return folder.resolve("store");
  }

  /** Returns the backend of this test. */
  protected final StorageBackend backend() {
    return backend;
  }

  /** Returns the store under test. */
  protected final KeyValueStore store() {
    return store;
  }

  /** Activates the backend and opens the store. */
  @BeforeEach
  public final void openStore() throws Exception {
    backend = activate();
    store = backend.open(folder(), COLUMNS, true);
    failures = listen(store);
  }

  /** Closes the store and deactivates the backend. */
  @AfterEach
  public final void closeStore() throws Exception {
    store.close();
    deactivate(backend);
  }

  /** Returns bytes from hexadecimal digits. */
  protected static byte[] key(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  static List<String> keys(KeyReader reader, Column column, String from) {
    List<String> out = new ArrayList<>();
    reader.scan(column, key(from), (k, v) -> out.add(HexFormat.of().formatHex(k)));
    return out;
  }

  static List<String> keys(KeyReader reader, Column column, String from, String until) {
    List<String> out = new ArrayList<>();
    reader.scan(column, key(from), key(until), (k, v) -> out.add(HexFormat.of().formatHex(k)));
    return out;
  }

  void put(Column column, String key, String value) {
    put(store, column, key, value);
  }

  static void put(KeyValueStore store, Column column, String key, String value) {
    WriteBatch batch = new WriteBatch();
    batch.put(column, key(key), key(value));
    store.write(batch);
  }

  /** Sets a listener; returns what it gets. */
  static List<String> listen(KeyValueStore store) {
    List<String> failures = new CopyOnWriteArrayList<>();
    store.setListener(
        new StoreListener() {
          @Override
          public void failed(String reason) {
            failures.add(reason);
          }

          @Override
          public void damaged(String reason) {
            failures.add("damaged: " + reason);
          }
        });
    return failures;
  }

  static void assertClosed(KeyValueStore store) {
    assertThatThrownBy(() -> store.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> store.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> store.count(META)).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> put(store, META, "01", "bb")).isInstanceOf(StorageException.class);
    assertThatThrownBy(store::flush).isInstanceOf(StorageException.class);
    assertThatThrownBy(store::snapshot).isInstanceOf(StorageException.class);
  }

  static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (Path file : files(from)) {
      try {
        Files.copy(file, to.resolve(file.getFileName()));
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }

  /** Opens the store again, after it was closed. */
  final void reopen(boolean create) {
    open(COLUMNS, create);
  }

  /** Opens the store again with other columns. */
  final void open(List<Column> columns, boolean create) {
    store = backend.open(folder(), columns, create);
    failures = listen(store);
  }

  /** Has a new backend in place of the one that was deactivated. */
  final void reactivate() throws Exception {
    backend = activate();
  }

  /** Returns what the listener of the store has got. */
  final List<String> failures() {
    return failures;
  }
}
