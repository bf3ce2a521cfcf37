// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Runs the EVM workloads in one process: all are warmed up first, so that each is measured with the
 * profile of all and the JIT compiler is idle; then each is run seven times. Prints Mgas/s beside
 * reference figures, checks the gas, and writes JSON.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, and optionally the path of
 * geth's {@code evm}, which then runs each workload too; the last column is the ratio of the best
 * runs.
 */
public final class EvmWorkloads {
  private static final int RUNS = 7;
  private static final long WARM_UP_NANOS = 1_500_000_000L;

  /** Bytecode of a large contract keeps the JIT compiler busy for seconds. */
  private static final long MAX_WARM_UP_NANOS = 6_000_000_000L;

  private static final long CHECK_NANOS = 300_000_000L;
  private static final long IDLE_MILLIS = 30;
  private static final CompilationMXBean COMPILER = ManagementFactory.getCompilationMXBean();

  /** In the first, later workloads change the profile of earlier ones. */
  private static final int WARM_UP_ROUNDS = 2;

  private static final long RUN_NANOS = 60_000_000L;

  private EvmWorkloads() {}

  /** Runs all. */
  public static void main(String[] args) throws Exception {
    Map<String, String[]> references = references();
    List<Measured> workloads = new ArrayList<>();
    for (Workload workload : Workload.read(Path.of(args[0]).resolve(Workload.FILE))) {
      workloads.add(new Measured(workload));
    }
    GethEvm geth = args.length > 2 && !args[2].isEmpty() ? new GethEvm(args[2]) : null;
    for (int round = 0; round < WARM_UP_ROUNDS; round++) {
      for (Measured workload : workloads) {
        workload.warmUp();
      }
    }
    System.out.printf(
        "%-26s %14s %8s %8s %7s %8s %8s%s%n",
        "Mgas/s",
        "gas",
        "best",
        "median",
        "spread",
        "geth",
        "Besu",
        geth == null ? "" : "  geth now    ratio");
    List<Map<String, Object>> json = new ArrayList<>();
    boolean right = true;
    for (Measured measured : workloads) {
      double[] speeds = measured.measure();
      Arrays.sort(speeds);
      String name = measured.workload.name;
      String[] reference = references.getOrDefault(name, new String[] {"", "", "-"});
      boolean expected =
          reference[2].equals("-") || List.of(reference[2].split(",")).contains("" + measured.used);
      right &= expected;
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("name", name);
      row.put("gas", measured.used);
      row.put("mgasPerSecond", speeds);
      String beside = "";
      if (geth != null) {
        OptionalDouble speed = geth.speed(measured.workload, measured.used);
        if (speed.isPresent()) {
          row.put("gethMgasPerSecond", speed.getAsDouble());
          beside =
              String.format(
                  "  %8.1f %8.2f", speed.getAsDouble(), speeds[RUNS - 1] / speed.getAsDouble());
        }
      }
      json.add(row);
      System.out.printf(
          "%-26s %,14d %8.1f %8.1f %7.2f %8s %8s%s%s%n",
          name,
          measured.used,
          speeds[RUNS - 1],
          speeds[RUNS / 2],
          speeds[RUNS - 1] / speeds[0],
          reference[0],
          reference[1],
          beside,
          expected ? "" : "   GAS: expected " + reference[2]);
    }
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(Path.of(args[1]).toFile(), json);
    if (!right) {
      System.err.println("the gas of some workloads is not what it should be");
      System.exit(1);
    }
  }

  private static Map<String, String[]> references() throws IOException {
    Map<String, String[]> out = new HashMap<>();
    try (InputStream in = EvmWorkloads.class.getResourceAsStream("evm-reference.txt")) {
      if (in == null) {
        throw new IOException("evm-reference.txt is missing");
      }
      for (String line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n", -1)) {
        String[] columns = line.split(" ", -1);
        if (columns.length == 4 && !line.startsWith("#")) {
          out.put(columns[0], Arrays.copyOfRange(columns, 1, 4));
        }
      }
    }
    return out;
  }

  private static final class Measured {
    final Workload workload;
    private int repeats = 1;
    long used;

    Measured(Workload workload) {
      this.workload = workload;
    }

    void warmUp() throws InvalidTransactionException {
      long start = System.nanoTime();
      long fastest = Long.MAX_VALUE;
      long checked = start;
      long compiling = COMPILER.getTotalCompilationTime();
      boolean compiles = true;
      for (long now = start;
          now - start < WARM_UP_NANOS || (compiles && now - start < MAX_WARM_UP_NANOS);
          now = System.nanoTime()) {
        long before = System.nanoTime();
        used = workload.run();
        fastest = Math.min(fastest, System.nanoTime() - before);
        if (now - checked > CHECK_NANOS) {
          long total = COMPILER.getTotalCompilationTime();
          compiles = total - compiling > IDLE_MILLIS;
          compiling = total;
          checked = now;
        }
      }
      repeats = (int) Math.max(1, RUN_NANOS / fastest);
    }

    double[] measure() throws InvalidTransactionException {
      double[] speeds = new double[RUNS];
      for (int i = 0; i < RUNS; i++) {
        long start = System.nanoTime();
        for (int j = 0; j < repeats; j++) {
          workload.run();
        }
        speeds[i] = used * 1e3 * repeats / (System.nanoTime() - start);
      }
      return speeds;
    }
  }
}
