// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageControl.Stage;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.storage.memory.MemoryStore;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StorageManagerTest {
  private static final byte[] KEY = {1, 2, 3};

  @TempDir Path folder;
  private final ReentrantLock imports = new ReentrantLock();
  private final Named a = new Named("a");
  private final Named b = new Named("b");
  private StorageManager.StageHook hook = stage -> {};
  private StorageManager manager;

  @BeforeEach
  void twoStores() {
    manager =
        new StorageManager(new ChoiceFile(folder), imports, "a", stage -> hook.reached(stage));
    assertThat(manager.add(a)).as("a is the chosen one").isTrue();
    assertThat(manager.add(b)).isFalse();
    manager.bind(a);
    for (int i = 0; i < 1_000; i++) {
      put(a, Column.ACCOUNTS, Keys.number(i), Keys.number(i));
    }
    put(a, Column.META, Keys.GENESIS, new byte[] {7});
    put(a, Column.META, Keys.HEAD, new byte[] {8});
  }

  private static void put(KeyValueStore store, Column column, byte[] key, byte[] value) {
    WriteBatch batch = new WriteBatch();
    batch.put(column, key, value);
    store.write(batch);
  }

  @Test
  void movesTheChainAndRemembersTheChoice() {
    assertThat(manager.migrate("b").stage()).isEqualTo(Stage.DONE);
    assertThat(manager.chosen()).isEqualTo("b");
    assertThat(new ChoiceFile(folder).read("a")).isEqualTo("b");
    assertThat(manager.lease().get()).isSameAs(b);
    assertThat(b.count(Column.ACCOUNTS)).isEqualTo(1_000);
    assertThat(b.count(Column.META)).as("no marker is left").isEqualTo(2);
  }

  @Test
  void whatIsWrittenMeanwhileArrivesToo() {
    hook =
        stage -> {
          if (stage == Stage.COPY || stage == Stage.CATCH_UP) {
            WriteBatch batch = new WriteBatch();
            batch.put(Column.SLOTS, Keys.number(stage.ordinal()), KEY);
            batch.delete(Column.ACCOUNTS, Keys.number(stage.ordinal()));
            imports.lock();
            manager.write(a, batch);
            imports.unlock();
          }
        };
    manager.migrate("b");
    for (Stage stage : new Stage[] {Stage.COPY, Stage.CATCH_UP}) {
      assertThat(b.get(Column.SLOTS, Keys.number(stage.ordinal()))).isEqualTo(KEY);
      assertThat(b.get(Column.ACCOUNTS, Keys.number(stage.ordinal()))).isNull();
    }
    assertThat(b.count(Column.ACCOUNTS)).isEqualTo(998);
  }

  @Test
  void aTargetWithAnotherChainIsRefusedAndKept() {
    put(b, Column.META, Keys.GENESIS, new byte[] {9});
    put(b, Column.ACCOUNTS, KEY, KEY);
    assertThatThrownBy(() -> manager.migrate("b"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("holds another chain");
    assertThat(b.get(Column.ACCOUNTS, KEY)).isEqualTo(KEY);
    assertThat(manager.lease().get()).isSameAs(a);
  }

  @ParameterizedTest
  @EnumSource(names = {"PREPARE", "COPY", "CATCH_UP", "FENCE", "REPLACE"})
  void aFailureLeavesTheOldStoreAndTheTargetCanBeTriedAgain(Stage failing) {
    hook =
        stage -> {
          if (stage == failing) {
            throw new IllegalStateException("broken");
          }
        };
    assertThatThrownBy(() -> manager.migrate("b")).hasMessageContaining("broken");
    assertThat(manager.progress().stage()).isEqualTo(Stage.FAILED);
    assertThat(manager.chosen()).isEqualTo("a");
    assertThat(new ChoiceFile(folder).read("a")).isEqualTo("a");
    assertThat(manager.lease().get()).isSameAs(a);
    assertThat(imports.isLocked()).isFalse();
    hook = stage -> {};
    assertThat(manager.migrate("b").stage()).isEqualTo(Stage.DONE);
  }

  @Test
  void aStoreThatGoesIsNotReplacedByAnother() {
    manager.remove(a);
    assertThat(manager.isBound()).isFalse();
    assertThatThrownBy(manager::lease)
        .isInstanceOf(StorageUnavailableException.class)
        .hasMessageContaining("'a'");
    assertThatThrownBy(() -> manager.migrate("b")).isInstanceOf(StorageUnavailableException.class);
  }

  @Test
  void aNewerBuildOfTheStoreSurvivesTheRemovalOfTheOld() {
    Named newer = new Named("a");
    assertThat(manager.add(newer)).isTrue();
    manager.bind(newer);
    manager.remove(a);
    assertThat(manager.lease().get()).isSameAs(newer);
    assertThat(manager.stores()).hasSize(2);
  }

  @Test
  void unknownAndPresentTargetsAreTold() {
    assertThatThrownBy(() -> manager.migrate("c"))
        .hasMessageContaining("there is no store 'c'")
        .hasMessageContaining("[a, b]");
    assertThatThrownBy(() -> manager.migrate("a")).hasMessageContaining("already");
  }

  /** A store in memory under another name. */
  private static final class Named implements KeyValueStore {
    private final String id;
    private final MemoryStore store = new MemoryStore();

    Named(String id) {
      this.id = id;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public boolean isDurable() {
      return false;
    }

    @Override
    public void write(WriteBatch batch) {
      store.write(batch);
    }

    @Override
    public Snapshot snapshot() {
      return store.snapshot();
    }

    @Override
    public void clear() {
      store.clear();
    }

    @Override
    public long sizeInBytes() {
      return store.sizeInBytes();
    }

    @Override
    public byte[] get(Column column, byte[] key) {
      return store.get(column, key);
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      store.scan(column, from, visitor);
    }

    @Override
    public long count(Column column) {
      return store.count(column);
    }
  }
}
