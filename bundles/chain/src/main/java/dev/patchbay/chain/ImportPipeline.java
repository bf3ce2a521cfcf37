// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.binding.Listeners;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Wires the classes that change a chain: blocks are imported, and the head moves. */
final class ImportPipeline {
  private final Chain chain;
  private final BlockProcessor processor;
  private final HeadNotifier notifier;
  private final BlockStaging staging;
  private final BlockInserter inserter;
  private final ForkChoiceUpdater forkChoice;

  /**
   * Creates the pipeline of a chain.
   *
   * @param imports the import lock
   * @param executor returns the installed executor; null when there is none
   * @param listeners are notified after the head has moved
   */
  ImportPipeline(
      Chain chain,
      ReentrantLock imports,
      Supplier<@Nullable BlockExecutor> executor,
      Listeners<ChainListener> listeners,
      TrieWorkers workers,
      BadBlocks bad) {
    this.chain = chain;
    processor = new BlockProcessor(chain, executor, workers, bad);
    notifier = new HeadNotifier(listeners);
    CanonicalWriter writer = new CanonicalWriter(chain, processor, notifier);
    staging = new BlockStaging(chain, imports, processor, writer, bad, listeners);
    inserter = new BlockInserter(chain, imports, processor, writer, bad, staging::addPayload);
    forkChoice = new ForkChoiceUpdater(chain, imports, processor, writer, bad, staging);
    chain.onStale(new HeadRecovery(chain, imports, processor, notifier)::recover);
  }

  BlockImporter importer() {
    return inserter;
  }

  ForkChoice forkChoice() {
    return forkChoice;
  }

  BlockStage stage() {
    return staging;
  }

  /** Accepts a store, see {@link HeadWriter#open}; the caller holds the import lock. */
  void open(KeyValueStore store) {
    processor.clear();
    notifier.open(store, chain.writer().open(store));
  }
}
