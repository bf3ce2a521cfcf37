// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every choice and surface is stopped, started, updated and reinstalled while requests and
 * transactions come in, those of a kind at the same time.
 */
class SwapIT {
  /** What a client may see while a bundle is away. */
  private static final Set<Integer> DOCUMENTED = Set.of(-32601, -32010, -32000);

  private static final int SWAPS = Integer.getInteger("it.swaps", 1);

  private static final long HEAVY_PAUSE =
      TimeUnit.MILLISECONDS.toNanos(Integer.getInteger("it.heavy.pause", 100));

  /** Each pair of expensive calls shares it; who takes it alone waits for them. */
  private static final ReadWriteLock HEAVY = new ReentrantReadWriteLock(true);

  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  /** A request that needs the bundle, for those that balances and transfers do without. */
  private static final Map<String, Object[]> USES = new HashMap<>();

  static {
    USES.put("rpc-net", new Object[] {"net_version"});
    USES.put("rpc-txpool", new Object[] {"txpool_content"});
    USES.put("rpc-trace", new Object[] {"trace_block", "latest"});
    USES.put("rpc-admin", new Object[] {"admin_nodeInfo"});
    USES.put("rpc-miner", new Object[] {"miner_setGasPrice", "0x0"});
    USES.put("rpc-clique", new Object[] {"clique_status"});
    USES.put(
        "rpc-testing", new Object[] {"testing_buildBlockV1", "0x" + "00".repeat(32), Map.of()});
    USES.put("cache-redis", new Object[] {"eth_getBlockByNumber", "latest", true});
    USES.put("rpc-debug", traced(Map.of()));
    USES.put("tracer-struct", traced(Map.of()));
    USES.put("tracer-call", traced(Map.of("tracer", "callTracer")));
    USES.put("tracer-flat", traced(Map.of("tracer", "flatCallTracer")));
    USES.put("tracer-prestate", traced(Map.of("tracer", "prestateTracer")));
    USES.put("tracer-fourbyte", traced(Map.of("tracer", "4byteTracer")));
    USES.put("tracer-noop", traced(Map.of("tracer", "noopTracer")));
    Map<String, Object> both = Map.of("callTracer", Map.of(), "4byteTracer", Map.of());
    USES.put("tracer-mux", traced(Map.of("tracer", "muxTracer", "tracerConfig", both)));
    USES.put("tracer-erc7562", traced(Map.of("tracer", "erc7562Tracer")));
    USES.put("tracer-js", traced(Map.of("tracer", "callTracerLegacy")));
  }

  private static Object[] traced(Map<String, Object> options) {
    return new Object[] {"debug_traceBlockByNumber", "latest", options};
  }

  @TempDir static Path folder;
  private static final RedisServer REDIS = new RedisServer();
  private static Node node;
  private static Swaps swapper;

  @BeforeAll
  static void start() throws Exception {
    node =
        new Node(folder.resolve("node"))
            .start(
                "--namespaces", "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,testing");
    swapper = new Swaps(node);
    if (RedisServer.isInstalled()) {
      REDIS.start();
      Files.writeString(
          node.data.resolve("etc/dev.patchbay.cache.redis.cfg"), "port = " + REDIS.port + "\n");
    }
    swapper.shell(
        "feature:install patchbay-cache-redis"); // without a Redis it has none that answers
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
    REDIS.close();
  }

  private interface Check {
    void run() throws Exception;
  }

  /**
   * Checks something while no trace runs: the compiler of the JVM puts what calls of a tracer, say,
   * have led to in the old build and in the new one into the same machine code, and a thread in
   * there holds both.
   */
  private static void noTraceRuns(Check check) throws Exception {
    HEAVY.writeLock().lock();
    try {
      check.run();
    } finally {
      HEAVY.writeLock().unlock();
    }
  }

