// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** The chain moves between stores while clients keep talking to the node, which is measured. */
@Isolated
class MigrationIT {
  private static final int REQUESTS_PER_SECOND = 200;
  private static final int TRANSACTIONS_PER_SECOND = 20;

  @TempDir Path folder;

  @Test
  void clientsDoNotNoticeAMigration() throws Exception {
    try (Node node = new Node(folder.resolve("node")).start("--storage", "memory")) {
      Load load = new Load(node, folder);
      load.start();
      for (int round = 0; round < 3; round++) {
        load.run(1_000);
        migrate(node, "mapdb");
        load.run(500);
        migrate(node, "memory");
      }
      load.run(1_000);
      load.stop();
      load.check(250);
    }
  }

  /** With {@code -Psoak} a million accounts; the times of both directions are printed. */
  @Test
  void manyAccountsMove() throws Exception {
    int accounts = Integer.getInteger("it.accounts", 20_000);
    Map<String, String> environment = Map.of(Node.JAVA_OPTIONS, "-Xmx3g");
    try (Node node = new Node(folder.resolve("many")).start(environment)) {
      long filled = 0;
      for (long nonce = 0; filled < accounts; nonce++) {
        // one by one: fuller blocks would raise the base fee without end
        String hash =
            node.result(
                    "eth_sendRawTransaction",
                    Accounts.raw(Accounts.fill(0, nonce, 1_000_000 + nonce * 1_000)))
                .asText();
        JsonNode receipt = Journeys.receipt(node, hash);
        assertThat(receipt.get("status").asText()).isEqualTo("0x1");
        filled += Accounts.FILLED;
      }
      Load load = new Load(node, folder);
      load.start();
      for (String to : List.of("memory", "mapdb")) {
        long start = System.nanoTime();
        Node.Result moved = migrate(node, to);
        System.out.printf(
            "migration to %s with %,d accounts: %.1f s; %s",
            to,
            filled,
            (System.nanoTime() - start) / 1e9,
            moved.output().lines().reduce("", (a, b) -> b + "\n"));
      }
      load.stop();
      load.check(1_000); // a million accounts in memory make the collector's pauses longer
    }
  }

