// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageControl.Stage;
import dev.patchbay.api.storage.StorageControl.Store;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A store stays with the bundle of its backend, whichever others have the same id. */
class BackendChoiceTest {
  private static final String NAME = "chain";
  private static final String OURS = "org.ours";
  private static final String THEIRS = "com.theirs";
  private static final Column META = new Column("META");
  private static final byte[] HEAD = {1};

  @TempDir Path data;
  private FileBackend ours = new FileBackend("mapdb", true);
  private final FileBackend theirs = new FileBackend("mapdb", true);
  private final ReentrantLock writes = new ReentrantLock();
  private boolean refuses;

  /** Is called when the owner is asked to accept a store. */
  private Runnable onOpened = () -> {};

  private StoreRegistry registry;
  private ManagedStore check;
  private NamedStore store;

  private final TestOwner owner =
      new TestOwner(writes) {
        @Override
        public void opened(KeyValueStore opened) {
          onOpened.run();
          if (refuses) {
            throw new StorageException("the head is bad");
          }
        }
      };

  private void start(Set<String> discarded) {
    registry =
        new StoreRegistry(
            data,
            new Settings("mapdb", Map.of(), discarded),
            stage -> {},
            new ProcessMemory(new HashMap<>()),
            1 << 20,
            registered -> {
              check = (ManagedStore) registered;
              return () -> {};
            });
  }

  private void register() {
    store = registry.register(NAME, List.of(META), owner);
  }

  /** Starts a node in which the backends arrive in an order; the store is there before them. */
  private void restart(Map<String, FileBackend> first, Map<String, FileBackend> second) {
    if (registry != null) {
      registry.close();
    }
    start(Set.of());
    register();
    first.forEach((bundle, backend) -> registry.addBackend(backend, bundle));
    second.forEach((bundle, backend) -> registry.addBackend(backend, bundle));
  }

  @BeforeEach
  void begin() {
    restart(Map.of(OURS, ours), Map.of());
    put("block 1");
  }

  @AfterEach
  void stop() {
    registry.close();
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(owner.begun).as("first contents: a second one is a second chain").isEqualTo(1);
  }

  private void put(String head) {
    writes.lock();
    try {
      WriteBatch batch = new WriteBatch();
      batch.put(META, HEAD.clone(), head.getBytes(StandardCharsets.US_ASCII));
      store.write(batch);
    } finally {
      writes.unlock();
    }
  }

  private String head() {
    try (StoreLease lease = store.lease()) {
      byte[] value = lease.get().get(META, HEAD.clone());
      return value == null ? "nothing" : new String(value, StandardCharsets.US_ASCII);
    }
  }

  /** Returns why the store is unavailable. */
  private String reason() {
    assertThat(store.isBound()).isFalse();
    assertThat(check.check().status()).isEqualTo(Health.Status.UNAVAILABLE);
    return check.check().message();
  }

  private Path choiceFile() {
    return data.resolve("stores").resolve(NAME).resolve("choice");
  }

  private void delete() {
    registry.close();
    new StoreFolder(data.resolve("stores")).delete(NAME);
    owner.begun = 0;
  }

  /** Writes the choice file as a node of the time before bundles were written down. */
  private void writeAsBefore() throws IOException {
    String text =
        Files.readString(choiceFile()).replaceAll("(?m)^(previous-)?bundle=.*\n|^crc32=.*\n", "");
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    Files.writeString(choiceFile(), text + String.format("crc32=%08x\n", crc.getValue()));
  }

  // ---- waiting

  @Test
  void anUpdateDoesNotMakeTheOtherBundleTakeOver() throws IOException {
    String choice = Files.readString(choiceFile());
    assertThat(choice).contains("\nbundle=org.ours\n");
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    assertThat(reason())
        .isEqualTo(
            "the chosen backend 'mapdb' of bundle org.ours is not installed; start or install this"
                + " bundle, or choose another one with storage:use --store chain: com.theirs");
    ours = new FileBackend("mapdb", true);
    registry.addBackend(ours, OURS);
    assertThat(head()).isEqualTo("block 1");
    assertThat(theirs.opens).hasValue(0);
    assertThat(Files.readString(choiceFile())).isEqualTo(choice);
  }