  /** Bundles of a kind are exchanged at the same time, with {@code -Psoak} each by itself. */
  static Stream<String> bundles() {
    Stream<String> kinds =
        Stream.of(
            "rpc-eth",
            "rpc-net,rpc-debug,rpc-txpool,rpc-testing,rpc-trace,rpc-admin,rpc-miner,rpc-clique",
            "rpc-server",
            "tracer-struct,tracer-call,tracer-flat,tracer-prestate,tracer-fourbyte,tracer-noop,"
                + "tracer-mux,tracer-erc7562,tracer-js",
            "log-index,cache-redis",
            "consensus-poa",
            "evm-engine",
            "storage",
            "storage-memory,storage-rocksdb",
            "storage-mapdb");
    return SWAPS == 1 ? kinds : kinds.flatMap(kind -> Stream.of(kind.split(",")));
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void surviveTheirSwap(String list) throws Exception {
    List<String> names = List.of(list.split(","));
    List<String> bundles = names.stream().map(Swaps::bundle).toList();
    AtomicBoolean running = new AtomicBoolean(true);
    ConcurrentLinkedQueue<String> undocumented = new ConcurrentLinkedQueue<>();
    boolean listens = !names.contains("rpc-server");
    Thread client = new Thread(() -> load(names, running, listens, undocumented), "swap-client");
    List<Long> threads = new ArrayList<>();
    List<Thread> heavy = new ArrayList<>();
    for (int i = 0; i < Integer.getInteger("it.heavy", 1); i++) {
      heavy.add(new Thread(() -> heavyLoad(running, listens, undocumented), "swap-heavy-" + i));
    }
    WebSocketClient socket = WebSocketClient.to(node.wsPort);
    client.start();
    heavy.forEach(Thread::start);
    try {
      threads.add(swapper.threadCount());
      for (int i = 0; i < SWAPS; i++) {
        swapper.round(names);
        threads.add(swapper.threadCount());
        for (String name : names) {
          if (USES.containsKey(name)) {
            use(name); // a new build is loaded when it is first asked for
          }
        }
        noTraceRuns(() -> swapper.oldLoadersAreCollected(bundles));
      }
    } finally {
      running.set(false);
      client.join(30_000);
      for (Thread thread : heavy) {
        thread.join(30_000);
      }
    }
    assertThat(undocumented).as(node::warnings).isEmpty();
    swapper.settle();
    if (listens) {
      assertThat(socket.ask(Node.request("eth_chainId")))
          .as("over the WebSocket of before")
          .contains("0x539");
    }
    socket.close();
    long nonce =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    String hash =
        node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce))).asText();
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
    assertThat(
            node.result("debug_traceTransaction", hash, Map.of("tracer", "callTracer"))
                .get("type")
                .asText())
        .isEqualTo("CALL");
    long most = threads.stream().max(Comparator.naturalOrder()).orElseThrow();
    System.out.println(list + ": " + SWAPS + " rounds, threads before and after each " + threads);
    assertThat(most - threads.get(0)).as("threads do not grow").isLessThan(16);
  }

  /** A trace under way keeps the instance that it began with; the next one gets the new build's. */
  @Test
  void aTracerIsReplacedDuringATrace() throws Exception {
    // BLAKE2b's compression (EIP-152): as many rounds as the gas of a call buys, some seconds
    String rounds = String.format("0x%08x", 49_000_000) + "00".repeat(208) + "01";
    Map<String, Object> call =
        Map.of(
            "to", "0x0000000000000000000000000000000000000009", "data", rounds, "gas", "0x2faf080");
    Map<String, Object> options = Map.of("tracer", "callTracer");
    FutureTask<JsonNode> trace =
        new FutureTask<>(() -> node.call("debug_traceCall", call, "latest", options));
    Thread thread = new Thread(trace, "swap-trace");
    thread.start();
    swapper.shell("bundle:update dev.patchbay.tracer.call");
    assertThat(trace.isDone()).as("the trace is still under way").isFalse();
    JsonNode second =
        node.result("debug_traceCall", Map.of("to", Accounts.FIRST), "latest", options);
    assertThat(second.get("type").asText()).isEqualTo("CALL");
    JsonNode first = trace.get(60, TimeUnit.SECONDS);
    assertThat(first.at("/result/type").asText()).as(first.toString()).isEqualTo("CALL");
    assertThat(first.at("/result/output").asText()).hasSize(2 + 128);
  }

  /** Hot code becomes a class of the JVM, which goes with the engine that made it. */
  @Test
  void bytecodeGoesWithTheEngine() throws Exception {
    // counts down from 1,500,000: PUSH3, JUMPDEST, PUSH1 1, SWAP1, SUB, DUP1, PUSH1 4, JUMPI, STOP
    String code = "6216e3605b600190038060045700";
    long nonce = Long.decode(node.result("eth_getTransactionCount", SECOND, "pending").asText());
    String hash =
        node.result(
                "eth_sendRawTransaction",
                Accounts.raw(Accounts.create(1, nonce, "600e8060095f395ff3" + code)))
            .asText();
    String contract = Journeys.receipt(node, hash).get("contractAddress").asText();
    assertThat(node.result("eth_getCode", contract, "latest").asText()).isEqualTo("0x" + code);
    Map<String, Object> call = Map.of("to", contract, "gas", "0x2faf080");
    for (int i = 0; i < 2; i++) {
      assertThat(node.result("eth_call", call, "latest").asText()).isEqualTo("0x");
      assertThat(compiledCodes()).as("codes that are compiled").isEqualTo(1);
      swapper.shell("bundle:update dev.patchbay.evm.engine");
      swapper.settle();
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (compiledCodes() > 0 && System.nanoTime() < limit) {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
      }
      assertThat(compiledCodes()).as("codes that are compiled").isZero();
    }
  }

  /** Counts the instances of classes made of hot code that a full collection leaves. */
  private static long compiledCodes() throws Exception {
    return node.jcmd("GC.class_histogram")
        .lines()
        .filter(l -> l.contains("CompiledCodeOf"))
        .count();
  }

  /** The shell goes away under the command that replaces it, and the next command finds it back. */
  @Test
  void theShellReplacesItself() throws Exception {
    TreeMap<String, String> before = swapper.states();
    for (String command : new String[] {"bundle:update", "bundle:restart"}) {
      for (int i = 0; i < SWAPS; i++) {
        Node.Result result = node.launcherShell(command, "dev.patchbay.shell");
        assertThat(result.output()).contains("its shell was replaced");
        long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (node.shell("patchbay:status").status() != 0) {
          assertThat(System.nanoTime()).as("the shell is back within 10 s").isLessThan(limit);
        }
        swapper.settle();
      }
    }
    assertThat(Swaps.others(swapper.states(), "dev.patchbay.shell"))
        .isEqualTo(Swaps.others(before, "dev.patchbay.shell"));
  }

  private static JsonNode use(String name) throws Exception {
    if (name.equals("log-index")) {
      return node.call("eth_getLogs", Map.of("fromBlock", longAgo(), "address", SECOND));
    }
    Object[] use = USES.getOrDefault(name, new Object[] {"eth_blockNumber"});
    return node.call((String) use[0], Arrays.copyOfRange(use, 1, use.length));
  }

  /** Returns a block that is as far away as a search may begin, about: the chain grows quickly. */
  private static String longAgo() throws Exception {
    JsonNode head = node.call("eth_blockNumber").get("result");
    return head == null
        ? "latest"
        : "0x" + Long.toHexString(Math.max(0, Long.decode(head.asText()) - 9_000));
  }

  private static void load(
      List<String> names,
      AtomicBoolean running,
      boolean listens,
      ConcurrentLinkedQueue<String> undocumented) {
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
        } else if (i % 3 == 1) {
          response = use(names.get(i / 3 % names.size()));
        } else {
          response = node.call("eth_getBalance", Accounts.FIRST, "latest");
        }
        boolean own = i % 10 != 0 && i % 3 == 1;
        if (!response.has("result")
            && !(mayFail(names, own) && DOCUMENTED.contains(response.at("/error/code").asInt()))) {
          undocumented.add(response.toString());
        }
      } catch (Exception failure) {
        if (listens || !(failure instanceof java.io.IOException)) {
          undocumented.add(failure.toString());
        }
        nonce = -1;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  /**
   * Returns whether a call may fail while bundles are away: their own, or of what stands on them.
   */
  private static boolean mayFail(List<String> names, boolean own) {
    if (names.contains("log-index") || names.contains("cache-redis")) {
      return false;
    }
    boolean foundation =
        names.contains("rpc-eth")
            || !names.stream()
                .allMatch(name -> name.startsWith("rpc-") || name.startsWith("tracer-"));
    return own || foundation;
  }

  /**
   * Traces calls that take their time, and searches for logs. With {@code -Psoak} without a pause;
   * otherwise the journey that runs at the same time gets its part of the processors.
   */
  private static void heavyLoad(
      AtomicBoolean running, boolean listens, ConcurrentLinkedQueue<String> undocumented) {
    // JUMPDEST, PUSH0, JUMP: until the gas is used
    Map<String, Object> override = Map.of(SECOND, Map.of("code", "0x5b5f56"));
    while (running.get()) {
      HEAVY.readLock().lock();
      try {
        JsonNode trace =
            node.call(
                "debug_traceCall",
                Map.of("to", SECOND, "gas", "0x186a0"),
                "latest",
                Map.of("stateOverrides", override));
        JsonNode logs = node.call("eth_getLogs", Map.of("fromBlock", longAgo()));
        for (JsonNode response : List.of(trace, logs)) {
          if (!response.has("result") && !DOCUMENTED.contains(response.at("/error/code").asInt())) {
            undocumented.add(response.toString());
          }
        }
      } catch (Exception failure) {
        if (listens || !(failure instanceof java.io.IOException)) {
          undocumented.add(failure.toString());
        }
      } finally {
        HEAVY.readLock().unlock();
      }
      LockSupport.parkNanos(HEAVY_PAUSE);
    }
  }
}