  @Test
  void aMigrationIsCancelled() throws Exception {
    try (Node node = new Node(folder.resolve("cancel")).quick().start("--storage", "memory")) {
      String hash = "";
      for (int i = 0; i < 100; i++) {
        hash =
            node.result(
                    "eth_sendRawTransaction",
                    Accounts.raw(Accounts.fill(0, i, 1_000_000L + i * 1_000L)))
                .asText();
      }
      assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
      FutureTask<Node.Result> migration =
          new FutureTask<>(() -> node.shell("storage:migrate", "mapdb"));
      new Thread(migration, "migration").start();
      Node.Result cancel = node.shell("storage:migrate", "--cancel");
      while (cancel.output().contains("no migration is under way") && !migration.isDone()) {
        cancel = node.shell("storage:migrate", "--cancel");
      }
      assertThat(cancel.output()).contains("cancelling");
      Node.Result result = migration.get(30, TimeUnit.SECONDS);
      assertThat(result.status()).isNotZero();
      assertThat(result.output()).contains("cancelled; store 'chain' is in 'memory'");
      assertThat(node.shell("storage:list").output()).contains("* memory");
      String next =
          node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 100))).asText();
      assertThat(Journeys.receipt(node, next).get("status").asText()).isEqualTo("0x1");
      migrate(node, "mapdb"); // what was copied before is no obstacle
      assertThat(node.result("eth_getTransactionReceipt", hash).get("status").asText())
          .isEqualTo("0x1");
    }
  }

  /** Moves the chain to another store. */
  static Node.Result migrate(Node node, String to) throws Exception {
    Node.Result result = node.shell("storage:migrate", to);
    assertThat(result.output()).contains("done");
    assertThat(result.status()).isZero();
    assertThat(node.shell("storage:list").output()).contains("* " + to);
    return result;
  }

  /** Mixed requests and transactions at fixed rates, and a subscription to heads. */
  private static final class Load {
    private final Node node;
    private final AtomicBoolean running = new AtomicBoolean(true);
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final ConcurrentHistogram latency = new ConcurrentHistogram(3);
    private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());
    private final AtomicLong longestGap = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();
    private final List<String> sent = new ArrayList<>();
    private final ConcurrentLinkedQueue<Long> heads = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean socketClosed = new AtomicBoolean();
    private final ExecutorService threads = Executors.newFixedThreadPool(5);
    private final List<Future<?>> workers = new ArrayList<>();
    private final Stalls stalls;
    private WebSocket socket;
    private long first;

    Load(Node node, Path folder) {
      this.node = node;
      this.stalls = new Stalls(folder);
    }

    void start() throws Exception {
      first = Long.decode(node.result("eth_blockNumber").asText()) + 1;
      socket =
          HttpClient.newHttpClient()
              .newWebSocketBuilder()
              .buildAsync(URI.create("ws://127.0.0.1:" + node.wsPort), new HeadListener())
              .get(5, TimeUnit.SECONDS);
      socket
          .sendText(
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}",
              true)
          .get();
      for (int i = 0; i < 4; i++) {
        workers.add(threads.submit(this::ask));
      }
      workers.add(threads.submit(this::send));
      lastAnswer.set(System.nanoTime());
    }

    void run(int millis) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private void ask() {
      String[][] requests = {
        {"eth_blockNumber"},
        {"eth_getBalance", Accounts.FIRST, "latest"},
        {"eth_chainId"},
        {"eth_getTransactionCount", Accounts.FIRST, "pending"},
        {"eth_gasPrice"}
      };
      long interval = TimeUnit.SECONDS.toNanos(1) * 4 / REQUESTS_PER_SECOND;
      long due = System.nanoTime();
      for (int i = 0; running.get(); i++) {
        due += interval;
        long wait = due - System.nanoTime();
        if (wait > 0) {
          LockSupport.parkNanos(wait);
        }
        String[] request = requests[i % requests.length];
        try {
          JsonNode response =
              node.call(
                  request[0], (Object[]) java.util.Arrays.copyOfRange(request, 1, request.length));
          long now = System.nanoTime();
          // from when the request was due: a stall counts for all that had to wait
          latency.recordValue(Math.max(1, (now - Math.min(due, now)) / 1_000));
          longestGap.accumulateAndGet(now - lastAnswer.getAndSet(now), Math::max);
          answers.incrementAndGet();
          if (!response.has("result")) {
            failures.add(response.toString());
          }
        } catch (Exception failure) {
          failures.add(request[0] + ": " + failure);
        }
      }
    }

    private void send() {
      try {
        long nonce =
            Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
        long due = System.nanoTime();
        while (running.get()) {
          due += TimeUnit.SECONDS.toNanos(1) / TRANSACTIONS_PER_SECOND;
          LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
          sent.add(
              node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce++)))
                  .asText());
        }
      } catch (Exception | AssertionError failure) {
        failures.add("sending: " + failure);
      }
    }

    void stop() throws Exception {
      running.set(false);
      for (Future<?> worker : workers) {
        worker.get(30, TimeUnit.SECONDS);
      }
      threads.shutdown();
      stalls.close();
    }

    /**
     * Checks that nothing was lost, and that there was always an answer within some time, beyond
     * what the machine stood still; within four times that time in any case.
     */
    void check(int gapMillis) throws Exception {
      assertThat(failures).isEmpty();
      for (String hash : sent) {
        assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
      }
      long head = Long.decode(node.result("eth_blockNumber").asText());
      int mined = 0;
      for (long number = first; number <= head; number++) {
        mined +=
            node.result("eth_getBlockByNumber", "0x" + Long.toHexString(number), false)
                .get("transactions")
                .size();
      }
      assertThat(mined).as("each transaction is mined once").isEqualTo(sent.size());
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (!heads.contains(head) && System.nanoTime() < limit) {
        run(10); // a notification follows its block
      }
      List<Long> seen = new ArrayList<>(heads);
      for (int i = 1; i < seen.size(); i++) {
        assertThat(seen.get(i)).as("no head is missed").isEqualTo(seen.get(i - 1) + 1);
      }
      assertThat(seen.get(seen.size() - 1)).isEqualTo(head);
      assertThat(socketClosed).isFalse();
      System.out.printf(
          "migrations under load: answers %d, transactions %d, heads %d, longest gap between answers %.1f ms (machine: %.1f ms, disk: %.1f ms), p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms%n",
          answers.get(),
          sent.size(),
          seen.size(),
          longestGap.get() / 1e6,
          stalls.clockNanos() / 1e6,
          stalls.diskNanos() / 1e6,
          latency.getValueAtPercentile(50) / 1e3,
          latency.getValueAtPercentile(99) / 1e3,
          latency.getValueAtPercentile(99.9) / 1e3);
      long allowed = TimeUnit.MILLISECONDS.toNanos(gapMillis);
      assertThat(longestGap.get() - stalls.clockNanos() - stalls.diskNanos())
          .as(
              "longest gap of %d ns, less stalls of %d ns and of the disk of %d ns",
              longestGap.get(), stalls.clockNanos(), stalls.diskNanos())
          .isLessThan(allowed);
      assertThat(longestGap.get()).as("longest gap in ns").isLessThan(4 * allowed);
      socket.abort();
    }

    private final class HeadListener implements WebSocket.Listener {
      private final StringBuilder text = new StringBuilder();

      @Override
      public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
          try {
            JsonNode number = Node.json(text.toString()).at("/params/result/number");
            if (number.isTextual()) {
              heads.add(Long.decode(number.asText()));
            }
          } catch (java.io.IOException malformed) {
            failures.add("notification: " + malformed);
          }
          text.setLength(0);
        }
        webSocket.request(1);
        return null;
      }

      @Override
      public CompletionStage<?> onClose(WebSocket webSocket, int status, String reason) {
        socketClosed.set(running.get());
        return null;
      }
    }
  }
}