  @Test
  void theOrderOfArrivalDecidesNothing() {
    restart(Map.of(THEIRS, theirs), Map.of());
    assertThat(reason()).contains("'mapdb' of bundle org.ours", "com.theirs");
    registry.removeBackend(theirs);
    assertThat(reason()).contains("'mapdb' of bundle org.ours").doesNotContain("com.theirs");
    registry.addBackend(theirs, THEIRS);
    registry.addBackend(ours, OURS);
    assertThat(head()).isEqualTo("block 1");
    assertThat(theirs.opens).hasValue(0);
    assertThat(registry.stores())
        .extracting(Store::bundle, Store::active)
        .containsExactly(tuple(THEIRS, false), tuple(OURS, true));
  }

  // ---- the command

  @Test
  void theCommandMakesTheOtherBundleTakeOver() {
    registry.addBackend(theirs, THEIRS);
    assertThatThrownBy(() -> registry.use(NAME, THEIRS))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is open in 'mapdb' of bundle org.ours")
        .hasMessageContaining("storage:migrate --bundle com.theirs mapdb");
    registry.removeBackend(ours);
    assertThatThrownBy(() -> registry.use(NAME, "com.nosuch"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "there is no backend 'mapdb' of bundle com.nosuch; installed are 'mapdb' of bundle"
                + " com.theirs");
    registry.use(NAME, THEIRS);
    assertThat(head()).isEqualTo("block 1");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(THEIRS);
    put("block 2");
    restart(Map.of(OURS, ours), Map.of());
    assertThat(reason()).contains("'mapdb' of bundle com.theirs", "org.ours");
    registry.addBackend(theirs, THEIRS);
    assertThat(head()).isEqualTo("block 2");
  }

  /** A backend that cannot read the files changes nothing. */
  @Test
  void aBundleThatCannotOpenTheFilesDoesNotTakeOver() throws IOException {
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    String choice = Files.readString(choiceFile());
    theirs.beforeOpen =
        () -> {
          throw new StorageException("these are files of another kind");
        };
    assertThatThrownBy(() -> registry.use(NAME, THEIRS))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("files of another kind");
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    assertThat(Files.readString(choiceFile())).isEqualTo(choice);
    registry.addBackend(ours, OURS);
    assertThat(head()).isEqualTo("block 1");
  }

  /** Otherwise the end of the process in between would leave the new bundle chosen. */
  @Test
  void theChoiceIsWrittenOnceTheOwnerHasAcceptedTheStore() {
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    String choice = choiceText();
    List<String> seen = new ArrayList<>();
    onOpened = () -> seen.add(choiceText());
    registry.use(NAME, THEIRS);
    assertThat(seen).containsExactly(choice);
    assertThat(choiceText()).contains("\nbundle=com.theirs\n");
  }

  /** A refusal has nothing to restore, so that it cannot fail to. */
  @Test
  void aRefusalKeepsTheBundleAlsoWhenNothingCanBeWritten() throws IOException {
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    String choice = choiceText();
    Path blocked = choiceFile().resolveSibling("choice.new");
    refuses = true;
    onOpened =
        () -> {
          try {
            Files.createDirectories(blocked);
          } catch (IOException failure) {
            throw new UncheckedIOException(failure);
          }
        };
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).hasMessage("the head is bad");
    refuses = false;
    onOpened = () -> {};
    assertThat(choiceText()).isEqualTo(choice);
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    Files.delete(blocked);
    registry.addBackend(ours, OURS);
    assertThat(head()).isEqualTo("block 1");
  }

  private String choiceText() {
    try {
      return Files.readString(choiceFile());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Test
  void aStoreThatItsOwnerRefusesKeepsItsBundle() throws IOException {
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    String choice = Files.readString(choiceFile());
    refuses = true;
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).hasMessage("the head is bad");
    refuses = false;
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    assertThat(Files.readString(choiceFile())).isEqualTo(choice);
    registry.addBackend(ours, OURS);
    assertThat(head()).isEqualTo("block 1");
  }

  @Test
  void aChoiceThatCannotBeWrittenChangesNothing() throws IOException {
    registry.addBackend(theirs, THEIRS);
    registry.removeBackend(ours);
    Path blocked = Files.createDirectories(choiceFile().resolveSibling("choice.new"));
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).isInstanceOf(StorageException.class);
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    Files.delete(blocked);
    registry.use(NAME, THEIRS);
    assertThat(head()).isEqualTo("block 1");
  }

