// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What must be there when a store is opened again, and what must not be opened. */
abstract class DurabilityContract extends FailureContract {
  /** {@code flush} may be called at any time, also without writes, and keeps the content. */
  @Test
  public void flushKeepsTheContent() throws Exception {
    store().flush();
    put(META, "01", "aa");
    store().flush();
    store().flush();
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    if (backend().isDurable()) {
      store().close();
      reopen(false);
      assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    }
  }

  /** Without {@code create}, a store that does not exist is an error and no file is made. */
  @Test
  public void aMissingStoreIsNotCreated() throws Exception {
    Path missing = folder().resolveSibling("missing");
    assertThatThrownBy(() -> backend().open(missing, COLUMNS, false))
        .isInstanceOf(StorageException.class);
    assertThat(missing).doesNotExist();
    Files.createDirectory(missing);
    assertThatThrownBy(() -> backend().open(missing, COLUMNS, false))
        .isInstanceOf(StorageException.class);
    assertThat(missing).isEmptyDirectory();
  }

  /**
   * Without {@code create}, a column that does not exist is an error that names it, and the store
   * is as before; with {@code create} the column is created.
   */
  @Test
  public void aMissingColumnIsNamed() throws Exception {
    if (!backend().isDurable()) {
      return;
    }
    put(META, "01", "aa");
    store().close();
    List<Column> more = new ArrayList<>(COLUMNS);
    more.add(new Column("ADDED"));
    assertThatThrownBy(() -> backend().open(folder(), more, false))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("ADDED")
        .hasMessageContaining("incomplete");
    reopen(false);
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    store().close();
    open(more, true);
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(store().count(new Column("ADDED"))).isZero();
  }

  /** A column that exists and is not asked for is an error that names it. */
  @Test
  public void anUnknownColumnIsNamed() throws Exception {
    if (!backend().isDurable()) {
      return;
    }
    put(META, "01", "aa");
    store().close();
    for (boolean create : new boolean[] {false, true}) {
      assertThatThrownBy(() -> backend().open(folder(), List.of(META, CODE, ACCOUNTS), create))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(NODES.name())
          .hasMessageContaining(BODIES.name());
    }
    reopen(false);
    assertThat(store().get(META, key("01"))).isEqualTo(key("aa"));
  }

  /** A store that lost one of its files is refused, or reads fail: it is never empty. */
  @Test
  public void aStoreWithoutOneOfItsFilesIsNotEmpty() throws Exception {
    if (!backend().isDurable()) {
      return;
    }
    for (Column column : COLUMNS) {
      put(column, "01", "aa".repeat(3_000));
    }
    store().close();
    for (Path file : files(folder())) {
      Path copy = folder().resolveSibling("without-" + file.getFileName());
      copy(folder(), copy);
      Files.delete(copy.resolve(file.getFileName()));
      for (boolean create : new boolean[] {false, true}) {
        try (KeyValueStore opened = backend().open(copy, COLUMNS, create)) {
          for (Column column : COLUMNS) {
            assertThat(opened.get(column, key("01")))
                .as(file + " " + column)
                .isEqualTo(key("aa".repeat(3_000)));
          }
        } catch (StorageException refused) {
          assertThat(refused).hasMessageContaining(copy.toString());
        }
      }
    }
    reopen(false);
  }
}
