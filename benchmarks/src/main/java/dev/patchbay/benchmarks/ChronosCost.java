// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.p2p.chronos.Frames;
import dev.patchbay.primitives.Block;
import dev.patchbay.shell.Imports;
import dev.patchbay.trie.Roots;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the JSON of Chronos costs for the blocks of the bench chain, beside the RLP of devp2p: bytes
 * of a block, and the time to write and to read it. Reading includes the root of the transactions,
 * which either has to compute.
 *
 * <p>Arguments: the folder of the benchmarks' input, and the file to write.
 */
public final class ChronosCost {
  private static final int BLOCKS = 200;
  private static final int ROUNDS = 9;
  private static final int WARM_UP_ROUNDS = 4;

  private final Map<String, Object> figures = new LinkedHashMap<>();
  private final List<Block> blocks;

  /** Work on one block, whose result is used. */
  private interface Work {
    Object on(int index) throws Exception;
  }

  private ChronosCost(List<Block> blocks) {
    this.blocks = blocks;
  }

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    ChronosCost cost = new ChronosCost(Imports.blocks(BenchNode.chain(Path.of(args[0])), BLOCKS));
    cost.measure();
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(Path.of(args[1]).toFile(), cost.figures);
  }

  private void measure() throws Exception {
    List<byte[]> rlp = new ArrayList<>();
    List<byte[]> json = new ArrayList<>();
    for (Block block : blocks) {
      rlp.add(block.encode());
      json.add(Frames.write(block));
    }
    double transactions = blocks.stream().mapToInt(block -> block.transactions().size()).sum();
    put("transactions of a block", transactions / blocks.size());
    ratio("bytes of a block", mean(json), mean(rlp));
    ratio(
        "write a block, µs",
        micros(i -> Frames.write(blocks.get(i))),
        micros(i -> blocks.get(i).encode()));
    ratio(
        "read a block, µs",
        micros(i -> Frames.read(json.get(i))),
        micros(
            i -> {
              Block block = Block.decode(rlp.get(i));
              return Roots.ofTransactions(block.transactions());
            }));
  }

  private static double mean(List<byte[]> messages) {
    return messages.stream().mapToInt(message -> message.length).average().orElseThrow();
  }

  /** Returns the median of the rounds, for one block. */
  private double micros(Work work) throws Exception {
    double[] rounds = new double[ROUNDS];
    int used = 0;
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < blocks.size(); i++) {
        used += System.identityHashCode(work.on(i));
      }
      if (round >= 0) {
        rounds[round] = (System.nanoTime() - start) / 1e3 / blocks.size();
      }
    }
    figures.put("used", used);
    Arrays.sort(rounds);
    return rounds[ROUNDS / 2];
  }

  private void ratio(String name, double json, double rlp) {
    put(name + ": JSON", json);
    put(name + ": RLP", rlp);
    put(name + ": JSON / RLP", json / rlp);
  }

  private void put(String name, double figure) {
    figures.put(name, figure);
    System.out.printf("%-44s %10.2f%n", name, figure);
  }
}
