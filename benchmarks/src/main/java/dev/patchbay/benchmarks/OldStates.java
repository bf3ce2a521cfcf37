// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.storage.rocksdb.RocksDbBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;

/**
 * What proofs, state roots and witnesses of old states cost, in RocksDB: of blocks of two token
 * transfers each, on 20,000 accounts. Each figure is for a state that no request has asked for
 * before, and in brackets for the same state again.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write.
 */
public final class OldStates {
  private static final int BLOCKS = 5_400;
  private static final int[] DEPTHS = {1, 64, 500, 2_000, 5_280};
  private static final long GAS_PER_BLOCK = 104_000;
  private static final Address TOKEN =
      Address.fromHex("0x7000000000000000000000000000000000000001");

  private OldStates() {}

  /** Measures all depths. */
  public static void main(String[] args) throws Exception {
    Path folder =
        Files.createTempDirectory(Path.of(args[1]).toAbsolutePath().getParent(), "old-states");
    EngineBlocks blocks = new EngineBlocks(Path.of(args[0]));
    KeyValueStore store =
        new RocksDbBackend(ImportSpeed.SYNC_MILLIS)
            .open(folder.resolve("store"), Columns.ALL, true);
    List<Map<String, Object>> json = new ArrayList<>();
    try {
      Chains.Wired chain =
          Chains.of(blocks.genesis(), store, new DefaultEvmEngine(), new EngineRules());
      long changed = 0;
      for (int i = 0; i < BLOCKS; i++) {
        Block block = blocks.next(EngineBlocks.Kind.TRANSFERS, GAS_PER_BLOCK).block();
        if (!chain.importer().importBlock(block).equals(new ImportResult.Imported(true))) {
          throw new IllegalStateException("a block of ours is not imported: " + block);
        }
        changed += block.transactions().size();
      }
      System.out.printf("%,d blocks, %,d transactions%n", BLOCKS, changed);
      for (int round = 0; round < 3; round++) { // the first warms up
        for (int depth : DEPTHS) {
          measure(chain, depth + round, round, json);
        }
      }
      new ObjectMapper()
          .writerWithDefaultPrettyPrinter()
          .writeValue(Path.of(args[1]).toFile(), json);
    } finally {
      store.close();
      ImportSpeed.delete(folder);
    }
  }

  private static void measure(
      Chains.Wired chain, int depth, int round, List<Map<String, Object>> json) throws Exception {
    long head = chain.reader().head().number();
    Map<String, Callable<Object>> calls = new LinkedHashMap<>();
    Block proven = block(chain, head - depth);
    Block rooted = block(chain, head - depth - 10);
    Block witnessed = block(chain, head - depth - 20);
    calls.put("proof", () -> prove(chain, proven));
    calls.put("root", () -> chain.states().computeStateRoot(rooted.hash(), StateChanges.NONE));
    calls.put(
        "witness",
        () ->
            chain
                .states()
                .witness(witnessed.hash(), Map.of(TOKEN, Set.of(UInt256.ONE)), StateChanges.NONE));
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("depth", depth);
    StringBuilder text = new StringBuilder(String.format("%,6d blocks back", depth));
    for (Map.Entry<String, Callable<Object>> call : calls.entrySet()) {
      double first = millis(call.getValue());
      double again = millis(call.getValue());
      row.put(call.getKey() + "Millis", first);
      row.put(call.getKey() + "AgainMillis", again);
      text.append(String.format("  %s %.1f ms (%.1f)", call.getKey(), first, again));
    }
    if (round > 0) {
      json.add(row);
      System.out.println(text);
    }
  }

  private static Block block(Chains.Wired chain, long number) {
    return Objects.requireNonNull(chain.reader().block(number));
  }

  private static StateProof prove(Chains.Wired chain, Block block) {
    StateProof proof = chain.states().prove(block.hash(), TOKEN, List.of(UInt256.ONE));
    if (proof == null || proof.accountProof().isEmpty()) {
      throw new IllegalStateException("no proof after block " + block);
    }
    return proof;
  }

  private static double millis(Callable<Object> call) throws Exception {
    long start = System.nanoTime();
    call.call();
    return (System.nanoTime() - start) / 1e6;
  }
}
