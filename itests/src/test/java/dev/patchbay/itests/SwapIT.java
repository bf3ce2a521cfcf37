// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every choice and surface is stopped, started, updated and reinstalled while requests and
 * transactions come in.
 */
class SwapIT {
  private static final Pattern LISTED = Pattern.compile("^\\s*(\\d+)\\s.*$");

  /** What a client may see while a bundle is away. */
  private static final Set<Integer> DOCUMENTED = Set.of(-32601, -32010, -32000);

  @TempDir static Path folder;
  private static Node node;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).start();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rpc-eth",
        "rpc-net",
        "rpc-debug",
        "tracer-struct",
        "tracer-call",
        "consensus-poa",
        "evm-engine",
        "storage-memory",
        "storage-mapdb"
      })
  void survivesItsSwap(String name) throws Exception {
    String bundle = "dev.patchbay." + name.replace('-', '.');
    AtomicBoolean running = new AtomicBoolean(true);
    ConcurrentLinkedQueue<String> undocumented = new ConcurrentLinkedQueue<>();
    Thread client = new Thread(() -> load(running, undocumented), "swap-client");
    client.start();
    int swaps = Integer.getInteger("it.swaps", 2);
    List<Long> threads = new ArrayList<>();
    long loaders = classLoaders();
    for (int i = 0; i < swaps; i++) {
      TreeMap<String, String> before = states();
      shell("bundle:stop " + bundle);
      shell("bundle:start " + bundle);
      settle();
      shell("bundle:update " + bundle);
      settle();
      assertThat(others(states(), bundle))
          .as("no other bundle is touched")
          .isEqualTo(others(before, bundle));
      shell("feature:uninstall patchbay-" + name);
      shell("feature:install patchbay-" + name);
      settle();
      assertThat(others(states(), bundle)).isEqualTo(others(before, bundle));
      threads.add(threadCount());
    }
    running.set(false);
    client.join(30_000);
    assertThat(undocumented).isEmpty();
    settle();
    long nonce =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    String hash =
        node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce))).asText();
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
    assertThat(
            node.result("debug_traceTransaction", hash, java.util.Map.of("tracer", "callTracer"))
                .get("type")
                .asText())
        .isEqualTo("CALL");
    long most = threads.stream().max(Comparator.naturalOrder()).orElseThrow();
    long left = classLoaders();
    System.out.println(
        name
            + ": "
            + swaps
            + " rounds, threads after each "
            + threads
            + ", bundle class loaders "
            + loaders
            + " -> "
            + left);
    assertThat(left).as("old class loaders are collected").isLessThanOrEqualTo(loaders);
    assertThat(most - threads.get(0)).as("threads do not grow").isLessThan(16);
  }

  private static void shell(String command) throws Exception {
    Node.Result result = node.shell(command);
    assertThat(result.status()).as(command + ": " + result.output()).isZero();
  }

  /** Waits until the node is whole again. */
  private static void settle() throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < limit) {
      if (node.shell("patchbay:doctor").output().contains("all components are well")
          && node.call("eth_blockNumber").has("result")) {
        return;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    throw new AssertionError("not whole again: " + node.shell("patchbay:doctor").output());
  }

  /**
   * Returns the last-modified line of each bundle by name: a refresh or restart of another would
   * change its state.
   */
  private static TreeMap<String, String> states() throws Exception {
    TreeMap<String, String> out = new TreeMap<>();
    for (String line : node.shell("bundle:list -t 0 -s --no-format").output().split("\n")) {
      Matcher matcher = LISTED.matcher(line);
      if (matcher.matches()) {
        String[] columns = line.split("\t");
        out.put(columns[columns.length - 1].strip(), line);
      }
    }
    return out;
  }

  private static TreeMap<String, String> others(TreeMap<String, String> states, String bundle) {
    TreeMap<String, String> out = new TreeMap<>(states);
    out.remove(bundle);
    return out;
  }

  /** Counts the class loaders of bundles that a full collection leaves. */
  private static long classLoaders() throws Exception {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                "" + node.pid(),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String histogram =
        new String(jcmd.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    Matcher row =
        Pattern.compile(
                "\\s(\\d+)\\s+\\d+\\s+org\\.apache\\.felix\\.framework\\.BundleWiringImpl\\$BundleClassLoader\\s")
            .matcher(histogram);
    assertThat(row.find()).as("histogram").isTrue();
    return Long.parseLong(row.group(1));
  }

  private static long threadCount() throws Exception {
    try (var tasks = java.nio.file.Files.list(Path.of("/proc/" + node.pid() + "/task"))) {
      return tasks.count();
    }
  }

  private static void load(AtomicBoolean running, ConcurrentLinkedQueue<String> undocumented) {
    long nonce = -1;
    for (int i = 0; running.get(); i++) {
      try {
        JsonNode response;
        if (i % 10 == 0 || nonce < 0) {
          response = node.call("eth_getTransactionCount", Accounts.FIRST, "pending");
          nonce = response.has("result") ? Long.decode(response.get("result").asText()) : -1;
        } else if (i % 3 == 0) {
          response = node.call("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce)));
          nonce = response.has("result") ? nonce + 1 : -1;
          if (Set.of(-32001, -32004).contains(response.at("/error/code").asInt())) {
            continue; // the nonce was used by what an earlier failure had let through
          }
        } else {
          response = node.call("eth_getBalance", Accounts.FIRST, "latest");
        }
        if (!response.has("result") && !DOCUMENTED.contains(response.at("/error/code").asInt())) {
          undocumented.add(response.toString());
        }
      } catch (Exception failure) {
        undocumented.add(failure.toString());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }
}
