// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The store of a bundle of a third party, {@code examples/notes}, in a node with and in one without
 * a chain: it is opened, written, migrated under load, killed and opened again.
 */
class NamedStoreIT {
  private static final String BUNDLE = "com.example.notes";
  private static final String BACKEND_BUNDLE = "dev.patchbay.storage.rocksdb";

  /** What a client may see while the bundle, or the backend of its store, is away. */
  private static final Set<Integer> DOCUMENTED = Set.of(-32601, -32010);

  private static final int TRANSACTIONS_PER_SECOND = 20;

  /** What a node without a chain consists of. */
  private static final String FEATURES =
      Stream.of(
              "feature",
              "bundle",
              "scr",
              "framework",
              "config",
              "shell",
              "patchbay-shell",
              "patchbay-storage",
              "patchbay-storage-memory",
              "patchbay-storage-mapdb",
              "patchbay-rocksdb-native",
              "patchbay-storage-rocksdb",
              "patchbay-jetty",
              "patchbay-rpc-server")
          .collect(Collectors.joining(","));

  @TempDir Path folder;

  @Test
  void aBundleKeepsItsStoreWithAndWithoutAChain() throws Exception {
    String url = Examples.build("notes");
    Node node = new Node(folder.resolve("node")).quick();
    Map<Long, String> acknowledged = new ConcurrentHashMap<>();
    node.start("--namespaces", "eth,net,web3,rpc,notes");
    List<String> command;
    try (node) {
      install(node, url);
      assertThat(backendOf(node, "notes")).isEqualTo("mapdb");
      rejectsWrongParameters(node);
      Map<String, String> mined = migrations(node, acknowledged);
      swaps(node, url, acknowledged);
      mined.putAll(kill(node, acknowledged));
      node.start("--namespaces", "eth,net,web3,rpc,notes");
      assertStand(node, acknowledged);
      for (Map.Entry<String, String> entry : mined.entrySet()) {
        JsonNode receipt = node.result("eth_getTransactionReceipt", entry.getKey());
        assertThat(receipt.path("blockHash").asText()).isEqualTo(entry.getValue());
      }
      aBackendGoesAndComes(node, acknowledged);
      command = commandLine(node.pid());
    }
    withoutChain(node, command, url, acknowledged);
  }

  private static void install(Node node, String url) throws Exception {
    Node.Result installed = node.shell("bundle:install -s " + url);
    assertThat(installed.status()).as(installed.output()).isZero();
  }

  private static void rejectsWrongParameters(Node node) throws Exception {
    assertThat(node.call("notes_put", 1).at("/error/code").asInt()).isEqualTo(-32602);
    assertThat(node.call("notes_put").at("/error/code").asInt()).isEqualTo(-32602);
    assertThat(node.call("notes_put", "x".repeat(65_537)).at("/error/code").asInt())
        .isEqualTo(-32602);
    assertThat(node.call("notes_get", "1").at("/error/code").asInt()).isEqualTo(-32602);
    assertThat(node.result("notes_get", 1).isNull()).isTrue();
    assertThat(node.result("notes_count").asLong()).isZero();
  }

  /** Moves the store alone, and all stores, while notes and transactions are written. */
  private static Map<String, String> migrations(Node node, Map<Long, String> acknowledged)
      throws Exception {
    TransactionLoad transactions =
        TransactionLoad.start(node, TRANSACTIONS_PER_SECOND).awaitFirst();
    try (Writers writers = new Writers(node, acknowledged, Set.of())) {
      writers.awaitMore(20);
      migrate(node, "--store notes rocksdb");
      assertThat(backendOf(node, "notes")).isEqualTo("rocksdb");
      assertThat(backendOf(node, "chain")).isEqualTo("mapdb");
      for (String all : List.of("memory", "mapdb", "rocksdb")) {
        writers.awaitMore(20);
        migrate(node, all);
        assertThat(backendOf(node, "notes")).isEqualTo(all);
        assertThat(backendOf(node, "chain")).isEqualTo(all);
      }
      writers.awaitMore(20);
      writers.check();
    }
    transactions.stop();
    assertThat(transactions.failures()).isEmpty();
    assertThat(transactions.reported()).hasSize(transactions.sent());
    assertStand(node, acknowledged);
    return new ConcurrentHashMap<>(transactions.reported());
  }

  private static void migrate(Node node, String arguments) throws Exception {
    Node.Result moved = node.shell("storage:migrate " + arguments);
    assertThat(moved.output()).contains("done");
    assertThat(moved.status()).isZero();
  }