  // ---- data directories of older nodes

  @ParameterizedTest
  @ValueSource(strings = {OURS, THEIRS})
  void aChoiceWithoutABundleIsCompletedByTheOneThatOpensIt(String only) throws IOException {
    registry.close();
    writeAsBefore();
    restart(Map.of(only, ours), Map.of());
    assertThat(head()).isEqualTo("block 1");
    assertThat(Files.readString(choiceFile())).contains("\nbundle=" + only + "\n");
  }

  @Test
  void aChoiceWithoutABundleIsNotCompletedWhenSeveralAreThere() throws IOException {
    registry.close();
    writeAsBefore();
    String choice = Files.readString(choiceFile());
    start(Set.of());
    registry.addBackend(theirs, THEIRS);
    registry.addBackend(ours, OURS);
    register();
    assertThat(reason())
        .isEqualTo(
            "the chosen backend 'mapdb' is provided by several bundles: com.theirs, org.ours;"
                + " choose one with storage:use --store chain");
    assertThat(Files.readString(choiceFile())).isEqualTo(choice);
    registry.use(NAME, OURS);
    assertThat(head()).isEqualTo("block 1");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(OURS);
  }

  /** An older node reads over the lines that it does not know, and loses them when it writes. */
  @Test
  void theLinesOfAnOlderNodeAreAsTheyWere() throws IOException {
    registry.addBackend(new FileBackend("rocksdb", true), OURS);
    registry.migrate(NAME, "rocksdb");
    Choice choice = Choice.parse(Files.readString(choiceFile()));
    assertThat(choice.copy().bundle()).isEqualTo(OURS);
    assertThat(choice.previous().bundle()).isEqualTo(OURS);
    writeAsBefore();
    Choice before = Choice.parse(Files.readString(choiceFile()));
    assertThat(before.copy().bundle()).isNull();
    assertThat(before.copy().withBundle(OURS)).isEqualTo(choice.copy());
    assertThat(before.previous().withBundle(OURS)).isEqualTo(choice.previous());
  }

  // ---- a new store

  @Test
  void aNewStoreBeginsInABundleThatIsNamedWhenSeveralAreThere() {
    delete();
    start(Set.of());
    registry.addBackend(theirs, THEIRS);
    registry.addBackend(ours, OURS);
    register();
    assertThat(reason()).contains("several bundles: com.theirs, org.ours");
    assertThat(owner.begun).isZero();
    registry.use(NAME, THEIRS);
    assertThat(head()).isEqualTo("nothing");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(THEIRS);
  }

