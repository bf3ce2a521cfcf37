// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.attributes;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A consensus client makes a block a second while the chain moves to another store and back and
 * bundles are exchanged, those that it talks to among them.
 */
class EngineSwapIT {
  /** What a client may be told while a bundle is away; it asks again. */
  private static final Set<Integer> DOCUMENTED = Set.of(-32601, -32000);

  private static final long SLOWEST_MILLIS = 500;

  @TempDir Path folder;

  @Test
  void blocksAreMadeWhileEverythingIsExchanged() throws Exception {
    try (Node node = new Node(folder.resolve("node"), "run")) {
      node.start("--genesis", EngineDriver.genesis(folder).toString(), "--debug", "on");
      EngineDriver first = EngineDriver.of(node);
      first.adopt(first.build(EngineDriver.OSAKA));
      Swaps swaps = new Swaps(node);
      try (Proposer proposer = new Proposer(node, first, folder)) {
        for (String store : List.of("mapdb", "rocksdb")) {
          Node.Result moved = node.shell("storage:migrate", store);
          assertThat(moved.output()).contains("done");
        }
        List<Long> threads = new ArrayList<>();
        for (int i = 0; i < Math.max(1, Integer.getInteger("it.swaps", 1) / 2); i++) {
          for (String name :
              List.of(
                  "tracer-struct",
                  "tracer-call",
                  "rpc-eth",
                  "rpc-debug",
                  "rpc-engine",
                  "consensus-engine")) {
            proposer.during(name);
            swaps.round(name);
            proposer.awaitTwoBlocks();
            swaps.oldLoadersAreCollected("dev.patchbay." + name.replace('-', '.'));
          }
          proposer.during("");
          threads.add(swaps.threadCount());
        }
        long most = threads.stream().mapToLong(Long::longValue).max().orElseThrow();
        assertThat(most - threads.get(0)).as("threads do not grow: " + threads).isLessThan(16);
        proposer.check();
      }
    }
  }

  /** Proposes a block each second, on a thread of its own. */
  private static final class Proposer implements AutoCloseable {
    private final Node node;
    private final EngineDriver driver;
    private final Stalls stalls;
    private final Thread thread = new Thread(this::run, "swap-proposer");
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private final Map<String, Long> slowest = new TreeMap<>();
    private volatile boolean running = true;
    private volatile String away = "";
    private volatile int blocks;
    private int refusals;
    private long nonce;

    Proposer(Node node, EngineDriver driver, Path folder) {
      this.node = node;
      this.driver = driver;
      this.stalls = new Stalls(folder);
      thread.start();
    }

    /** Notes which bundle is exchanged now. */
    void during(String bundle) {
      away = bundle;
    }

    /** Waits until all that is exchanged was used again. */
    void awaitTwoBlocks() {
      await(blocks + 2);
    }

    /** Waits, for half a minute at most, until a number of blocks was made. */
    private void await(int many) {
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (blocks < many && System.nanoTime() < limit) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
    }

    private void run() {
      long next = System.nanoTime();
      while (running) {
        try {
          propose();
        } catch (Exception | AssertionError failure) {
          wrong.add(away + ": " + failure);
        }
        next += TimeUnit.SECONDS.toNanos(1);
        LockSupport.parkNanos(Math.max(0, next - System.nanoTime()));
      }
    }

    private void propose() throws Exception {
      JsonNode sent =
          node.call("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce)));
      nonce += sent.has("result") ? 1 : 0;
      long time = driver.time + 12;
      ObjectNode attributes = attributes(time);
      JsonNode started =
          ask(
              "forkchoiceUpdated",
              () -> driver.update(time, driver.head, driver.safe, driver.finalized, attributes));
      String id = started.at("/result/payloadId").asText();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      JsonNode fetched = ask("getPayload", () -> driver.client.call("engine_getPayloadV5", id));
      ObjectNode envelope = (ObjectNode) fetched.get("result");
      JsonNode inserted = ask("newPayload", () -> driver.insert(envelope));
      expectValid(inserted);
      String hash = EngineDriver.hash(envelope);
      expectValid(
          ask(
              "forkchoiceUpdated",
              () -> driver.update(time, hash, driver.head, driver.head, null)));
      driver.safe = driver.head;
      driver.finalized = driver.head;
      driver.head = hash;
      driver.time = time;
      for (Map<String, String> options :
          List.of(Map.<String, String>of(), Map.of("tracer", "callTracer"))) {
        node.call("debug_traceBlockByHash", hash, options);
      }
      blocks++;
    }

    private static void expectValid(JsonNode reply) {
      assertThat(EngineDriver.status(reply)).as("" + reply).isEqualTo("VALID");
    }

    private interface Call {
      JsonNode run() throws Exception;
    }

    /** Calls until there is a result; what is documented may be told meanwhile. */
    private JsonNode ask(String name, Call call) throws Exception {
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (true) {
        long start = System.nanoTime();
        JsonNode reply = call.run();
        long took = System.nanoTime() - start;
        slowest.merge(name, TimeUnit.NANOSECONDS.toMillis(took), Math::max);
        if (reply.has("result")) {
          return reply;
        }
        boolean mayFail = away.equals("rpc-engine") || away.equals("consensus-engine");
        if (!mayFail || !DOCUMENTED.contains(reply.at("/error/code").asInt())) {
          throw new IOException(name + " was answered " + reply);
        }
        if (System.nanoTime() > limit) {
          throw new IOException(name + " was refused for 60 s: " + reply);
        }
        refusals++;
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }

    void check() throws Exception {
      await(21); // a fast machine is through with the exchanges before
      running = false;
      thread.join(30_000);
      System.out.printf(
          "engine swap: %d blocks, %d transactions, %d calls asked again; slowest in ms %s;"
              + " the machine stood still for %d ms%n",
          blocks, nonce, refusals, slowest, stillMillis());
      assertThat(wrong).isEmpty();
      assertThat(blocks).isGreaterThan(20);
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(driver.head);
      long most = slowest.values().stream().mapToLong(Long::longValue).max().orElseThrow();
      assertThat(most).isLessThan(SLOWEST_MILLIS + stillMillis());
    }

    private long stillMillis() {
      return TimeUnit.NANOSECONDS.toMillis(Math.max(stalls.clockNanos(), stalls.diskNanos()));
    }

    @Override
    public void close() throws Exception {
      running = false;
      thread.join(30_000);
      stalls.close();
    }
  }
}