  /** Returns the backend of a store, as {@code storage:list} shows it. */
  private static String backendOf(Node node, String store) throws Exception {
    String current = "";
    String list = node.shell("storage:list").output();
    for (String line : list.split("\n")) {
      if (!line.startsWith("*") && !line.startsWith(" ")) {
        current = line.strip();
      } else if (line.startsWith("* ") && current.equals(store)) {
        return line.substring(2).strip().split(" ")[0];
      }
    }
    throw new AssertionError("no store " + store + ": " + list);
  }

  /** Stops, starts, updates and removes the bundle, and installs it again, while it is used. */
  private static void swaps(Node node, String url, Map<Long, String> acknowledged)
      throws Exception {
    Swaps swaps = new Swaps(node);
    Map<String, String> before = Swaps.others(swaps.states(), BUNDLE);
    try (Writers writers = new Writers(node, acknowledged, DOCUMENTED)) {
      for (String swap :
          List.of(
              "bundle:stop " + BUNDLE + "; bundle:start " + BUNDLE,
              "bundle:update " + BUNDLE,
              "bundle:uninstall " + BUNDLE + "; bundle:install -s " + url)) {
        swaps.shell(swap);
        swaps.settle();
        writers.awaitMore(10);
        swaps.oldLoadersAreCollected(BUNDLE);
      }
      writers.check();
    }
    assertThat(Swaps.others(swaps.states(), BUNDLE)).isEqualTo(before);
    assertStand(node, acknowledged);
  }

  /** Kills the node while notes and transactions are written; returns the transactions. */
  private static Map<String, String> kill(Node node, Map<Long, String> acknowledged)
      throws Exception {
    TransactionLoad transactions =
        TransactionLoad.start(node, TRANSACTIONS_PER_SECOND).awaitFirst();
    try (Writers writers = new Writers(node, acknowledged, Set.of())) {
      writers.awaitMore(20);
      writers.mayDisconnect();
      transactions.kill();
      writers.check();
    }
    assertThat(transactions.failures()).isEmpty();
    return transactions.reported();
  }

  /** The backend of one store goes and comes back; the other store does not notice. */
  private static void aBackendGoesAndComes(Node node, Map<Long, String> acknowledged)
      throws Exception {
    migrate(node, "--store chain mapdb");
    TransactionLoad transactions =
        TransactionLoad.start(node, TRANSACTIONS_PER_SECOND).awaitFirst();
    try (Writers writers = new Writers(node, acknowledged, DOCUMENTED)) {
      assertThat(node.shell("bundle:stop " + BACKEND_BUNDLE).status()).isZero();
      JsonNode away = node.call("notes_count");
      assertThat(away.at("/error/code").asInt()).isEqualTo(-32010);
      assertThat(away.at("/error/message").asText())
          .contains("'rocksdb' of bundle " + BACKEND_BUNDLE + " is not installed");
      assertThat(node.shell("bundle:start " + BACKEND_BUNDLE).status()).isZero();
      writers.awaitMore(10);
      writers.check();
    }
    transactions.stop();
    assertThat(transactions.failures()).isEmpty();
    assertThat(transactions.reported()).hasSize(transactions.sent());
    assertStand(node, acknowledged);
  }

  // ---- without a chain

  /** Returns the command line of a node, which the launcher made. */
  private static List<String> commandLine(long pid) throws IOException {
    String line = Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    return List.of(line.split("\0"));
  }

  private static void withoutChain(
      Node node, List<String> command, String url, Map<Long, String> acknowledged)
      throws Exception {
    Path features = node.data.resolve("etc/org.apache.karaf.features.cfg");
    String boot = Files.readString(features);
    Files.writeString(
        features,
        boot.replaceFirst("(?s)\nfeaturesBoot *=.*?\n\n", "\nfeaturesBoot = " + FEATURES + "\n\n"));
    deleteTree(node.data.resolve("karaf/cache"));
    Bare bare = new Bare(node, command);
    try (bare) {
      bare.start();
      install(node, url);
      assertThat(node.shell("storage:list").output()).doesNotContain("chain");
      assertStand(node, acknowledged);
      try (Writers writers = new Writers(node, acknowledged, Set.of())) {
        for (String to : List.of("memory", "mapdb", "rocksdb")) {
          writers.awaitMore(20);
          migrate(node, to);
          assertThat(backendOf(node, "notes")).isEqualTo(to);
        }
        writers.awaitMore(20);
        writers.mayDisconnect();
        bare.kill();
        writers.check();
      }
      bare.start();
      bare.awaitMethod();
      assertThat(backendOf(node, "notes")).isEqualTo("rocksdb");
      assertStand(node, acknowledged);
      begins(node, url);
    }
  }

