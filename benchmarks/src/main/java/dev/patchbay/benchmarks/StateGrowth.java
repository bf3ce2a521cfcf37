// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.Columns;
import dev.patchbay.chain.GrownState;
import dev.patchbay.storage.rocksdb.RocksDbBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What it costs to import a block with 10 thousand, 1 million and 10 million accounts in RocksDB:
 * 100 transfers and 100 calls that write two slots each, from the block's RLP to the written batch,
 * with the recovery of the senders. The blocks are made beforehand in a copy of the store, so that
 * the one that is measured has read nothing of what they touch. The sizes take turns, so that what
 * else the machine does hits them alike.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write. {@code
 * -Dsizes=10000,1000000} names other sizes. Filling 10 million accounts takes minutes and some
 * gigabytes of disk.
 */
public final class StateGrowth {
  private static final int ROUNDS = 40;

  /**
   * Until the code is compiled and caches and files are as those of a node that has run a while.
   */
  private static final int WARM_UP = 30;

  private static final int BLOCKS = 25;

  private StateGrowth() {}

  /** Measures all sizes. */
  public static void main(String[] args) throws Exception {
    Path folder =
        Files.createTempDirectory(Path.of(args[1]).toAbsolutePath().getParent(), "growth");
    List<KeyValueStore> stores = new ArrayList<>();
    List<GrownState> states = new ArrayList<>();
    String[] sizes = System.getProperty("sizes", "10000,1000000,10000000").split(",", -1);
    byte[][][] blocks = new byte[sizes.length][ROUNDS * BLOCKS][];
    try {
      for (int i = 0; i < sizes.length; i++) {
        int accounts = Integer.parseInt(sizes[i]);
        Path place = folder.resolve(sizes[i]);
        fill(place, accounts);
        Path copy = folder.resolve("copy");
        copy(place, copy);
        KeyValueStore scratch = open(copy);
        try {
          GrownState state = new GrownState(scratch, accounts);
          for (int block = 0; block < blocks[i].length; block++) {
            blocks[i][block] = state.produce();
          }
        } finally {
          scratch.close();
        }
        delete(copy);
        KeyValueStore store = open(place);
        stores.add(store);
        states.add(new GrownState(store, accounts));
      }
      double[][] millis = new double[sizes.length][(ROUNDS - WARM_UP) * BLOCKS];
      for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < sizes.length; i++) {
          for (int block = 0; block < BLOCKS; block++) {
            double time = states.get(i).importBlock(blocks[i][round * BLOCKS + block]) / 1e6;
            if (round >= WARM_UP) {
              millis[i][(round - WARM_UP) * BLOCKS + block] = time;
            }
          }
        }
      }
      report(sizes, millis, Path.of(args[1]));
    } finally {
      stores.forEach(KeyValueStore::close);
      delete(folder);
    }
  }

  private static KeyValueStore open(Path place) {
    return new RocksDbBackend(ImportSpeed.SYNC_MILLIS).open(place, Columns.ALL, true);
  }

  private static void fill(Path place, int accounts) {
    long start = System.nanoTime();
    KeyValueStore store = open(place);
    try {
      GrownState.fill(store, accounts);
      System.out.printf(
          "%,d accounts written in %.0f s, %,d bytes%n",
          accounts, (System.nanoTime() - start) / 1e9, store.sizeInBytes());
    } finally {
      store.close();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  private static void report(String[] sizes, double[][] millis, Path file) throws IOException {
    List<Map<String, Object>> json = new ArrayList<>();
    double firstMedian = 0;
    double firstMean = 0;
    System.out.printf(
        "%12s %10s %8s %10s %8s %8s %8s%n",
        "accounts", "ms median", "ratio", "ms mean", "ratio", "ms p90", "ms p99");
    for (int i = 0; i < sizes.length; i++) {
      double mean = Arrays.stream(millis[i]).average().orElseThrow();
      double[] sorted = millis[i].clone();
      Arrays.sort(sorted);
      double median = sorted[sorted.length / 2];
      firstMedian = i == 0 ? median : firstMedian;
      firstMean = i == 0 ? mean : firstMean;
      System.out.printf(
          "%,12d %10.2f %8.2f %10.2f %8.2f %8.2f %8.2f%n",
          Long.parseLong(sizes[i]),
          median,
          median / firstMedian,
          mean,
          mean / firstMean,
          sorted[sorted.length * 9 / 10],
          sorted[sorted.length * 99 / 100]);
      json.add(Map.of("accounts", sizes[i], "median", median, "mean", mean, "millis", millis[i]));
    }
    System.out.printf("heap: at most %,d bytes allowed%n", Runtime.getRuntime().maxMemory());
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), json);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
