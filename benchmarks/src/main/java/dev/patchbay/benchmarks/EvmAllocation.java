// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Shows with JMH's allocation profiler how many bytes an instruction of each workload allocates.
 * The bytes of a run without instructions worth the name (its state, its frames) are taken off.
 *
 * <p>Arguments: the folder of the benchmarks' input.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class EvmAllocation {
  private static final String FILE = "patchbay.workloads";

  /** The shortest workload: what it allocates is the overhead of any run. */
  private static final String BASE = "f8-geth-swap1-10k";

  /** Name of the workload. */
  @Param(BASE)
  public String name = BASE;

  private @Nullable Workload workload;

  /** Reads the workload. */
  @Setup
  public void setUp() throws IOException {
    workload = named(System.getProperty(FILE, ""), name);
  }

  private static Workload named(String file, String name) throws IOException {
    return Workload.read(Path.of(file)).stream()
        .filter(candidate -> candidate.name.equals(name))
        .findFirst()
        .orElseThrow(() -> new IOException("no workload " + name));
  }

  /** Runs the workload once. */
  @Benchmark
  public long run() throws InvalidTransactionException {
    return Objects.requireNonNull(workload).run();
  }

  /** Runs all workloads that end soon. */
  public static void main(String[] args) throws Exception {
    String file = Path.of(args[0]).resolve(Workload.FILE).toString();
    List<String> names = new ArrayList<>();
    Map<String, Long> instructions = new TreeMap<>();
    for (Workload candidate : Workload.read(Path.of(file))) {
      names.add(candidate.name);
      instructions.put(candidate.name, candidate.instructions());
    }
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(EvmAllocation.class.getName())
                    .param("name", names.toArray(new String[0]))
                    .jvmArgsAppend("-D" + FILE + "=" + file, "-XX:+UseSerialGC", "-Xmx1g")
                    .forks(1)
                    .warmupIterations(2)
                    .warmupTime(TimeValue.seconds(1))
                    .measurementIterations(1)
                    .measurementTime(TimeValue.seconds(1))
                    .addProfiler(GCProfiler.class)
                    .build())
            .run();
    Map<String, Double> bytes = new TreeMap<>();
    for (RunResult result : results) {
      for (Map.Entry<String, Result> secondary : result.getSecondaryResults().entrySet()) {
        if (secondary.getKey().endsWith("gc.alloc.rate.norm")) {
          bytes.put(result.getParams().getParam("name"), secondary.getValue().getScore());
        }
      }
    }
    double overhead = bytes.getOrDefault(BASE, 0.0);
    System.out.printf("%-26s %14s %14s %12s%n", "", "instructions", "bytes a run", "bytes each");
    for (String each : names) {
      double all = bytes.getOrDefault(each, Double.NaN);
      long count = instructions.getOrDefault(each, 1L);
      System.out.printf(
          "%-26s %,14d %,14.0f %12.4f%n", each, count, all, Math.max(0, all - overhead) / count);
    }
  }
}
