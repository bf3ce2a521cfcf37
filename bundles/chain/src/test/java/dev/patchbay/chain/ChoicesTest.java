// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainChoices.Provider;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.ChosenService.Choice;
import dev.patchbay.binding.Listeners;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The EVM and the rules of a chain, over restarts of the node with other bundles installed. */
class ChoicesTest {
  private static final String OURS = "dev.patchbay.evm.engine";
  private static final String THEIRS = "com.example.evm";

  private final KeyValueStore store =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  private final TrieWorkers workers = new TrieWorkers(0);
  private final ReentrantLock imports = new ReentrantLock(true);
  private final EvmEngine ours = (block, parent) -> null;
  private final EvmEngine theirs = (block, parent) -> null;
  private boolean failNextFlush;

  /** How many writes succeed before all fail. */
  private int writesLeft = Integer.MAX_VALUE;

  private Choices choices;
  private Chain chain;
  private ImportPipeline pipeline;
  private ChoiceSwitch control;
  private long registrations;

  @AfterEach
  void close() {
    workers.close();
  }

  /** Starts a node over the store. */
  private void start(String evm) {
    choices = new Choices("engine", evm);
    BadBlocks bad = new BadBlocks();
    chain =
        new Chain(
            BalanceBlocks.genesis(),
            workers,
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            bad,
            choices,
            HistoryPruner.Windows.ALL,
            0);
    Listeners<ChainListener> listeners = new Listeners<>((m, f) -> {}, m -> {});
    BlockExecutor executor = BalanceBlocks.executor(header -> List.of());
    pipeline = new ImportPipeline(chain, imports, () -> executor, listeners, workers, bad);
    control = new ChoiceSwitch(chain, choices, imports, bad);
    if (store.isEmpty(Columns.META)) {
      chain.initialize(store);
    }
    pipeline.open(store);
    chain.attach(new FailingStore());
  }

  private final class FailingStore implements NamedStore {
    private final FixedStore fixed = new FixedStore(store);

    @Override
    public StoreLease lease() {
      return fixed.lease();
    }

    @Override
    public void requireBound() {}

    @Override
    public boolean isBound() {
      return true;
    }

    @Override
    public void write(WriteBatch batch) {
      if (writesLeft-- <= 0) {
        throw new StorageException("the store has failed");
      }
      fixed.write(batch);
    }

    @Override
    public void flush() {
      if (failNextFlush) {
        failNextFlush = false;
        throw new StorageException("the disk is full");
      }
      fixed.flush();
    }

    @Override
    public void close() {}
  }

  private Registration evm(String bundle, String name, int ranking, EvmEngine engine) {
    Registration registration =
        new Registration(++registrations, ranking, bundle, "bundle " + registrations);
    choices.evm().add(registration, name, engine);
    return registration;
  }

  private Registration rules(String bundle, String name) {
    Registration registration =
        new Registration(++registrations, 0, bundle, "bundle " + registrations);
    choices.rules().add(registration, name, BalanceBlocks.rules());
    return registration;
  }

