// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageControl.Stage;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.TransientStorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Loop;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A store that fails, or is refused for a reason that ceases, is opened again by the node. */
@Timeout(60)
class StoreRecoveryTest {
  private static final Column ITEMS = new Column("ITEMS");
  private static final byte[] KEY = {1};
  private static final String NAME = "chain";

  @TempDir Path data;
  private final FileBackend fast = new FileBackend("rocksdb", true);
  private final FileBackend slow = new FileBackend("mapdb", true);
  private FileBackend memory = new FileBackend("memory", false);
  private final Owner owner = new Owner();
  private List<Column> columns = List.of(ITEMS);
  private StoreRegistry.StageHook hook = stage -> {};
  private StoreRegistry registry;
  private ManagedStore check;
  private NamedStore store;

  /** Reports each opening. */
  private static final class Owner extends TestOwner {
    private final BlockingQueue<KeyValueStore> opened = new LinkedBlockingQueue<>();

    @Override
    public void opened(KeyValueStore store) {
      opened.add(store);
    }
  }

  @AfterEach
  void stop() {
    registry.close();
    assertThat(FileBackend.OPEN).isEmpty();
  }

  private void start() {
    start(new Settings("rocksdb", Map.of(), Set.of()));
  }

  private void start(Settings settings) {
    registry =
        new StoreRegistry(
            data,
            settings,
            stage -> hook.reached(stage),
            new ProcessMemory(new HashMap<>()),
            1 << 20,
            registered -> {
              check = (ManagedStore) registered;
              return () -> {};
            });
    for (FileBackend backend : new FileBackend[] {fast, slow, memory}) {
      registry.addBackend(backend, "bundle");
    }
    store = registry.register(NAME, columns, owner);
  }

  private void write(byte[] value) {
    owner.writeLock().lock();
    try {
      WriteBatch batch = new WriteBatch();
      batch.put(ITEMS, KEY.clone(), value);
      store.write(batch);
    } finally {
      owner.writeLock().unlock();
    }
  }

  private byte[] read() {
    try (StoreLease lease = store.lease()) {
      return lease.get().get(ITEMS, KEY.clone());
    }
  }

  /** Waits until the owner has seen so many more openings, and the store is bound. */
  private void awaitOpened(int openings) throws InterruptedException {
    for (int i = 0; i < openings; i++) {
      assertThat(owner.opened.poll(30, TimeUnit.SECONDS)).isNotNull();
    }
    synchronized (check) { // the last opening is done
      assertThat(store.isBound()).isTrue();
    }
  }

  private List<String> folders() throws IOException {
    try (Stream<Path> files = Files.list(data.resolve("stores").resolve(NAME))) {
      return files
          .filter(Files::isDirectory)
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    }
  }

  // ---- a store that fails

