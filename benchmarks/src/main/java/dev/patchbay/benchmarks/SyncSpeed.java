// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How fast a node of the distribution syncs from one peer on this machine. First the bench chain: a
 * sync to the head that a consensus client names, beside the import of its file. Then a Clique
 * chain, when it and geth 1.13.15 are given: our node and geth, each from each of them, and our
 * node from itself over Chronos.
 *
 * <p>All nodes share the processors: a sync pays for the node that serves it, too.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, and optionally the path of
 * {@code geth} 1.13.15. The system property {@code clique} names a folder with {@code genesis.json}
 * and {@code chain.rlp} of a Clique chain.
 */
public final class SyncSpeed {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double MEGA_GAS = 4_823.952180;
  private static final String PATCHBAY = "patchbay";
  private static final String GETH = "geth";

  /** Imports and syncs of the bench chain, in turn. */
  private static final int ROUNDS = 2;

  /** Blocks that are pulled over Chronos. */
  private static final int PULLED = 600;

  private static final long POLL_MILLIS = 50;
  private static final long LIMIT_NANOS = TimeUnit.MINUTES.toNanos(15);

  private final Path work;
  private final Map<String, Object> figures = new LinkedHashMap<>();

  private SyncSpeed(Path work) {
    this.work = work;
  }

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.toAbsolutePath().getParent(), "sync");
    String geth = args.length > 2 ? args[2] : "";
    String clique = System.getProperty("clique", "");
    SyncSpeed speed = new SyncSpeed(work);
    try {
      speed.benchChain(Path.of(args[0]));
      if (geth.isBlank() || clique.isBlank()) {
        System.out.println("without -Dgeth=PATH and -Dclique=FOLDER no Clique chain is synced");
      } else {
        speed.cliqueChain(geth, Path.of(clique).toAbsolutePath());
      }
      JSON.writerWithDefaultPrettyPrinter().writeValue(out.toFile(), speed.figures);
    } finally {
      BenchNode.delete(work);
    }
  }

  private void put(String name, double figure) {
    figures.put(name, figure);
    System.out.printf("%-52s %8.2f%n", name, figure);
  }

  // ---- the bench chain

  private void benchChain(Path input) throws Exception {
    Path blocks = BenchNode.chain(input);
    try (BenchNode source = BenchNode.startWithPeers(input, work, blocks)) {
      Path genesis = work.resolve("genesis.json");
      double imported = 0;
      double synced = 0;
      for (int round = 1; round <= ROUNDS; round++) {
        boolean importsFirst = round % 2 == 1;
        if (importsFirst) {
          imported += importFile(genesis, blocks, round);
        }
        synced += syncToHead(genesis, source, round);
        if (!importsFirst) {
          imported += importFile(genesis, blocks, round);
        }
      }
      put("bench chain: time of a sync / of an import", synced / imported);
    }
  }

  private double importFile(Path genesis, Path blocks, int round) throws Exception {
    Path data = work.resolve("import-" + round);
    try (BenchNode node = BenchNode.start(genesis, data, List.of())) {
      double seconds = node.run("import", blocks.toString());
      put("bench chain: import " + round + ", Mgas/s", MEGA_GAS / seconds);
      return seconds;
    }
  }

  /** Has a node sync to the head of another one; returns the seconds from the fork choice on. */
  private double syncToHead(Path genesis, BenchNode source, int round) throws Exception {
    List<String> options = new ArrayList<>(peerOptions());
    options.addAll(List.of("--static-nodes", enode(source.http())));
    String head = ask(source.http(), "eth_getBlockByNumber", "latest", false).get("hash").asText();
    Path data = work.resolve("sync-" + round);
    try (BenchNode node = BenchNode.start(genesis, data, options);
        EngineSpeed.Client client =
            EngineSpeed.Client.of(node.engine(), node.data().resolve("jwt.hex"))) {
      awaitPeer(node.http());
      long start = System.nanoTime();
      while (!status(client, head).equals("VALID")) {
        pause(start);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      put("bench chain: sync " + round + ", Mgas/s", MEGA_GAS / seconds);
      return seconds;
    }
  }

  private static String status(EngineSpeed.Client client, String head) throws Exception {
    Map<String, String> state =
        Map.of(
            "headBlockHash", head,
            "safeBlockHash", head,
            "finalizedBlockHash", head);
    byte[] request = client.request("engine_forkchoiceUpdatedV3", state);
    return client.send(request).at("/payloadStatus/status").asText();
  }

  // ---- a Clique chain

  /** Starts a fresh node of one kind. */
  private interface Starter {
    RpcNode start(String name) throws Exception;
  }

  private void cliqueChain(String geth, Path clique) throws Exception {
    Path chain = clique.resolve("chain.rlp");
    String chronos = "127.0.0.1:" + BenchNode.freePort();
    List<String> serving = new ArrayList<>(List.of("--import", chain.toString()));
    serving.addAll(List.of("--chronos", chronos));
    serving.addAll(peerOptions());
    try (BenchNode ourSource = patchbay(clique, "clique-source", serving);
        GethProcess gethSource = geth(geth, clique, "geth-source", chain)) {
      long last = number(ourSource.http());
      if (number(gethSource.http()) != last) {
        throw new IOException("geth has imported another number of blocks");
      }
      Starter ours = name -> patchbay(clique, name, peerOptions());
      Starter theirs = name -> geth(geth, clique, name, null);
      double oursFromGeth = cliqueRate(PATCHBAY, ours, GETH, gethSource, last);
      double gethFromGeth = cliqueRate(GETH, theirs, GETH, gethSource, last);
      double oursFromOurs = cliqueRate(PATCHBAY, ours, PATCHBAY, ourSource, last);
      double gethFromOurs = cliqueRate(GETH, theirs, PATCHBAY, ourSource, last);
      put("Clique chain from geth: patchbay / geth", oursFromGeth / gethFromGeth);
      put("Clique chain from patchbay: patchbay / geth", oursFromOurs / gethFromOurs);
      put("Clique chain to geth: from patchbay / from geth", gethFromOurs / gethFromGeth);
      put("Clique chain to patchbay: from patchbay / from geth", oursFromOurs / oursFromGeth);
      double pulled = chronosRate(clique, chronos);
      put("Clique chain, Chronos, blocks/s (20 pulls a second)", pulled);
      put("Clique chain: Chronos / devp2p", pulled / oursFromOurs);
    }
  }

  /**
   * Returns the blocks a second with which a fresh node pulls the first blocks over Chronos, from
   * the first one on. A server answers a peer 20 pulls a second.
   */
  private double chronosRate(Path clique, String source) throws Exception {
    List<String> options = List.of("--chronos-peers", source);
    try (RpcNode node = patchbay(clique, "patchbay-over-chronos", options)) {
      long limit = System.nanoTime();
      long start = 0;
      long first = 0;
      long number = 0;
      while (number < first + PULLED || first == 0) {
        number = number(node.http());
        if (first == 0 && number > 0) {
          first = number;
          start = System.nanoTime();
        }
        pause(limit);
      }
      return (number - first) / ((System.nanoTime() - start) / 1e9);
    }
  }

  /** Returns the blocks a second with which a fresh node syncs from a peer. */
  private double cliqueRate(String name, Starter starter, String source, RpcNode from, long last)
      throws Exception {
    try (RpcNode node = starter.start(name + "-from-" + source)) {
      double rate = last / sync(node.http(), from.http(), last);
      put("Clique chain: " + name + " from " + source + ", blocks/s", rate);
      return rate;
    }
  }

  /**
   * Connects two nodes; returns the seconds from the first sign of the download to the last block.
   * geth begins some seconds after it has a peer.
   */
  private static double sync(URI node, URI source, long last) throws Exception {
    ask(node, "admin_addPeer", enode(source));
    long limit = System.nanoTime();
    long start = 0;
    long number = 0;
    while (number < last) {
      number = number(node);
      if (start == 0 && (number > 0 || ask(node, "eth_syncing").isObject())) {
        start = System.nanoTime();
      }
      pause(limit);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    JsonNode head = ask(node, "eth_getBlockByNumber", "latest", false).get("hash");
    if (!head.equals(ask(source, "eth_getBlockByNumber", "latest", false).get("hash"))) {
      throw new IOException("the heads differ");
    }
    return seconds;
  }

  private BenchNode patchbay(Path clique, String name, List<String> options) throws Exception {
    return BenchNode.start(clique.resolve("genesis.json"), work.resolve(name), options);
  }

  private GethProcess geth(String binary, Path clique, String name, @Nullable Path blocks)
      throws Exception {
    List<String> begin = new ArrayList<>(List.of(binary, "--datadir", "" + work.resolve(name)));
    begin.addAll(List.of("--state.scheme", "hash", "--verbosity", "2"));
    RpcSpeed.run(begin, "init", clique.resolve("genesis.json").toString());
    begin.addAll(List.of("--syncmode", "full", "--gcmode", "full"));
    if (blocks != null) {
      RpcSpeed.run(begin, "import", blocks.toString());
    }
    JsonNode genesis = JSON.readTree(clique.resolve("genesis.json").toFile());
    int http = BenchNode.freePort();
    List<String> line = new ArrayList<>(begin);
    line.addAll(List.of("--networkid", genesis.at("/config/chainId").asText(), "--ipcdisable"));
    line.addAll(List.of("--port", "" + BenchNode.freePort(), "--nodiscover"));
    line.addAll(List.of("--nat", "extip:127.0.0.1", "--netrestrict", "127.0.0.0/8"));
    line.addAll(List.of("--authrpc.port", "" + BenchNode.freePort()));
    line.addAll(List.of("--http", "--http.port", "" + http, "--http.api", "eth,net,admin"));
    Path log = work.resolve(name + ".log");
    return GethProcess.start(line, http, log);
  }

  // ---- nodes

  private static List<String> peerOptions() {
    return List.of("--p2p-host", "127.0.0.1", "--p2p-port", "0", "--discovery", "off");
  }

  private static String enode(URI http) throws Exception {
    String url = "";
    long start = System.nanoTime();
    while (url.isEmpty()) {
      url = ask(http, "admin_nodeInfo").get("enode").asText();
      pause(start);
    }
    return url;
  }

  private static void awaitPeer(URI http) throws Exception {
    long start = System.nanoTime();
    while (ask(http, "net_peerCount").asText().equals("0x0")) {
      pause(start);
    }
  }

  private static long number(URI http) throws Exception {
    return Long.decode(ask(http, "eth_blockNumber").asText());
  }

  /** Waits for a moment; fails when too much time has passed since the start. */
  private static void pause(long startNanos) throws IOException {
    if (System.nanoTime() - startNanos > LIMIT_NANOS) {
      throw new IOException("it takes too long");
    }
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS));
  }

  private static JsonNode ask(URI http, String method, Object... params) throws Exception {
    String list = JSON.writeValueAsString(params);
    String body = RpcSpeed.body(method, list.substring(1, list.length() - 1));
    try (HttpConnection connection = new HttpConnection(http)) {
      byte[] request = HttpConnection.request(http, "", body.getBytes(StandardCharsets.UTF_8));
      JsonNode reply = JSON.readTree(connection.ask(request));
      if (!reply.has("result")) {
        throw new IOException(method + " failed: " + reply);
      }
      return reply.get("result");
    }
  }
}
