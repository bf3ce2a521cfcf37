// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.rlp.RlpReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPInputStream;
import org.HdrHistogram.Histogram;

/**
 * What four clients that trace blocks and search logs without a pause cost the others: the times of
 * {@code eth_getBalance} at 1,000/s beside them, how much slower the same blocks are imported, and
 * the most memory the node has had.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write.
 */
public final class Isolation {
  private static final int CONNECTIONS = 16;
  private static final long MEASURED = TimeUnit.SECONDS.toNanos(10);

  /** The blocks up to here are there; four parts of the rest are imported by turns. */
  private static final int FIRST = 300;

  private static final int PART = 50;

  /** What is asked is of this block, and of those before it. */
  private static final int BUSY = 288;

  /** Each part is imported as often alone as beside the load. */
  private static final int ROUNDS = 6;

  private Isolation() {}

  /** Measures and prints. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "isolation");
    List<Path> parts = split(BenchNode.chain(Path.of(args[0])), work);
    try (BenchNode node = BenchNode.start(Path.of(args[0]), work, parts.get(0))) {
      Map<String, List<String>> bodies = RpcSpeed.bodies(node.http(), BUSY);
      HttpLoad balance =
          new HttpLoad(node.http(), Objects.requireNonNull(bodies.get("eth_getBalance")));
      balance.peak(CONNECTIONS, MEASURED);
      double[] seconds = new double[2];
      Map<String, Object> row = new LinkedHashMap<>();
      HttpLoad back =
          new HttpLoad(
              node.http(),
              List.of(RpcSpeed.body("debug_setHead", "\"" + Hex.quantity(FIRST) + "\"")));
      for (int round = 0; round < ROUNDS; round++) {
        for (int i = 1; i < parts.size(); i++) {
          boolean loaded = (i + round) % 2 == 0;
          AtomicBoolean running = new AtomicBoolean(loaded);
          List<Thread> heavy = loaded ? heavy(node, bodies, running) : List.of();
          seconds[loaded ? 1 : 0] += node.run("import", parts.get(i).toString());
          running.set(false);
          for (Thread thread : heavy) {
            thread.join();
          }
        }
        if (!back.once().contains("\"result\":null")) {
          throw new IOException("the head was not set back: " + back.once());
        }
      }
      AtomicBoolean running = new AtomicBoolean(true);
      List<Thread> heavy = heavy(node, bodies, running);
      Thread.sleep(1_000);
      Histogram times = balance.latency(CONNECTIONS, 1_000, MEASURED);
      running.set(false);
      for (Thread thread : heavy) {
        thread.join();
      }
      System.out.printf(
          "eth_getBalance beside 4 heavy clients: p50 %.2f, p99 %.2f, p99.9 %.2f ms%n",
          times.getValueAtPercentile(50) / 1e3,
          times.getValueAtPercentile(99) / 1e3,
          times.getValueAtPercentile(99.9) / 1e3);
      row.put("p99Micros", times.getValueAtPercentile(99));
      System.out.printf(
          "import: %.1f s alone, %.1f s beside 4 heavy clients: %.0f %% slower%n",
          seconds[0], seconds[1], 100 * (seconds[1] / seconds[0] - 1));
      System.out.printf("memory: at most %,d MB resident%n", node.mostResident() / 1_000_000);
      row.put("importSeconds", seconds[0]);
      row.put("importSecondsLoaded", seconds[1]);
      row.put("residentBytes", node.mostResident());
      Files.writeString(
          out, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(row));
    }
    BenchNode.delete(work);
  }

  private static List<Thread> heavy(
      BenchNode node, Map<String, List<String>> bodies, AtomicBoolean running) {
    List<Thread> threads = new ArrayList<>();
    for (String name : List.of(RpcSpeed.TRACES, RpcSpeed.LOGS)) {
      HttpLoad load = new HttpLoad(node.http(), Objects.requireNonNull(bodies.get(name)));
      Thread thread =
          new Thread(
              () -> {
                try {
                  while (running.get()) {
                    load.peak(2, TimeUnit.SECONDS.toNanos(1));
                  }
                } catch (Exception failure) {
                  throw new IllegalStateException(failure);
                }
              },
              "heavy");
      thread.start();
      threads.add(thread);
    }
    return threads;
  }

  /** Writes the first blocks, and parts of those that follow, into files. */
  private static List<Path> split(Path chain, Path work) throws IOException {
    byte[] all;
    try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(chain))) {
      all = in.readAllBytes();
    }
    List<Path> files = new ArrayList<>();
    OutputStream out = null;
    int block = 0;
    for (int at = 0; at < all.length; block++) {
      if (block == 0 || (block >= FIRST && (block - FIRST) % PART == 0)) {
        if (out != null) {
          out.close();
        }
        Path file = work.resolve("blocks-" + block + ".rlp");
        files.add(file);
        out = Files.newOutputStream(file);
      }
      int length = RlpReader.of(all, at).raw().length;
      Objects.requireNonNull(out).write(all, at, length);
      at += length;
    }
    if (out != null) {
      out.close();
    }
    return files;
  }
}