  private void importBlock() {
    Block parent = chain.head();
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(1_000 * (parent.number() + 1))
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()))
            .build();
    KeyValueStore empty = new MemoryBackend().open(Path.of("empty"), Columns.ALL, true);
    header =
        header.toBuilder()
            .stateRoot(
                new FlatState(new StateOverlay(empty), workers)
                    .computeStateRoot(BalanceBlocks.changes(header)))
            .build();
    assertThat(pipeline.importer().importBlock(new Block(header, List.of(), List.of(), null)))
        .isEqualTo(new ImportResult.Imported(true));
  }

  /** Starts a chain of one block, which uses our EVM; another one of another name is installed. */
  private void startWithTwoEvms() {
    start("");
    rules("rules", "engine");
    evm(OURS, "patchbay", 0, ours);
    evm(THEIRS, "fast", 0, theirs);
    assertUses(ours);
    importBlock();
  }

  private Choice stored(byte[] key) {
    return StoredChoice.parse(store.get(Columns.META, key));
  }

  private void assertUses(EvmEngine engine) {
    assertThat(choices.engine() == engine).isTrue();
  }

  @Test
  void aNewChainIsWrittenWithTheNamesAndItsFirstBlockWithTheBundles() {
    start("");
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("patchbay", null));
    assertThat(stored(Keys.RULES)).isEqualTo(new Choice("engine", null));
    rules("rules", "engine");
    evm(OURS, "patchbay", 0, ours);
    assertUses(ours);
    importBlock();
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("patchbay", OURS));
    assertThat(stored(Keys.RULES)).isEqualTo(new Choice("engine", "rules"));
  }

  @Test
  void aRestartWithOtherBundlesWaitsForThoseOfTheChain() {
    aNewChainIsWrittenWithTheNamesAndItsFirstBlockWithTheBundles();
    start("");
    Registration other = evm(THEIRS, "patchbay", 100, theirs);
    assertThatThrownBy(choices::engine)
        .isInstanceOf(NotReadyException.class)
        .hasMessage(
            "the EVM 'patchbay' of bundle dev.patchbay.evm.engine is not installed; start or"
                + " install this bundle, or choose with evm:use [--bundle BUNDLE] NAME: 'patchbay'"
                + " of bundle com.example.evm");
    rules("other", "engine");
    assertThatThrownBy(chain::rules)
        .isInstanceOf(NotReadyException.class)
        .hasMessageContaining("'engine' of bundle rules are not installed");
    Registration used = evm(OURS, "patchbay", 0, ours);
    assertUses(ours);
    assertThat(choices.evm().remove(other)).as("it was not in use").isNull();
    assertUses(ours);
    assertThat(choices.evm().remove(used))
        .isEqualTo(
            "the EVM 'patchbay' of bundle dev.patchbay.evm.engine is not installed; start or"
                + " install this bundle");
  }

  @Test
  void theEvmOfANewChainIsThatOfTheConfiguration() {
    start("fast");
    evm(OURS, "patchbay", 100, ours);
    assertThatThrownBy(choices::engine)
        .isInstanceOf(NotReadyException.class)
        .hasMessageStartingWith("the EVM 'fast' is not installed");
    evm(THEIRS, "fast", 0, theirs);
    assertUses(theirs);
    start(""); // without a block
    assertThat(control.evm().chosen()).isEqualTo(new Provider("fast", null));
  }

  /** A name that was misspelt at the first start. */
  @Test
  void theEvmOfAChainWithoutBlocksIsThatOfALaterConfiguration() {
    start("fats");
    start("fast");
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("fast", null));
    start("");
    evm(THEIRS, "fast", 0, theirs);
    assertUses(theirs);
    control.useEvm("fast", null);
    assertThatThrownBy(() -> start("patchbay")).hasMessageContaining("not 'patchbay'");
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("fast", THEIRS));
  }

  @Test
  void twoBundlesWithTheNameAreRefusedUntilOneIsChosen() {
    start("");
    rules("rules", "engine");
    evm(OURS, "patchbay", 0, ours);
    evm(THEIRS, "patchbay", 100, theirs);
    assertThatThrownBy(choices::engine)
        .isInstanceOf(NotReadyException.class)
        .hasMessage(
            "the EVM 'patchbay' is provided by several bundles: com.example.evm,"
                + " dev.patchbay.evm.engine; choose one with evm:use [--bundle BUNDLE] NAME");
    assertThatThrownBy(() -> control.useEvm("patchbay", null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("com.example.evm, dev.patchbay.evm.engine");
    control.useEvm("patchbay", OURS);
    assertUses(ours);
  }

  @Test
  void theConfigurationOfALaterStartIsRefused() {
    aNewChainIsWrittenWithTheNamesAndItsFirstBlockWithTheBundles();
    assertThatThrownBy(() -> start("fast"))
        .isInstanceOf(StorageException.class)
        .hasMessage(
            "the chain uses the EVM 'patchbay' of bundle dev.patchbay.evm.engine, not 'fast'. Nothing was changed. Start without"
                + " --evm, then: patchbay shell evm:use fast");
    start("patchbay");
    evm(THEIRS, "fast", 0, theirs);
    control.useEvm("fast", null);
    pipeline.open(store); // the store has failed and is opened again: no start
    assertUses(theirs);
    assertThatThrownBy(() -> start("a b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("dev.patchbay.chain: evm is 'a b'");
  }

  @Test
  void aCommandIsWrittenAndARestartKeepsIt() {
    startWithTwoEvms();
    assertThat(control.useEvm("fast", null)).isEqualTo(new Provider("fast", THEIRS));
    assertUses(theirs);
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("fast", THEIRS));
    importBlock();
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("fast", THEIRS));
    start("");
    evm(OURS, "patchbay", 0, ours);
    assertThat(control.evm().available()).isFalse();
    evm(THEIRS, "fast", 0, theirs);
    assertThat(control.evm().available()).isTrue();
    assertUses(theirs);
  }

  @Test
  void whatIsNotInstalledIsRefused() {
    start("");
    evm(OURS, "patchbay", 0, ours);
    assertThatThrownBy(() -> control.useEvm("fast", null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the EVM 'fast' is not installed; installed: 'patchbay' of bundle"
                + " dev.patchbay.evm.engine");
    assertThatThrownBy(() -> control.useEvm("patchbay", THEIRS))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("patchbay", null));
    assertUses(ours);
  }

  @Test
  void rulesOfAnotherNameAreRefused() {
    start("");
    rules("rules", "engine");
    rules("poa", "clique");
    rules("other", "engine");
    assertThatThrownBy(() -> control.useRules("poa"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the consensus rules 'engine' of bundle poa are not installed")
        .hasMessageEndingWith("the genesis decides the name");
    assertThatThrownBy(chain::rules).isInstanceOf(NotReadyException.class);
    control.useRules("other");
    assertThat(chain.rules()).isNotNull();
    assertThat(stored(Keys.RULES)).isEqualTo(new Choice("engine", "other"));
  }

  /** Otherwise a choice that was refused would be in force after the next start. */
  @Test
  void theFormerRecordIsWrittenBackWhenAChoiceIsNotDurable() {
    startWithTwoEvms();
    failNextFlush = true;
    assertThatThrownBy(() -> control.useEvm("fast", null)).hasMessage("the disk is full");
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("patchbay", OURS));
    start("");
    evm(OURS, "patchbay", 0, ours);
    assertUses(ours);
  }

  @Test
  void aChoiceThatCannotBeWrittenBackIsSaidToBeUnknown() {
    startWithTwoEvms();
    failNextFlush = true;
    writesLeft = 1;
    assertThatThrownBy(() -> control.useEvm("fast", null))
        .isInstanceOf(StorageException.class)
        .hasMessage(
            "the disk is full; whether the chain uses 'fast' of bundle com.example.evm or"
                + " 'patchbay' of bundle dev.patchbay.evm.engine is unknown until the store is open"
                + " again");
    assertUses(ours);
    writesLeft = Integer.MAX_VALUE;
    pipeline.open(store);
    assertUses(theirs);
  }

  /** A store may have the record after a flush that failed: the next block writes the choice. */
  @Test
  void aChoiceThatIsNotDurableIsNotTaken() {
    startWithTwoEvms();
    failNextFlush = true;
    assertThatThrownBy(() -> control.useEvm("fast", null)).hasMessage("the disk is full");
    assertUses(ours);
    importBlock();
    assertThat(stored(Keys.EVM)).isEqualTo(new Choice("patchbay", OURS));
  }

  @Test
  void aCommandWaitsForTheBlockThatIsImported() throws Exception {
    start("");
    evm(OURS, "patchbay", 0, ours);
    evm(THEIRS, "fast", 0, theirs);
    assertUses(ours);
    FutureTask<Provider> task = new FutureTask<>(() -> control.useEvm("fast", null));
    imports.lock();
    try {
      new Thread(task, "command").start();
      while (!imports.hasQueuedThreads()) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
      assertUses(ours);
    } finally {
      imports.unlock();
    }
    assertThat(task.get(60, TimeUnit.SECONDS)).isEqualTo(new Provider("fast", THEIRS));
    assertUses(theirs);
  }

  @Test
  void aServiceWithoutANameIsNotChosen() {
    start("");
    evm(OURS, "", 0, ours);
    evm("", "patchbay", 0, ours);
    assertThat(control.evm().installed()).isEmpty();
  }

  @Test
  void aDamagedRecordIsRefused() {
    byte[] record = StoredChoice.encode(new Choice("patchbay", OURS));
    assertThat(StoredChoice.parse(record)).isEqualTo(new Choice("patchbay", OURS));
    for (int i = 0; i < 8 * record.length; i++) {
      byte[] damaged = record.clone();
      damaged[i / 8] ^= (byte) (1 << i % 8);
      assertThat(StoredChoice.parse(damaged)).as("bit " + i).isNull();
    }
    start("");
    WriteBatch batch = new WriteBatch();
    batch.put(Columns.META, Keys.EVM, new byte[] {1});
    store.write(batch);
    assertThatThrownBy(() -> start(""))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(
            "the record of the EVM that the chain uses cannot be read: the store is damaged");
  }
}
