// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs workloads with {@code evm run --bench} of go-ethereum, which prints the mean time of a run.
 */
final class GethEvm {
  private static final Pattern TIME = Pattern.compile("execution time:\\s+(\\S+)");
  private static final Pattern GAS = Pattern.compile("EVM gas used:\\s+(\\d+)");
  private static final Pattern DURATION = Pattern.compile("([0-9.]+)(ns|µs|us|ms|s|m|h)");

  private static final int RUNS = 3;

  /** Some workloads that end by running out of gas never end there, and take all memory. */
  private static final long MAX_SECONDS = 60;

  private final String binary;
  private final Path folder;

  GethEvm(String binary) throws IOException {
    this.binary = binary;
    this.folder = Files.createTempDirectory("patchbay-geth");
  }

  /**
   * Returns the Mgas/s of the best of three runs, or nothing when geth does not come to its end; a
   * line is printed then, and when it uses other gas than {@code used}.
   */
  OptionalDouble speed(Workload workload, long used) throws IOException, InterruptedException {
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
      OptionalDouble speed = run(workload, used);
      if (speed.isEmpty()) {
        return speed;
      }
      best = Math.max(best, speed.getAsDouble());
    }
    return OptionalDouble.of(best);
  }

  private OptionalDouble run(Workload workload, long used)
      throws IOException, InterruptedException {
    Path code = Files.writeString(folder.resolve("code"), workload.code);
    Path genesis = folder.resolve("genesis.json");
    Path printed = folder.resolve("output");
    new ObjectMapper().writeValue(genesis.toFile(), workload.genesis());
    Process process =
        new ProcessBuilder(
                List.of(
                    binary,
                    "run",
                    "--bench",
                    "--codefile",
                    code.toString(),
                    "--input",
                    workload.data,
                    "--gas",
                    "" + workload.gas,
                    "--prestate",
                    genesis.toString(),
                    "--sender",
                    Workload.SENDER.toString(),
                    "--receiver",
                    Workload.CONTRACT.toString()))
            .redirectErrorStream(true)
            .redirectOutput(printed.toFile())
            .start();
    if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      System.out.println(
          workload.name + ": " + binary + " was stopped after " + MAX_SECONDS + " s");
      return OptionalDouble.empty();
    }
    int status = process.exitValue();
    String text = Files.readString(printed);
    Matcher time = TIME.matcher(text);
    Matcher gas = GAS.matcher(text);
    if (!time.find() || !gas.find()) {
      System.out.println(
          workload.name + ": " + binary + " ended with " + status + " and printed " + text.strip());
      return OptionalDouble.empty();
    }
    if (Long.parseLong(gas.group(1)) != used) {
      System.out.println(
          workload.name + ": " + binary + " uses " + gas.group(1) + " gas, we " + used);
    }
    return OptionalDouble.of(Long.parseLong(gas.group(1)) / 1e6 / seconds(time.group(1)));
  }

  /** Reads a duration as Go writes it: 1m2.5s, 20.1ms. */
  static double seconds(String duration) {
    Matcher part = DURATION.matcher(duration);
    double seconds = 0;
    while (part.find()) {
      double unit =
          switch (part.group(2)) {
            case "ns" -> 1e-9;
            case "µs", "us" -> 1e-6;
            case "ms" -> 1e-3;
            case "m" -> 60;
            case "h" -> 3600;
            default -> 1;
          };
      seconds += Double.parseDouble(part.group(1)) * unit;
    }
    return seconds;
  }
}
