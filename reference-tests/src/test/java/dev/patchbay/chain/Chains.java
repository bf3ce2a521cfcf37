// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainVerifier;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.Listeners;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.execution.Executions;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** Wires a chain as the container would. */
public final class Chains {
  private Chains() {}

  /** A chain, seen from its sides, the executor that it uses and the listeners of its head. */
  public record Wired(
      ChainReader reader,
      ProtocolSchedule schedule,
      BlockImporter importer,
      ForkChoice forkChoice,
      StateProvider states,
      BlockExecutor executor,
      Listeners<ChainListener> listeners) {}

  /** Returns a chain over a store that keeps all states. */
  public static Wired of(
      JsonNode genesis, KeyValueStore store, EvmEngine engine, ConsensusRules rules) {
    return of(genesis, store, engine, rules, Long.MAX_VALUE);
  }

  /** Returns a chain over a store that can undo a number of blocks. */
  public static Wired of(
      JsonNode genesis,
      KeyValueStore store,
      EvmEngine engine,
      ConsensusRules rules,
      long historyBlocks) {
    return of(genesis, store, engine, rules, historyBlocks, RecentNodes.MAX_BLOCKS);
  }

  /**
   * Returns a chain over a store that can undo a number of blocks.
   *
   * @param recentBlocks the store gets trie nodes at least this often
   */
  public static Wired of(
      JsonNode genesis,
      KeyValueStore store,
      EvmEngine engine,
      ConsensusRules rules,
      long historyBlocks,
      int recentBlocks) {
    ReentrantLock imports = new ReentrantLock();
    BlockExecutor[] executor = new BlockExecutor[1];
    TrieWorkers workers = new TrieWorkers(Runtime.getRuntime().availableProcessors() - 1);
    BadBlocks bad = new BadBlocks();
    GenesisFile file = GenesisFile.parse(genesis);
    Chain chain =
        new Chain(
            file,
            workers,
            new RecentNodes(recentBlocks),
            bad,
            choices(file, rules),
            new HistoryPruner.Windows(historyBlocks, Long.MAX_VALUE, Long.MAX_VALUE),
            0);
    Listeners<ChainListener> listeners = new Listeners<>((message, failure) -> {}, message -> {});
    ImportPipeline pipeline =
        new ImportPipeline(chain, imports, () -> executor[0], listeners, workers, bad);
    executor[0] = Executions.of(chain, chain, chain.states(), engine);
    if (store.isEmpty(Columns.META)) {
      chain.initialize(store);
    }
    pipeline.open(store);
    chain.attach(new FixedStore(store));
    return new Wired(
        chain,
        chain,
        pipeline.importer(),
        pipeline.forkChoice(),
        chain.states(),
        executor[0],
        listeners);
  }

  /**
   * Returns a verifier of a store, which is not opened before.
   *
   * @param importing is asked while the store is verified
   */
  public static ChainVerifier verifier(
      JsonNode genesis, KeyValueStore store, ConsensusRules rules, BooleanSupplier importing) {
    GenesisFile file = GenesisFile.parse(genesis);
    Chain chain =
        new Chain(
            file,
            new TrieWorkers(0),
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            new BadBlocks(),
            choices(file, rules),
            HistoryPruner.Windows.ALL,
            0);
    chain.attach(new FixedStore(store));
    return new Verifier(chain, importing);
  }

  /** Returns choices with rules under the name that the genesis asks for. */
  private static Choices choices(GenesisFile genesis, ConsensusRules rules) {
    String name = genesis.config().consensus();
    Choices choices = new Choices(name, "");
    choices.rules().add(new Registration(1, 0, "rules", "bundle 1"), name, rules);
    return choices;
  }

  /** Returns an empty store in memory for a chain. */
  public static KeyValueStore memory() {
    return new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  }

  /** Returns the genesis of a chain without work, with all forks to Shanghai and no accounts. */
  public static ObjectNode shanghaiGenesis() {
    ObjectNode genesis = JsonNodeFactory.instance.objectNode();
    ObjectNode config = genesis.putObject("config").put("chainId", 1);
    for (String fork :
        new String[] {
          "homestead",
          "eip150",
          "eip155",
          "eip158",
          "byzantium",
          "constantinople",
          "petersburg",
          "istanbul",
          "berlin",
          "london"
        }) {
      config.put(fork + "Block", 0);
    }
    config.put("terminalTotalDifficulty", 0).put("shanghaiTime", 0);
    genesis.put("gasLimit", "0x1c9c380").put("difficulty", "0x0").putObject("alloc");
    return genesis;
  }

  /** Returns a pool for a builder: it has these transactions, by sender. */
  public static TransactionPool pool(Map<Address, List<Transaction>> pending) {
    return (TransactionPool)
        Proxy.newProxyInstance(
            Chains.class.getClassLoader(),
            new Class<?>[] {TransactionPool.class},
            (self, method, arguments) -> pending);
  }

  /** Makes the lowest block that is staged one that is deleted next. */
  public static void makeLowestStagedObsolete(KeyValueStore store) {
    StagedBlocks.Segment segment = StagedBlocks.segments(store).get(0);
    Hash lowest = Hash.keccak(store.get(Columns.STAGED_HEADERS, Keys.number(segment.low())));
    WriteSet writes = new WriteSet();
    writes.put(
        Columns.META,
        Keys.STAGED,
        StagedBlocks.encode(
            List.of(
                new StagedBlocks.Segment(
                    segment.high(), segment.highHash(), segment.low() + 1, lowest))));
    writes.put(
        Columns.META,
        Keys.STAGED_OBSOLETE,
        StagedBlocks.encode(
            List.of(
                new StagedBlocks.Segment(segment.low(), lowest, segment.low(), segment.parent()))));
    store.write(writes.toBatch());
  }
}