  @Test
  void aStoreThatFailsIsUnboundAtOnceAndOpenedAgain() throws Exception {
    start();
    awaitOpened(1);
    write(new byte[] {7});
    CountDownLatch go = new CountDownLatch(1);
    fast.beforeOpen = () -> await(go);
    StoreLease before = store.lease();
    fast.listener.failed("the disk is broken");

    assertThat(store.isBound()).isFalse();
    assertThatThrownBy(store::lease)
        .isInstanceOf(StorageUnavailableException.class)
        .hasMessageContaining("storage unavailable: the disk is broken");
    assertThatThrownBy(() -> before.get().write(new WriteBatch()))
        .isInstanceOf(StorageUnavailableException.class);
    assertThat(check.check().status()).isEqualTo(Health.Status.UNAVAILABLE);
    assertThat(check.check().message()).contains("the disk is broken", "opens it again by itself");
    before.close();

    go.countDown();
    awaitOpened(1);
    assertThat(read()).containsExactly(7);
    assertThat(check.check().status()).isEqualTo(Health.Status.HEALTHY);
    assertThat(FileBackend.OPEN).as("the failed one is closed").hasSize(1);
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void aStoreThatIsFoundDamagedAfterItsFailureIsNotServed() throws Exception {
    start();
    awaitOpened(1);
    CountDownLatch refused = new CountDownLatch(3);
    fast.beforeOpen =
        () -> {
          refused.countDown();
          throw refused.getCount() > 0
              ? new TransientStorageException("too many open files")
              : new StorageException("its files are damaged");
        };
    fast.listener.failed("the disk is broken");
    refused.await();
    synchronized (check) {
      assertThat(check.check().status()).isEqualTo(Health.Status.FAILED);
    }
    assertThat(check.check().message()).isEqualTo("its files are damaged");
    assertThat(store.isBound()).isFalse();
    assertThat(check.reopen()).as("only an operator can help").isEqualTo(Loop.UNTIL_WOKEN);
    assertThat(fast.opens).hasValue(4);
    fast.beforeOpen = () -> {};
    registry.addBackend(memory, "bundle"); // whatever arrives, all stores are tried
    awaitOpened(1);
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void aStoreThatFailsAgainAndAgainIsNotOpenedInAHotLoop() throws Exception {
    start();
    awaitOpened(1);
    for (int i = 0; i < 4; i++) {
      fast.listener.failed("failure " + i);
      awaitOpened(1);
    }
    fast.listener.failed("the last one");
    assertThat(check.reopen()).as("milliseconds to wait").isBetween(1_000L, 1_601L);
    assertThat(fast.opens).hasValue(5);
    assertThat(check.check().message()).contains("the last one");
  }

  /** A store that an upgrade gives a column to, while the disk is full. */
  @Test
  void aStoreWhoseGrownChoiceCannotBeWrittenIsOpenedWhenTheDiskHasSpace() throws Exception {
    start();
    awaitOpened(1);
    registry.close();
    CountDownLatch refused = new CountDownLatch(2);
    AtomicBoolean full = new AtomicBoolean(true);
    Path choice = data.resolve("stores").resolve(NAME).resolve("choice.new");
    fast.beforeOpen =
        () -> {
          if (full.get()) {
            fillDisk(choice); // the attempt before has deleted its temporary file
          }
          refused.countDown();
          assertThat(FileBackend.OPEN).as("no attempt leaves the store locked").isEmpty();
        };
    columns = List.of(ITEMS, new Column("MORE"));
    start();
    refused.await();
    assertThat(store.isBound()).isFalse();
    full.set(false);
    awaitOpened(1);
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void damageThatACallMetMakesTheStoreDegraded() throws Exception {
    start();
    awaitOpened(1);
    fast.listener.damaged("could not read block 7");
    assertThat(check.check().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(check.check().message()).contains("rocksdb", "could not read block 7");
    assertThat(store.isBound()).as("a verification finds what else is damaged").isTrue();
    fast.listener.failed("and the disk is broken");
    awaitOpened(1);
    assertThat(check.check().status()).isEqualTo(Health.Status.HEALTHY);
  }

  @Test
  void aSourceThatFailsEndsItsMigration() throws Exception {
    start();
    awaitOpened(1);
    write(new byte[] {7});
    hook =
        stage -> {
          if (stage == Stage.CATCH_UP) {
            fast.listener.failed("the disk is broken");
          }
        };
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb")).isInstanceOf(StorageException.class);
    awaitOpened(1);
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    assertThat(read()).containsExactly(7);
    assertThat(folders()).hasSize(1).allMatch(folder -> folder.startsWith("rocksdb-"));
  }

  @Test
  void aTargetIsWatchedOnceItIsBound() throws Exception {
    start();
    awaitOpened(1);
    write(new byte[] {7});
    registry.migrate(NAME, "mapdb");
    fast.listener.failed("the source has no say"); // it is closed
    assertThat(store.isBound()).isTrue();
    slow.listener.failed("the disk is broken");
    awaitOpened(1);
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
    assertThat(read()).containsExactly(7);
  }

  @Test
  void aStoreInMemoryThatFailsIsNotBegunAgain() throws Exception {
    start(new Settings("memory", Map.of(), Set.of()));
    awaitOpened(1);
    write(new byte[] {7});
    memory.listener.failed("no memory");
    while (check.check().status() != Health.Status.FAILED) { // ends with the timeout of the test
      Thread.onSpinWait();
    }
    assertThat(check.check().message()).contains("has ended", "'memory'");
    assertThat(owner.begun).isEqualTo(1);
  }

  // ---- a store that is refused

  @Test
  void aRefusalThatMayCeaseIsTriedAgain() throws Exception {
    start();
    awaitOpened(1);
    write(new byte[] {7});
    registry.close();
    CountDownLatch go = new CountDownLatch(1);
    int before = fast.opens.get();
    fast.beforeOpen =
        () -> {
          int tries = fast.opens.get() - before;
          if (tries == 1) {
            throw StorageException.inUse(data, null);
          }
          await(go);
          if (tries < 4) {
            throw new UncheckedIOException(new IOException("Too many open files"));
          }
        };
    start();
    assertThat(store.isBound()).isFalse();
    assertThat(check.check().status()).isEqualTo(Health.Status.UNAVAILABLE);
    assertThatThrownBy(store::lease)
        .hasMessageContaining("in use by another process")
        .hasMessageContaining("opens the store again by itself");
    go.countDown();
    awaitOpened(1);
    assertThat(read()).containsExactly(7);
    assertThat(fast.opens).hasValue(before + 4);
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void aFirstContentThatCouldNotBeWrittenIsBegunOnce() throws Exception {
    fast.beforeOpen =
        () -> {
          if (fast.opens.get() == 1) {
            throw StorageException.diskNearlyFull(data, 1, 2);
          }
        };
    start();
    awaitOpened(1);
    assertThat(folders()).hasSize(1);
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void aDamagedStoreIsRefusedOnce() {
    start();
    write(new byte[] {7});
    registry.close();
    int before = fast.opens.get();
    fast.beforeOpen =
        () -> {
          throw new StorageException("its files are damaged");
        };
    start();
    assertThat(check.check().status()).isEqualTo(Health.Status.FAILED);
    assertThat(check.reopen()).isEqualTo(Loop.UNTIL_WOKEN);
    assertThat(fast.opens).hasValue(before + 1);
  }

  /** Whatever the operator gives up: a store that is in use elsewhere is not damaged. */
  @Test
  void aStoreThatCannotBeOpenedNowIsNotGivenUp() throws Exception {
    start();
    awaitOpened(1);
    registry.migrate(NAME, "mapdb");
    write(new byte[] {7});
    registry.close();
    slow.beforeOpen =
        () -> {
          throw StorageException.inUse(data, null);
        };
    start(new Settings("rocksdb", Map.of(NAME, "rocksdb"), Set.of(NAME)));
    assertThat(check.check().message()).contains("in use by another process");
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
    registry.close();
    slow.beforeOpen = () -> {};
    start();
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
    assertThat(read()).containsExactly(7);
  }

  // ---- copies that a crash has left

  @Test
  void aCopyThatACrashLeftIsRemovedOnceTheStoreIsBound() throws Exception {
    start();
    awaitOpened(1);
    write(new byte[] {7});
    registry.migrate(NAME, "mapdb");
    String source = folders().get(0); // mapdb-… is before rocksdb-…
    String oldest = folders().get(1);
    hook =
        stage -> {
          if (stage == Stage.DONE) {
            throw new StorageException("the process ends here");
          }
        };
    assertThatThrownBy(() -> registry.migrate(NAME, "rocksdb"))
        .hasMessageContaining("the process ends here");
    registry.close();
    assertThat(folders()).hasSize(3).contains(source, oldest);
    Files.createDirectory(data.resolve("stores").resolve(NAME).resolve("backup-of-an-operator"));

    hook = stage -> {};
    fast.beforeOpen =
        () -> {
          throw new StorageException("its files are damaged");
        };
    start();
    assertThat(folders()).as("the store is damaged").hasSize(4).contains(source, oldest);
    registry.close();
    fast.beforeOpen = () -> {};
    start();
    assertThat(read()).containsExactly(7);
    assertThat(folders())
        .hasSize(3)
        .contains(source, "backup-of-an-operator")
        .doesNotContain(oldest);
    registry.migrate(NAME, "memory");
    assertThat(folders()).hasSize(2).doesNotContain(source);
  }

  /** Has all writes to a file fail as on a full disk. */
  private static void fillDisk(Path file) {
    try {
      Files.deleteIfExists(file);
      Files.createSymbolicLink(file, Path.of("/dev/full"));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }
}