  /** Otherwise the refused bundle would be the chosen one, and the store would be begun in it. */
  @Test
  void aNewStoreThatItsOwnerRefusesIsNotBegun() {
    delete();
    start(Set.of());
    registry.addBackend(theirs, THEIRS);
    registry.addBackend(ours, OURS);
    register();
    refuses = true;
    onOpened = () -> assertThat(choiceFile()).doesNotExist();
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).hasMessage("the head is bad");
    refuses = false;
    onOpened = () -> {};
    assertThat(choiceFile()).doesNotExist();
    assertThat(new StoreFolder(choiceFile().getParent()).copies()).isEmpty();
    assertThat(reason()).contains("several bundles: com.theirs, org.ours");
    assertThat(registry.chosenBundle(NAME)).isNull();
    owner.begun = 0;
    registry.use(NAME, OURS);
    assertThat(head()).isEqualTo("nothing");
    put("block 1");
    restart(Map.of(OURS, ours), Map.of(THEIRS, theirs));
    assertThat(head()).isEqualTo("block 1");
  }

  /** A store in memory begins with each process. */
  @Test
  void aStoreInMemoryThatItsOwnerRefusesKeepsItsBundle() throws IOException {
    delete();
    FileBackend memory = new FileBackend("mapdb", false);
    restart(Map.of(OURS, memory), Map.of());
    String choice = Files.readString(choiceFile());
    restart(Map.of(THEIRS, new FileBackend("mapdb", false)), Map.of());
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    refuses = true;
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).hasMessage("the head is bad");
    refuses = false;
    assertThat(Files.readString(choiceFile())).isEqualTo(choice);
    assertThat(reason()).contains("'mapdb' of bundle org.ours");
    owner.begun = 0;
    registry.addBackend(memory, OURS);
    assertThat(head()).isEqualTo("nothing");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(OURS);
  }

  // ---- migration

  @Test
  void aMigrationNamesOneOfSeveralBundles() {
    registry.addBackend(new FileBackend("rocksdb", true), OURS);
    registry.addBackend(new FileBackend("rocksdb", true), THEIRS);
    assertThatThrownBy(() -> registry.migrate(NAME, "rocksdb"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("several bundles: com.theirs, org.ours; name one of them");
    assertThatThrownBy(() -> registry.migrate(NAME, "rocksdb", "com.nosuch"))
        .hasMessageContaining("there is no backend 'rocksdb' of bundle com.nosuch");
    assertThat(registry.migrate(NAME, "rocksdb", THEIRS).stage()).isEqualTo(Stage.DONE);
    assertThat(head()).isEqualTo("block 1");
    assertThat(registry.chosen(NAME)).isEqualTo("rocksdb");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(THEIRS);
  }

  @Test
  void aMigrationToTheSameBackendOfAnotherBundleCopies() {
    registry.addBackend(theirs, THEIRS);
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb", OURS))
        .hasMessageContaining("is in 'mapdb' of bundle org.ours already");
    assertThatThrownBy(() -> registry.migrate(NAME, "mapdb")).hasMessageContaining("already");
    assertThat(registry.migrate(NAME, "mapdb", THEIRS).to())
        .isEqualTo("'mapdb' of bundle " + THEIRS);
    put("block 2");
    registry.removeBackend(ours);
    assertThat(head()).isEqualTo("block 2");
    restart(Map.of(OURS, ours), Map.of(THEIRS, theirs));
    assertThat(head()).isEqualTo("block 2");
    assertThat(new StoreFolder(choiceFile().getParent()).copies()).hasSize(2);
  }

  /** The older copy keeps its bundle, too. */
  @ParameterizedTest
  @CsvSource({"com.theirs,org.ours", "org.ours,com.theirs"})
  void theCopyBeforeIsOpenedByItsBundle(String first, String second) {
    registry.addBackend(new FileBackend("memory", false), OURS);
    registry.migrate(NAME, "memory");
    registry.close();
    start(Set.of(NAME));
    register();
    registry.addBackend(first.equals(OURS) ? ours : theirs, first);
    if (!first.equals(OURS)) {
      assertThat(reason()).contains("'mapdb' of bundle org.ours", "com.theirs");
    }
    registry.addBackend(second.equals(OURS) ? ours : theirs, second);
    assertThat(head()).isEqualTo("block 1");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(OURS);
    assertThat(theirs.opens).hasValue(0);
  }

  /** The command also names the bundle of an older copy. */
  @Test
  void theCopyBeforeIsOpenedByTheBundleOfTheCommand() {
    registry.addBackend(new FileBackend("memory", false), OURS);
    registry.migrate(NAME, "memory");
    registry.close();
    start(Set.of(NAME));
    register();
    registry.addBackend(theirs, THEIRS);
    registry.use(NAME, THEIRS);
    assertThat(head()).isEqualTo("block 1");
    assertThat(registry.chosenBundle(NAME)).isEqualTo(THEIRS);
  }

  // ---- memory

  @Test
  void aStoreInMemoryEndsWithItsBundle() {
    FileBackend memory = new FileBackend("memory", false);
    registry.addBackend(memory, OURS);
    registry.migrate(NAME, "memory");
    registry.addBackend(new FileBackend("memory", false), THEIRS);
    registry.removeBackend(memory);
    assertThat(store.isBound()).isFalse();
    assertThat(check.check().status()).isEqualTo(Health.Status.FAILED);
    assertThat(check.check().message()).contains("has ended with the bundle of 'memory'");
    assertThatThrownBy(() -> registry.use(NAME, THEIRS)).hasMessageContaining("has ended");
    assertThat(check.check().status()).isEqualTo(Health.Status.FAILED);
  }
}