  /** A store that was never opened begins in a node without a chain. */
  private static void begins(Node node, String url) throws Exception {
    assertThat(node.shell("bundle:uninstall " + BUNDLE).status()).isZero();
    deleteTree(node.data.resolve("stores/notes"));
    install(node, url);
    assertThat(node.result("notes_put", "first").asLong()).isEqualTo(1);
    assertThat(backendOf(node, "notes")).isEqualTo("mapdb");
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }

  /** A node with other features than those of the distribution, started without the launcher. */
  private static final class Bare implements AutoCloseable {
    private final Node node;
    private final List<String> command;
    private Process process;

    Bare(Node node, List<String> command) {
      this.node = node;
      this.command = command;
    }

    void start() throws Exception {
      Files.deleteIfExists(node.data.resolve("shell.sock"));
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(node.data.resolve("logs/bare.log").toFile())
              .start();
      Node.awaitPort(node.httpPort);
      Journeys.await(
          "a shell", () -> node.shell("storage:list").status() == 0 || !process.isAlive());
      Node.Result shell = node.shell("storage:list");
      assertThat(shell.status()).as(shell.output()).isZero();
    }

    /** Waits until the bundle, which starts with the node, answers. */
    void awaitMethod() throws Exception {
      Journeys.await("notes_count", () -> node.call("notes_count").has("result"));
    }

    void kill() throws Exception {
      process.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() throws Exception {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }

  // ---- notes

  /** Checks that each note that was acknowledged is there, and that no number has no note. */
  private static void assertStand(Node node, Map<Long, String> acknowledged) throws Exception {
    long count = node.result("notes_count").asLong();
    assertThat(acknowledged).isNotEmpty();
    assertThat(acknowledged.keySet()).allMatch(number -> number <= count);
    for (long first = 1; first <= count; first += 100) {
      List<String> calls = new ArrayList<>();
      for (long number = first; number < Math.min(first + 100, count + 1); number++) {
        calls.add(Node.request("notes_get", number));
      }
      JsonNode responses = Node.json(node.post(calls.toString()).body());
      assertThat(responses).hasSize(calls.size());
      for (int i = 0; i < calls.size(); i++) {
        String text = responses.get(i).path("result").asText(null);
        assertThat(text).as("note %d of %d", first + i, count).isNotNull();
        assertThat(text).isEqualTo(acknowledged.getOrDefault(first + i, text));
      }
    }
  }

  /** Clients that put notes, 100 a second each, and read each one back. */
  private static final class Writers implements AutoCloseable {
    private static final int CLIENTS = 2;

    private final Node node;
    private final Map<Long, String> acknowledged;
    private final Set<Integer> documented;
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean running = true;
    private volatile boolean mayDisconnect;

    /** Starts the clients; {@code documented} are the codes of errors that they may get. */
    Writers(Node node, Map<Long, String> acknowledged, Set<Integer> documented) {
      this.node = node;
      this.acknowledged = acknowledged;
      this.documented = documented;
      for (int i = 0; i < CLIENTS; i++) {
        threads.add(new Thread(this::run, "notes-" + i));
      }
      threads.forEach(Thread::start);
    }

    private void run() {
      String name = Thread.currentThread().getName() + " " + System.nanoTime() + " ";
      try {
        for (int i = 0; running; i++) {
          String text = name + i + " " + "text ".repeat(i % 200);
          JsonNode put = node.call("notes_put", text);
          if (put.has("result")) {
            long number = put.get("result").asLong();
            if (acknowledged.putIfAbsent(number, text) != null) {
              wrong.add("two notes are number " + number);
            }
            JsonNode got = node.call("notes_get", number);
            if (got.has("result") && !text.equals(got.get("result").asText())) {
              wrong.add("note " + number + " is " + got);
            }
            expectDocumented(got);
          }
          expectDocumented(put);
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
      } catch (IOException killed) {
        if (!mayDisconnect) {
          wrong.add(killed.toString());
        }
      } catch (Exception failure) {
        wrong.add(failure.toString());
      }
    }

    private void expectDocumented(JsonNode response) {
      if (!response.has("result") && !documented.contains(response.at("/error/code").asInt())) {
        wrong.add(response.toString());
      }
    }

    /** Waits until a number of notes more are acknowledged. */
    void awaitMore(int notes) {
      int wanted = acknowledged.size() + notes;
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (acknowledged.size() < wanted && wrong.isEmpty()) {
        assertThat(System.nanoTime()).as("notes are written").isLessThan(limit);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }

    /** From now on the node may end. */
    void mayDisconnect() {
      mayDisconnect = true;
    }

    /** Ends the clients, and checks what they saw. */
    void check() throws Exception {
      close();
      assertThat(wrong).isEmpty();
    }

    @Override
    public void close() throws Exception {
      running = false;
      for (Thread thread : threads) {
        thread.join(30_000);
      }
    }
  }
}
