// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;

/**
 * A chain whose blocks set the balance of one account, over a store in memory that counts reads and
 * fails when the test says so.
 */
abstract class ChainFixture {
  static final Address ACCOUNT = BalanceBlocks.ACCOUNT;

  final KeyValueStore memory = new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  final TrieWorkers workers = new TrieWorkers(0);
  final Listeners<ChainListener> listeners = new Listeners<>((m, f) -> {}, m -> {});
  final AtomicInteger executions = new AtomicInteger();
  final AtomicInteger reads = new AtomicInteger();
  final BadBlocks bad = new BadBlocks();
  final ReentrantLock imports = new ReentrantLock(true);
  boolean failNextWrite;
  Chain chain;
  ImportPipeline pipeline;
  BlockImporter importer;

  @AfterEach
  void close() {
    workers.close();
  }

  void open(long history) {
    chain =
        new Chain(
            BalanceBlocks.genesis(),
            workers,
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            bad,
            choices(),
            new HistoryPruner.Windows(history, Long.MAX_VALUE, Long.MAX_VALUE),
            0);
    BlockExecutor executor = executor();
    pipeline = new ImportPipeline(chain, imports, () -> executor, listeners, workers, bad);
    importer = pipeline.importer();
    if (memory.isEmpty(Columns.META)) {
      chain.initialize(memory);
    }
    pipeline.open(memory);
    chain.attach(new FixedStore(counted()));
  }

  /** Returns the store, which counts reads, also of its snapshots, and fails when told to. */
  private KeyValueStore counted() {
    return counted(memory, KeyValueStore.class);
  }

  private <T> T counted(T target, Class<T> type) {
    InvocationHandler handler =
        (proxy, method, args) -> {
          String name = method.getName();
          reads.addAndGet(name.equals("get") || name.equals("scan") ? 1 : 0);
          if (name.equals("write") && failNextWrite) {
            failNextWrite = false;
            throw new StorageException("the disk is full");
          }
          try {
            Object result = method.invoke(target, args);
            return result instanceof Snapshot snapshot ? counted(snapshot, Snapshot.class) : result;
          } catch (InvocationTargetException failed) {
            throw failed.getCause();
          }
        };
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  /** Returns the choices, whose rules accept every block. */
  Choices choices() {
    return BalanceBlocks.choices();
  }

  /** Returns the executor, which counts. */
  BlockExecutor executor() {
    return BalanceBlocks.executor(
        header -> {
          executions.incrementAndGet();
          return List.of();
        });
  }

  /** Returns a block on another one; the salt makes it differ from its siblings. */
  Block child(Block parent, long salt) {
    return child(parent, salt, 0);
  }

  Block child(Block parent, long salt, long wrongBalance) {
    long timestamp = 1_000 * (parent.number() + 1) + salt;
    BlockHeaderBuilder header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(timestamp)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()));
    StateChanges state =
        BalanceBlocks.changes(BlockHeader.builder().timestamp(timestamp + wrongBalance).build());
    KeyValueStore empty = new MemoryBackend().open(Path.of("empty"), Columns.ALL, true);
    Hash root = new FlatState(new StateOverlay(empty), workers).computeStateRoot(state);
    return new Block(header.stateRoot(root).build(), List.of(), List.of(), null);
  }

  /** Imports blocks on a canonical block that become the head. */
  void extend(int blocks) {
    for (int i = 0; i < blocks; i++) {
      Block next = child(chain.head(), 0);
      assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
    }
  }

  Block canonical(long number) {
    return Objects.requireNonNull(chain.block(number));
  }

  int readsOf(Runnable action) {
    int before = reads.get();
    action.run();
    return reads.get() - before;
  }

  void importSide(Block block) {
    assertThat(importer.importBlock(block)).isEqualTo(new ImportResult.Imported(false));
  }
}
