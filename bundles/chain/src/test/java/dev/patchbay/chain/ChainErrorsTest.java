// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Errors at each place of an import: the next import works, locks and leases are free, and the head
 * is that of the store.
 */
class ChainErrorsTest {
  private static final Address ACCOUNT = BalanceBlocks.ACCOUNT;

  private final KeyValueStore memory =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  private final ReentrantLock imports = new ReentrantLock(true);
  private final TrieWorkers workers = new TrieWorkers(1);
  private final Listeners<ChainListener> listeners = new Listeners<>((m, f) -> {}, m -> {});
  private final List<Block> announced = new ArrayList<>();

  /** Thrown once each, at the place that it is named for. */
  private @Nullable Throwable beforeWrite;

  private @Nullable Throwable afterWrite;
  private @Nullable Throwable onExecution;

  /** Thrown by reads of the head of the store, so many times. */
  private @Nullable Throwable onHeadRead;

  private int headReads;

  private FixedStore store;
  private Chain chain;
  private ImportPipeline pipeline;
  private BlockImporter importer;

  static Stream<Throwable> errors() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new NoClassDefFoundError("dev/patchbay/Exchanged"),
        new AssertionError("an assertion"),
        new IllegalStateException("a state"));
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(@Nullable Throwable failure) throws E {
    if (failure != null) {
      throw (E) failure;
    }
  }

  /** Returns a store that throws where the test says. */
  private KeyValueStore store() {
    InvocationHandler handler =
        (proxy, method, args) -> {
          boolean write = method.getName().equals("write");
          if (write) {
            Throwable failure = beforeWrite;
            beforeWrite = null;
            sneak(failure);
          }
          if (method.getName().equals("get")
              && args[0].equals(Columns.META)
              && Arrays.equals((byte[]) args[1], Keys.HEAD)
              && headReads > 0) {
            headReads--;
            sneak(onHeadRead);
          }
          try {
            return method.invoke(memory, args);
          } catch (InvocationTargetException failed) {
            throw failed.getCause();
          } finally {
            if (write && afterWrite != null) {
              Throwable failure = afterWrite;
              afterWrite = null;
              sneak(failure);
            }
          }
        };
    return (KeyValueStore)
        Proxy.newProxyInstance(
            KeyValueStore.class.getClassLoader(), new Class<?>[] {KeyValueStore.class}, handler);
  }

  @BeforeEach
  void open() {
    KeyValueStore failing = store();
    store = new FixedStore(failing);
    BadBlocks bad = new BadBlocks();
    chain =
        new Chain(
            BalanceBlocks.genesis(),
            workers,
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            bad,
            BalanceBlocks.choices(),
            HistoryPruner.Windows.ALL,
            0);
    BlockExecutor executor =
        BalanceBlocks.executor(
            header -> {
              Throwable failure = onExecution;
              onExecution = null;
              ChainErrorsTest.<RuntimeException>sneak(failure);
              return List.of();
            });
    pipeline = new ImportPipeline(chain, imports, () -> executor, listeners, workers, bad);
    importer = pipeline.importer();
    chain.initialize(failing);
    pipeline.open(failing);
    chain.attach(store);
    listeners.add((removed, added) -> announced.addAll(added));
  }

  @AfterEach
  void close() {
    workers.close();
  }

  /** Returns a block on another; the salt makes it another one than its siblings. */
  private Block child(Block parent, long salt) {
    BlockHeader draft =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(1_000 * (parent.number() + 1) + salt)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()))
            .build();
    Hash root = chain.states().computeStateRoot(parent.hash(), BalanceBlocks.changes(draft));
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(draft.number())
            .timestamp(draft.timestamp())
            .gasLimit(draft.gasLimit())
            .baseFeePerGas(draft.baseFeePerGas())
            .stateRoot(root)
            .build();
    return new Block(header, List.of(), List.of(), null);
  }

  /**
   * Checks that the head in memory, in the store and of the state is a block, and nothing waits.
   */
  private void assertHead(Block block) throws Exception {
    assertThat(chain.head()).isEqualTo(block);
    byte[] stored = memory.get(Columns.META, Keys.HEAD);
    assertThat(stored).isEqualTo(block.hash().toArray());
    assertThat(chain.canonicalHash(block.number())).isEqualTo(block.hash());
    assertThat(chain.canonicalHash(block.number() + 1)).isNull();
    try (IterableStateReader state = Objects.requireNonNull(chain.states().stateAt(block.hash()))) {
      Account account = state.account(ACCOUNT);
      assertThat(account == null ? UInt256.ZERO : account.balance())
          .isEqualTo(UInt256.of(block.header().timestamp()));
    }
    assertThat(chain.states().computeStateRoot(block.hash(), StateChanges.NONE))
        .isEqualTo(block.header().stateRoot());
    assertThat(
            CompletableFuture.supplyAsync(
                    () -> {
                      boolean free = imports.tryLock();
                      if (free) {
                        imports.unlock();
                      }
                      return free;
                    })
                .get(10, TimeUnit.SECONDS))
        .as("the import lock is free")
        .isTrue();
    assertThat(store.leases()).as("leases").isZero();
  }

  private void importNext() throws Exception {
    Block next = child(chain.head(), 0);
    assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
    assertHead(next);
    assertThat(announced).endsWith(next);
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorWhileABlockIsExecutedLeavesTheHead(Throwable error) throws Exception {
    importNext();
    Block head = chain.head();
    Block next = child(head, 0);
    onExecution = error;
    assertThat(catchThrowable(() -> importer.importBlock(next))).isSameAs(error);
    assertHead(head);
    onExecution = error;
    assertThat(catchThrowable(() -> importer.insertWithoutSetHead(next))).isSameAs(error);
    assertThat(importer.insertWithoutSetHead(next))
        .as("no rejection")
        .isInstanceOf(PayloadStatus.Valid.class);
    assertThat(pipeline.forkChoice().update(next.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOf(ForkChoice.Result.Updated.class);
    assertHead(next);
    importNext();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorBeforeTheWriteLeavesTheHead(Throwable error) throws Exception {
    importNext();
    Block head = chain.head();
    Block next = child(head, 0);
    beforeWrite = error;
    assertThat(catchThrowable(() -> importer.importBlock(next))).isSameAs(error);
    assertHead(head);
    assertThat(announced).doesNotContain(next);
    importNext();
    importNext();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorAfterTheWriteDoesNotFailTheImport(Throwable error) throws Exception {
    importNext();
    Block next = child(chain.head(), 0);
    afterWrite = error;
    assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
    assertHead(next);
    assertThat(announced).endsWith(next);
    importNext();
    // and in a reorganization
    Block left = chain.head();
    Block fork = child(Objects.requireNonNull(chain.block(left.header().parentHash())), 5);
    afterWrite = error;
    assertThat(pipeline.forkChoice().update(fork.hash(), Hash.ZERO, Hash.ZERO))
        .as("not known yet")
        .isInstanceOf(ForkChoice.Result.Syncing.class);
    afterWrite = null;
    assertThat(importer.insertWithoutSetHead(fork)).isInstanceOf(PayloadStatus.Valid.class);
    afterWrite = error;
    assertThat(pipeline.forkChoice().update(fork.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOf(ForkChoice.Result.Updated.class);
    assertHead(fork);
    importNext();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aStoreThatCannotBeReadAfterAnErrorIsReadAgainLater(Throwable error) throws Exception {
    importNext();
    Block next = child(chain.head(), 0);
    afterWrite = error;
    onHeadRead = error;
    headReads = 2; // after the error, and at the first attempt to read the store again
    assertThat(catchThrowable(() -> importer.importBlock(next))).isNotNull();
    assertThatThrownBy(() -> chain.head())
        .isInstanceOf(StorageUnavailableException.class)
        .hasMessageContaining("the node reads the store again");
    while (catchThrowable(() -> chain.head()) != null) {
      LockSupport.parkNanos(1_000_000);
    }
    assertHead(next);
    assertThat(announced).as("listeners are notified of it, too").endsWith(next);
    importNext();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aListenerThatThrowsStopsNeitherTheImportNorTheOthers(Throwable error) throws Exception {
    ChainListener broken = (removed, added) -> ChainErrorsTest.<RuntimeException>sneak(error);
    listeners.add(broken);
    List<Block> later = new ArrayList<>();
    listeners.add((removed, added) -> later.addAll(added));
    importNext();
    assertThat(later).endsWith(chain.head());
    assertThat(listeners.failure()).contains(error.getClass().getSimpleName());
    listeners.remove(broken);
    importNext();
    assertThat(listeners.failure()).isNull();
  }
}
