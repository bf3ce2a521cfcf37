// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** Steps that several journeys take. */
final class Journeys {
  private Journeys() {}

  /** Waits for a receipt by asking. */
  static JsonNode receipt(Node node, String hash) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (System.nanoTime() < limit) {
      JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
      if (!receipt.isNull()) {
        return receipt;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    throw new AssertionError("no receipt of " + hash);
  }

  /** Sends a transaction; the node responds when it is in a block (EIP-7966). */
  static JsonNode mine(Node node, Transaction transaction) throws Exception {
    return node.result("eth_sendRawTransactionSync", Accounts.raw(transaction));
  }

  /** Waits until a transaction is in the pool or in the chain, by asking. */
  static void awaitTransaction(Node node, String hash) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (node.call("eth_getTransactionByHash", hash).path("result").isEmpty()) {
      assertThat(System.nanoTime()).as("transaction " + hash + " in 60 s").isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  /** Starts a node that must refuse; returns what it prints. */
  static String refusal(Node node, String... options) throws Exception {
    List<String> line =
        new ArrayList<>(
            List.of(
                "dev",
                "--datadir",
                node.data.toString(),
                "--http-port",
                "" + node.httpPort,
                "--ws-port",
                "" + node.wsPort));
    line.addAll(List.of(options));
    Node.Result result = Node.launcher(QuickJvm.environment(), line);
    assertThat(result.status()).as(result.output()).isNotZero();
    return result.output();
  }

  /**
   * Runs a program to its end, at most eight minutes, and prints its output; returns its exit
   * status.
   */
  static int run(Path folder, Map<String, String> environment, List<String> command)
      throws Exception {
    // not inheritIO: the streams of a forked test belong to the test runner
    Path output = Files.createTempFile("patchbay-run", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    boolean ended = process.waitFor(8, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    System.out.println(Files.readString(output));
    if (!ended) {
      throw new AssertionError(command + " has not ended");
    }
    return process.exitValue();
  }

  /** Returns options, and more of them. */
  static String[] with(String[] common, String... more) {
    return Stream.concat(Stream.of(common), Stream.of(more)).toArray(String[]::new);
  }

  /** Waits until a condition holds: an event that must come, however busy the machine is. */
  static void await(String what, Callable<Boolean> condition) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as(what + " within 60 s").isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  /**
   * Waits until a number has come to a target. It may take as long as it likes, but must not stand
   * still for a minute.
   */
  static void awaitNumber(String what, Callable<Long> number, long target) throws Exception {
    long last = Long.MIN_VALUE;
    while (last < target) {
      long before = last;
      long[] now = new long[1];
      await(
          what + " after " + before,
          () -> {
            now[0] = number.call();
            return now[0] > before;
          });
      last = now[0];
    }
  }
}
