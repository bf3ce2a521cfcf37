// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageControl.Stage;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoreRegistryTest {
  private static final Column META = new Column("META");
  private static final Column ITEMS = new Column("ITEMS");
  private static final byte[] HEAD = {1};
  private static final String NAME = "chain";

  @TempDir Path folder;
  private Path data;
  private final FileBackend fast = new FileBackend("rocksdb", true);
  private final FileBackend slow = new FileBackend("mapdb", true);
  private FileBackend memory = new FileBackend("memory", false);
  private final ReentrantLock writes = new ReentrantLock();
  private final Map<String, ManagedStore> checks = new HashMap<>();
  private StoreRegistry.StageHook hook = stage -> {};
  private Owner owner = new Owner();
  private StoreRegistry registry;
  private NamedStore store;

  /** Refuses a store whose head is bad. */
  private final class Owner extends TestOwner {
    private String head = "";

    Owner() {
      super(writes);
    }

    @Override
    public void initialize(KeyValueStore empty) {
      super.initialize(empty);
      WriteBatch batch = new WriteBatch();
      batch.put(META, HEAD.clone(), "genesis".getBytes(StandardCharsets.US_ASCII));
      empty.write(batch);
    }

    @Override
    public void opened(KeyValueStore opened) {
      assertThat(writes.isHeldByCurrentThread()).isTrue();
      head = describe(opened);
      if (head.equals("bad")) {
        throw new StorageException("the head is bad");
      }
    }

    @Override
    public String describe(KeyReader described) {
      byte[] value = described.get(META, HEAD.clone());
      return value == null ? "nothing" : new String(value, StandardCharsets.US_ASCII);
    }
  }

  @AfterEach
  void stop() {
    registry.close();
    assertThat(FileBackend.OPEN).isEmpty();
  }

  @BeforeEach
  void start() {
    data = folder.resolve("node");
    start(Map.of(), Set.of(), fast, slow, memory);
  }

  /** Starts a node over the same data directory; the memory backend has lost its stores. */
  private void restart(Map<String, String> required, Set<String> discarded) {
    registry.close();
    memory = new FileBackend("memory", false);
    owner = new Owner();
    start(required, discarded, fast, slow, memory);
  }

  private void start(Map<String, String> required, Set<String> discarded, FileBackend... backends) {
    registry =
        new StoreRegistry(
            data,
            new Settings("rocksdb", required, discarded),
            stage -> hook.reached(stage),
            process(),
            1 << 20,
            check -> {
              checks.put(check.name(), (ManagedStore) check);
              return () -> checks.remove(check.name());
            });
    for (FileBackend backend : backends) {
      registry.addBackend(backend, "bundle");
    }
    store = registry.register(NAME, List.of(META, ITEMS), owner);
  }

  /** What a process knows: nothing at its start. */
  private static ProcessMemory process() {
    return new ProcessMemory(new HashMap<>());
  }

  private void write(int number) {
    writes.lock();
    try {
      WriteBatch batch = new WriteBatch();
      batch.put(META, HEAD.clone(), ("block " + number).getBytes(StandardCharsets.US_ASCII));
      batch.put(ITEMS, key(number), key(-number));
      store.write(batch);
    } finally {
      writes.unlock();
    }
  }

  private static byte[] key(int number) {
    return ByteBuffer.allocate(4).putInt(number).array();
  }

  private byte[] read(int number) {
    try (StoreLease lease = store.lease()) {
      return lease.get().get(ITEMS, key(number));
    }
  }

  private String reason() {
    assertThat(store.isBound()).isFalse();
    assertThatThrownBy(store::lease).isInstanceOf(StorageUnavailableException.class);
    return checks.get("storage." + NAME).check().message();
  }

  private Choice choice() {
    Choice choice = new StoreFolder(data.resolve("stores").resolve(NAME)).readChoice();
    assertThat(choice).isNotNull();
    return choice;
  }

  // ---- the choice

  @Test
  void theChoiceOfTheFirstStartDecidesLater() {
    restart(Map.of(NAME, "mapdb"), Set.of());
    assertThat(reason())
        .contains("is in 'rocksdb', not in 'mapdb'")
        .contains("storage:migrate mapdb");
    assertThat(owner.begun).isZero();
    restart(Map.of(), Set.of());
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    assertThat(owner.begun).isZero();
    assertThat(checks.get("storage.chain").check().status()).isEqualTo(Health.Status.HEALTHY);
  }

  @Test
  void theStoreWaitsForItsBackendWhateverElseIsThere() {
    write(1);
    registry.close();
    owner = new Owner();
    start(Map.of(), Set.of(), slow, memory);
    assertThat(reason()).contains("backend 'rocksdb' of bundle bundle is not installed");
    registry.addBackend(fast, "bundle");
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(owner.begun).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"delete", "empty", "replace", "column"})
  void filesThatAreNotThoseOfTheChoiceAreRefused(String damage) throws IOException {
    write(1);
    registry.close();
    Path folder = data.resolve("stores").resolve(NAME).resolve(choice().copy().folder());
    switch (damage) {
      case "delete" ->
          new StoreFolder(data.resolve("stores/chain")).delete(choice().copy().folder());
      case "empty" -> fill(folder, List.of(META, ITEMS, Identity.COLUMN), Map.of());
      case "replace" -> {
        try (KeyValueStore other =
            fast.open(folder, List.of(META, ITEMS, Identity.COLUMN), false)) {
          Identity.write(other, Identity.create());
        }
      }
      default -> Files.delete(folder.resolve("ITEMS"));
    }
    owner = new Owner();
    start(Map.of(), Set.of(), fast, slow, memory);
    assertThat(reason()).isNotEmpty();
    assertThat(owner.begun).isZero();
    registry.close();
    start(Map.of(NAME, "mapdb"), Set.of("chain"), fast, slow, memory);
    assertThat(reason()).isNotEmpty();
    assertThat(owner.begun).isZero();
  }

  @Test
  void aDamagedChoiceFileIsRefused() throws IOException {
    registry.close();
    Path file = data.resolve("stores/chain/choice");
    String text = Files.readString(file);
    for (int i = 0; i < text.length(); i += 29) {
      StringBuilder flipped = new StringBuilder(text);
      flipped.setCharAt(i, (char) (text.charAt(i) ^ 1));
      Files.writeString(file, flipped);
      owner = new Owner();
      start(Map.of(), Set.of(), fast, slow, memory);
      assertThat(reason()).as(flipped.toString()).contains("is damaged");
      assertThat(owner.begun).isZero();
      registry.close();
    }
    Files.delete(file);
    start(Map.of(), Set.of(), fast, slow, memory);
    assertThat(reason()).contains("choice file of store 'chain' is missing");
    assertThat(owner.begun).isZero();
  }

  @Test
  void aCrashBeforeTheChoiceBeginsAgain() {
    registry.close();
    deleteStores();
    fast.writesLeft = 1; // the first content is written, its identity is not
    owner = new Owner();
    start(Map.of(), Set.of(), fast, slow, memory);
    assertThat(reason()).contains("injected");
    fast.writesLeft = Integer.MAX_VALUE;
    restart(Map.of(), Set.of());
    assertThat(store.isBound()).isTrue();
    assertThat(owner.begun).isEqualTo(1);
    assertThat(copies()).hasSize(1);
  }

  private void deleteStores() {
    new StoreFolder(data.resolve("stores")).delete("chain");
  }

  private List<String> copies() {
    return new StoreFolder(data.resolve("stores/chain")).copies();
  }

  /** Makes the files of a store anew. */
  private void fill(Path folder, List<Column> columns, Map<byte[], String> meta) {
    new StoreFolder(data).delete(data.relativize(folder).toString());
    try (KeyValueStore filled = fast.open(folder, columns, true)) {
      WriteBatch batch = new WriteBatch();
      meta.forEach((key, text) -> batch.put(META, key, text.getBytes(StandardCharsets.US_ASCII)));
      filled.write(batch);
    }
  }

  @Test
  void aStoreThatItsOwnerRefusesIsNotBound() {
    writes.lock();
    WriteBatch bad = new WriteBatch();
    bad.put(META, HEAD.clone(), "bad".getBytes(StandardCharsets.US_ASCII));
    store.write(bad);
    writes.unlock();
    restart(Map.of(), Set.of());
    assertThat(reason()).isEqualTo("the head is bad");
    assertThat(checks.get("storage.chain").check().status()).isEqualTo(Health.Status.FAILED);
    assertThat(FileBackend.OPEN).isEmpty();
  }

  // ---- memory

  @Test
  void aStoreBegunInMemoryIsGivenUpByThatChoice() {
    registry.close();
    deleteStores();
    start(Map.of(NAME, "memory"), Set.of(), fast, slow, memory);
    write(1);
    assertThat(registry.endangered()).isEmpty();
    restart(Map.of(), Set.of());
    assertThat(registry.chosen(NAME)).isEqualTo("memory");
    assertThat(owner.begun).isEqualTo(1);
    restart(Map.of(NAME, "mapdb"), Set.of());
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
  }

  @Test
  void aStoreMovedToMemoryIsGivenUpOnRequestOnly() {
    write(1);
    registry.migrate(NAME, "memory");
    write(2);
    assertThat(registry.endangered()).containsExactly(NAME);
    restart(Map.of(), Set.of());
    assertThat(reason())
        .contains("moved to 'memory'")
        .contains("older copy, block 1, is in 'rocksdb'")
        .contains("--discard-chain");
    restart(Map.of(NAME, "mapdb"), Set.of());
    assertThat(reason()).contains("moved to 'memory'");
    registry.close();
    start(Map.of(), Set.of(), memory); // the backend of the older copy comes later
    assertThat(checks.get("storage." + NAME).check().status()).isEqualTo(Health.Status.UNAVAILABLE);
    assertThat(reason()).contains("moved to 'memory'").contains("older copy is in 'rocksdb'");
    registry.addBackend(fast, "bundle");
    assertThat(checks.get("storage." + NAME).check().status()).isEqualTo(Health.Status.FAILED);
    assertThat(reason()).contains("older copy, block 1, is in 'rocksdb'");
    restart(Map.of(), Set.of(NAME));
    assertThat(owner.begun).isZero();
    assertThat(owner.head).isEqualTo("block 1");
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    restart(Map.of(), Set.of(NAME));
    assertThat(owner.head).as("nothing is lost, nothing is given up").isEqualTo("block 1");
    registry.migrate(NAME, "memory");
    restart(Map.of(), Set.of("notes"));
    assertThat(reason()).contains("moved to 'memory'");
    restart(Map.of(), Set.of("*"));
    assertThat(owner.head).isEqualTo("block 1");
  }

  @Test
  void aMemoryBackendThatComesBackEmptyIsNotBound() {
    registry.migrate(NAME, "memory");
    write(1);
    registry.removeBackend(memory);
    assertThat(reason()).contains("has ended with the bundle of 'memory'");
    registry.addBackend(new FileBackend("memory", false), "bundle");
    assertThat(reason()).contains("has ended with the bundle of 'memory'").contains("older copy");
    assertThat(owner.begun).isEqualTo(1);
    assertThat(registry.endangered()).isEmpty();
  }

  // ---- backends come and go

  @Test
  void aBackendThatGoesIsNotReplacedByAnother() {
    write(1);
    registry.removeBackend(fast);
    assertThat(reason()).contains("'rocksdb' of bundle bundle is not installed");
    assertThat(FileBackend.OPEN).isEmpty();
    registry.addBackend(fast, "bundle");
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(registry.stores()).hasSize(3);
  }

  @Test
  void aNewerBuildOfTheBackendTakesOver() {
    write(1);
    FileBackend newer = new FileBackend("rocksdb", true);
    registry.addBackend(newer, "bundle");
    registry.removeBackend(fast);
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(registry.stores()).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rocksdb", "memory"})
  void anOwnerThatIsRestartedFindsItsContent(String backend) {
    write(1);
    if (!backend.equals("rocksdb")) {
      registry.migrate(NAME, backend);
    }
    write(2);
    store.close();
    store = registry.register(NAME, List.of(META, ITEMS), owner);
    assertThat(read(2)).isEqualTo(key(-2));
    write(3);
    assertThat(read(3)).isEqualTo(key(-3));
    assertThat(owner.begun).isEqualTo(1);
    store.close();
    registry.removeBackend(memory);
    registry.removeBackend(fast);
    registry.addBackend(new FileBackend("memory", false), "bundle");
    registry.addBackend(fast, "bundle");
    store = registry.register(NAME, List.of(META, ITEMS), owner);
    assertThat(store.isBound()).isEqualTo(backend.equals("rocksdb"));
    assertThat(owner.begun).isEqualTo(1);
  }

  @Test
  void aStoreBegunInMemoryIsNotBegunAgainInTheSameProcess() {
    registry.close();
    deleteStores();
    start(Map.of(NAME, "memory"), Set.of(), fast, slow, memory);
    write(1);
    int begun = owner.begun;
    store.close();
    store = registry.register(NAME, List.of(META, ITEMS), owner);
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(owner.begun).isEqualTo(begun);
  }

  @Test
  void whatTheStartRequiredDoesNotUndoAMigration() {
    restart(Map.of(NAME, "rocksdb"), Set.of(NAME));
    write(1);
    registry.migrate(NAME, "mapdb");
    write(2);
    store.close();
    store = registry.register(NAME, List.of(META, ITEMS), owner);
    assertThat(read(2)).isEqualTo(key(-2));
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
  }

  @Test
  void aStoreThatIsWellIsNeverGivenUp() throws IOException {
    write(1);
    registry.migrate(NAME, "mapdb");
    write(2);
    restart(Map.of(NAME, "rocksdb"), Set.of(NAME));
    assertThat(reason()).contains("is in 'mapdb', not in 'rocksdb'");
    registry.close();
    Files.delete(
        data.resolve("stores").resolve(NAME).resolve(choice().copy().folder()).resolve("ITEMS"));
    owner = new Owner();
    start(Map.of(NAME, "rocksdb"), Set.of(NAME), fast, slow, memory);
    assertThat(owner.head).isEqualTo("block 1");
    assertThat(choice().previous().backend()).isEqualTo("mapdb");
  }

  // ---- migration

  @Test
  void movesAStoreAndKeepsTheCopyBefore() {
    for (int i = 0; i < 100; i++) {
      write(i);
    }
    assertThat(registry.migrate(NAME, "mapdb").stage()).isEqualTo(Stage.DONE);
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
    assertThat(choice().previous().backend()).isEqualTo("rocksdb");
    write(100);
    assertThat(read(99)).isEqualTo(key(-99));
    registry.migrate(NAME, "rocksdb");
    registry.migrate(NAME, "mapdb");
    assertThat(copies()).as("the source and the copy before").hasSize(2);
    restart(Map.of(), Set.of());
    assertThat(read(100)).isEqualTo(key(-100));
    assertThat(owner.begun).isZero();
  }

  @Test
  void whatIsWrittenMeanwhileArrivesToo() {
    writes.lock();
    WriteBatch first = new WriteBatch();
    for (int i = 0; i < 200; i++) {
      first.put(ITEMS, key(i), key(-i));
    }
    store.write(first);
    writes.unlock();
    slow.beforeWrite =
        () -> {
          // each portion of the copy meets writes before, in and behind it
          if (writes.isHeldByCurrentThread()) {
            return; // an owner cannot write while the migration holds its lock
          }
          int n = owner.begun++;
          writes.lock();
          WriteBatch batch = new WriteBatch();
          batch.put(ITEMS, key(n), key(7));
          batch.delete(ITEMS, key(n + 100));
          batch.put(META, new byte[] {2}, key(n));
          store.write(batch);
          writes.unlock();
        };
    registry.migrate(NAME, "mapdb");
    slow.beforeWrite = () -> {};
    assertThat(owner.begun).isGreaterThan(2);
    assertThat(read(1)).isEqualTo(key(7));
    assertThat(read(101)).isNull();
    try (StoreLease lease = store.lease()) {
      assertThat(lease.get().get(META, new byte[] {2})).isNotNull();
    }
  }

  @Test
  void aTargetThatIsSlowerThanTheWritesEndsTheMigration() {
    write(1);
    slow.beforeWrite =
        () -> {
          if (!writes.isHeldByCurrentThread()) {
            writes.lock();
            WriteBatch batch = new WriteBatch();
            for (int i = 0; i < 2; i++) {
              batch.put(ITEMS, key(0), new byte[1 << 20]); // the last one is kept
            }
            store.write(batch);
            writes.unlock();
          }
        };
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("takes writes more slowly");
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    write(2);
    assertThat(read(2)).isEqualTo(key(-2));
  }

  @Test
  void aTargetThatKeepsOtherThanWhatIsWrittenIsRefused() {
    for (int i = 0; i < 10; i++) {
      write(i);
    }
    slow.damagesValues = true;
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb"))
        .hasMessageContaining("disagree on column META");
    assertThat(read(3)).isEqualTo(key(-3));
    assertThat(copies()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(names = {"PREPARE", "COPY", "CATCH_UP", "FENCE", "REPLACE"})
  void aFailureLeavesTheSourceAndTheTargetCanBeTriedAgain(Stage failing) {
    write(1);
    hook =
        stage -> {
          if (stage == failing) {
            throw new NoClassDefFoundError("injected");
          }
        };
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb")).hasMessageContaining("injected");
    assertThat(registry.progress().stage()).isEqualTo(Stage.FAILED);
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    assertThat(choice().copy().backend()).isEqualTo("rocksdb");
    assertThat(writes.isLocked()).isFalse();
    assertThat(copies()).hasSize(1);
    write(2);
    hook = stage -> {};
    assertThat(registry.migrate(NAME, "mapdb").stage()).isEqualTo(Stage.DONE);
    assertThat(read(2)).isEqualTo(key(-2));
  }

  @ParameterizedTest
  @EnumSource(names = {"PREPARE", "COPY", "CATCH_UP", "FENCE", "REPLACE", "DONE"})
  void aCrashNeverOpensAnIncompleteStore(Stage crash) {
    write(1);
    Path before = data;
    Path crashed = data.resolveSibling("crashed-" + crash);
    hook =
        stage -> {
          if (stage == crash) {
            copy(before, crashed); // what is on the disk when the process ends
          }
        };
    registry.migrate(NAME, "mapdb");
    registry.close();
    data = crashed;
    hook = stage -> {};
    restart(Map.of(), Set.of());
    assertThat(registry.chosen(NAME)).isEqualTo(crash == Stage.DONE ? "mapdb" : "rocksdb");
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(owner.begun).isZero();
    assertThat(copies()).hasSize(crash == Stage.DONE ? 2 : 1);
  }

  private static void copy(Path from, Path to) {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void unknownAndPresentTargetsAreNamed() {
    assertThatThrownBy(() -> registry.migrate(NAME, "tape"))
        .hasMessageContaining("there is no backend 'tape'")
        .hasMessageContaining("[mapdb, memory, rocksdb]");
    assertThatThrownBy(() -> registry.migrate(NAME, "rocksdb")).hasMessageContaining("already");
    assertThatThrownBy(() -> registry.migrate("nosuch", "rocksdb")).hasMessageContaining("[chain]");
  }

  // ---- names, columns, leases

  @Test
  void aNameHasOneOwnerUntilItIsClosed() {
    assertThatThrownBy(() -> registry.register(NAME, List.of(META), owner))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> registry.register("Chain", List.of(META), owner))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> registry.register("other", List.of(META, META), owner))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> registry.register("other", List.of(Identity.COLUMN), owner))
        .isInstanceOf(IllegalArgumentException.class);
    NamedStore other = registry.register("other", List.of(META), owner);
    assertThat(registry.names()).containsExactly("chain", "other");
    other.close();
    store.close();
    assertThat(registry.names()).isEmpty();
    assertThat(checks).isEmpty();
    assertThat(FileBackend.OPEN).isEmpty();
    assertThatThrownBy(store::lease).isInstanceOf(StorageUnavailableException.class);
  }

  @Test
  void anOwnerMayAddColumns() {
    write(1);
    registry.close();
    start(Map.of(), Set.of(), fast, slow, memory);
    store.close();
    Column more = new Column("MORE");
    store = registry.register(NAME, List.of(META, ITEMS, more), owner);
    assertThat(read(1)).isEqualTo(key(-1));
    assertThat(choice().copy().columns()).contains("MORE");
  }

  @Test
  void aLeaseOnTheSourceOutlivesTheMigration() {
    write(1);
    StoreLease lease = store.lease();
    try (StoreLease same = store.lease()) {
      assertThat(same.get()).isSameAs(lease.get());
    }
    registry.migrate(NAME, "mapdb");
    try (StoreLease other = store.lease()) {
      assertThat(other.get()).isNotSameAs(lease.get());
    }
    assertThat(lease.get().get(ITEMS, key(1))).isEqualTo(key(-1));
    assertThat(FileBackend.OPEN).hasSize(2);
    lease.close();
    assertThat(FileBackend.OPEN).hasSize(1);
  }

  // ---- data directories of the time before stores had names

  @ParameterizedTest
  @ValueSource(strings = {"", "mapdb"})
  void anOldDataDirectoryIsUpgraded(String named) throws IOException {
    registry.close();
    deleteStores();
    fill(data.resolve("storage-rocksdb"), List.of(META, ITEMS), Map.of());
    fill(data.resolve("storage-mapdb"), List.of(META, ITEMS), Map.of(HEAD, "block 9"));
    if (!named.isEmpty()) {
      Files.writeString(data.resolve("storage"), named + "\n");
    }
    owner = new Owner();
    start(Map.of(), Set.of(), fast, slow, memory);
    assertThat(owner.head).isEqualTo("block 9");
    assertThat(owner.begun).isZero();
    assertThat(registry.chosen(NAME)).isEqualTo("mapdb");
    assertThat(data.resolve("storage")).doesNotExist();
    assertThat(data.resolve("storage-rocksdb")).doesNotExist();
    restart(Map.of(), Set.of());
    assertThat(owner.head).isEqualTo("block 9");
  }

  @Test
  void anOldDataDirectoryWithTwoChainsAsksWhichOne() throws IOException {
    registry.close();
    deleteStores();
    for (String id : List.of("rocksdb", "mapdb")) {
      fill(data.resolve("storage-" + id), List.of(META, ITEMS), Map.of(HEAD, "block of " + id));
    }
    owner = new Owner();
    start(Map.of(), Set.of(), fast, slow, memory);
    assertThat(reason())
        .contains("block of rocksdb")
        .contains("block of mapdb")
        .contains("--storage");
    restart(Map.of(NAME, "mapdb"), Set.of());
    assertThat(owner.head).isEqualTo("block of mapdb");
    restart(Map.of(), Set.of());
    assertThat(owner.head).isEqualTo("block of mapdb");
  }
}
