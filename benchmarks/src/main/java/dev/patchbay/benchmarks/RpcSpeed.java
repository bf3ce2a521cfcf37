// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.Hex;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;

/**
 * How many requests a second the node answers, method by method, over HTTP connections and
 * WebSockets that stay open; and the times at half of that rate. The node imports the benchmark's
 * chain first. Geth, when its program is named, imports the chain too and is measured beside it,
 * row by row; so is any other endpoint that holds the chain, which an earlier run has left in
 * {@code target/rpc-blocks.rlp.gz}.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, geth's program or nothing,
 * the URL of a peer or nothing (its WebSocket is at the next port), a pattern of the rows to
 * measure or nothing.
 */
public final class RpcSpeed {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CONNECTIONS = 16;
  private static final int GETH_PORT = 18_545;
  private static final long WARM_UP = TimeUnit.SECONDS.toNanos(3);
  private static final long MEASURED = TimeUnit.SECONDS.toNanos(3);

  /** The chain has 500 blocks of 200 transactions; empty ones follow. */
  private static final int BLOCKS = 1_100;

  private static final int BUSY = 496;
  private static final int SOME_BLOCKS = 100;

  /** Rows that are expensive calls. */
  static final String TRACES = "debug_traceBlock, 100 blocks in turn";

  static final String LOGS = "eth_getLogs, 1,000 blocks, one sender";
  private static final String TOKEN = "0x7000000000000000000000000000000000000001";

  private RpcSpeed() {}

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "rpc");
    BenchNode node = BenchNode.start(Path.of(args[0]), work, BenchNode.chain(Path.of(args[0])));
    Process geth = null;
    try {
      Path blocks = grown(node, out.resolveSibling("rpc-blocks.rlp.gz"));
      geth = args[2].isBlank() ? null : startGeth(args[2], blocks, work);
      URI peer =
          geth != null
              ? URI.create("http://127.0.0.1:" + GETH_PORT)
              : args.length > 3 && !args[3].isBlank() ? URI.create(args[3]) : null;
      List<Map<String, Object>> rows = new ArrayList<>();
      System.out.printf(
          "%-38s %10s %10s %7s %28s%n", "method", "req/s", "peer", "ratio", "p50/p99/p99.9 in ms");
      Map<String, List<String>> bodies = bodies(node.http(), BUSY);
      Predicate<String> wanted = Pattern.compile(args.length > 4 ? args[4] : "").asPredicate();
      bodies.keySet().removeIf(wanted.negate());
      // a JVM needs a while: no row shall pay for another
      for (List<String> body : bodies.values()) {
        new HttpLoad(node.http(), body).peak(CONNECTIONS, WARM_UP);
      }
      for (Map.Entry<String, List<String>> body : bodies.entrySet()) {
        rows.add(row(body.getKey(), body.getValue(), node.http(), peer));
      }
      for (Map.Entry<String, List<String>> body : bodies.entrySet()) {
        String name = "WebSocket " + body.getKey();
        rows.add(row(name, body.getValue(), node.webSocket(), peer == null ? null : next(peer)));
      }
      Files.writeString(out, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(rows));
    } finally {
      node.close();
      if (geth != null) {
        geth.destroy();
        geth.waitFor(30, TimeUnit.SECONDS);
      }
      BenchNode.delete(work);
    }
  }

  private static URI next(URI http) {
    return URI.create("ws://" + http.getHost() + ":" + (http.getPort() + 1));
  }

  /** Imports the chain into geth and starts it. All states are kept: a trace needs an older one. */
  private static Process startGeth(String binary, Path blocks, Path work) throws Exception {
    String data = work.resolve("geth").toString();
    List<String> begin =
        List.of(
            binary,
            "--datadir",
            data,
            "--state.scheme",
            "hash",
            "--gcmode",
            "archive",
            "--verbosity",
            "1");
    run(begin, "init", work.resolve("genesis.json").toString());
    run(begin, "import", blocks.toString());
    List<String> command = new ArrayList<>(begin);
    command.addAll(List.of("--nodiscover", "--maxpeers", "0", "--ipcdisable", "--authrpc.port"));
    command.addAll(List.of("" + (GETH_PORT + 2), "--http", "--http.port", "" + GETH_PORT));
    command.addAll(List.of("--http.api", "eth,debug,net", "--ws", "--ws.port"));
    command.addAll(List.of("" + (GETH_PORT + 1), "--ws.api", "eth,debug,net"));
    Process geth =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(work.resolve("geth.log").toFile())
            .start();
    HttpLoad asked =
        new HttpLoad(
            URI.create("http://127.0.0.1:" + GETH_PORT), List.of(body("eth_blockNumber", "")));
    for (int i = 0; i < 100; i++) {
      try {
        if (asked.once().contains(Hex.quantity(BLOCKS))) {
          return geth;
        }
      } catch (IOException notYet) {
        // it opens its port soon
      }
      Thread.sleep(200);
    }
    geth.destroy();
    throw new IOException("geth did not start: " + Files.readString(work.resolve("geth.log")));
  }

  static void run(List<String> begin, String... rest) throws Exception {
    List<String> command = new ArrayList<>(begin);
    command.addAll(List.of(rest));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (process.waitFor() != 0) {
      throw new IOException(command + " has failed");
    }
  }

  static String body(String method, String params) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\""
        + method
        + "\",\"params\":["
        + params
        + "]}";
  }

  /** Puts empty blocks on top of the chain, the same ones each time, and writes all to a file. */
  private static Path grown(BenchNode node, Path blocks) throws Exception {
    JsonNode head = result(node.http(), body("eth_getBlockByNumber", "\"latest\",false"));
    long number = Long.decode(head.get("number").asText());
    long time = Long.decode(head.get("timestamp").asText());
    String zero = "\"0x" + "00".repeat(32) + "\"";
    while (number < BLOCKS) {
      number++;
      time += 12;
      result(
          node.http(),
          body(
              "testing_commitBlockV1",
              "{\"timestamp\":\""
                  + Hex.quantity(time)
                  + "\",\"prevRandao\":"
                  + zero
                  + ",\"parentBeaconBlockRoot\":"
                  + zero
                  + ",\"suggestedFeeRecipient\":\"0x"
                  + "00".repeat(20)
                  + "\",\"withdrawals\":[]},[]"));
    }
    Files.deleteIfExists(blocks);
    node.run("export", blocks.toString());
    return blocks;
  }

  private static JsonNode result(URI own, String request) throws IOException {
    JsonNode response = JSON.readTree(new HttpLoad(own, List.of(request)).once());
    if (!response.has("result")) {
      throw new IOException(request + " was answered by " + response);
    }
    return response.get("result");
  }

  /**
   * Returns what is asked, by row: each account and transaction of a block, and each of some
   * blocks, in turn.
   *
   * @param last the block, the last of those some
   */
  static Map<String, List<String>> bodies(URI own, long last) throws Exception {
    JsonNode block =
        result(own, body("eth_getBlockByNumber", "\"" + Hex.quantity(last) + "\",true"));
    List<String> balances = new ArrayList<>();
    List<String> calls = new ArrayList<>();
    List<String> receipts = new ArrayList<>();
    for (JsonNode transaction : block.get("transactions")) {
      String account = transaction.get("from").asText();
      balances.add(body("eth_getBalance", "\"" + account + "\",\"latest\""));
      String balanceOf = "0x70a08231" + "0".repeat(24) + account.substring(2);
      calls.add(
          body("eth_call", "{\"to\":\"" + TOKEN + "\",\"data\":\"" + balanceOf + "\"},\"latest\""));
      receipts.add(
          body("eth_getTransactionReceipt", "\"" + transaction.get("hash").asText() + "\""));
    }
    List<String> blocks = new ArrayList<>();
    List<String> traces = new ArrayList<>();
    for (int i = 0; i < SOME_BLOCKS; i++) {
      String number = "\"" + Hex.quantity(last - i) + "\"";
      blocks.add(body("eth_getBlockByNumber", number + ",true"));
      traces.add(body("debug_traceBlockByNumber", number + ",{\"tracer\":\"callTracer\"}"));
    }
    Map<String, List<String>> out = new LinkedHashMap<>();
    out.put("eth_chainId", List.of(body("eth_chainId", "")));
    out.put("eth_blockNumber", List.of(body("eth_blockNumber", "")));
    out.put("eth_getBalance", balances);
    out.put("eth_call balanceOf", calls);
    out.put("eth_getTransactionReceipt", receipts);
    out.put("eth_getBlockByNumber, 200 full", blocks);
    long to = Long.decode(result(own, body("eth_blockNumber", "")).asText());
    String all =
        "\"fromBlock\":\""
            + Hex.quantity(Math.max(1, to - 999))
            + "\",\"toBlock\":\""
            + Hex.quantity(to)
            + "\"";
    out.put(
        "eth_getLogs, 1,000 blocks, none",
        List.of(
            body(
                "eth_getLogs",
                "{" + all + ",\"address\":\"0x00000000000000000000000000000000000000ff\"}")));
    String sender = block.at("/transactions/0/from").asText();
    out.put(
        LOGS,
        List.of(
            body(
                "eth_getLogs",
                "{"
                    + all
                    + ",\"topics\":[null,\"0x"
                    + "0".repeat(24)
                    + sender.substring(2)
                    + "\"]}")));
    out.put(
        "eth_getLogs, 10 blocks, one token",
        List.of(
            body(
                "eth_getLogs",
                "{\"fromBlock\":\"0x100\",\"toBlock\":\"0x109\",\"address\":\"" + TOKEN + "\"}")));
    out.put("debug_traceBlock, callTracer", traces.subList(0, 1));
    out.put(TRACES, traces);
    out.put(
        "batch of 100 eth_getBalance",
        List.of("[" + String.join(",", balances.subList(0, 100)) + "]"));
    return out;
  }

  private static Map<String, Object> row(
      String name, List<String> body, URI own, @org.jspecify.annotations.Nullable URI peer)
      throws Exception {
    HttpLoad load = new HttpLoad(own, body);
    String answer = load.once();
    if (!answer.contains("\"result\"")) {
      throw new IllegalStateException(name + " was answered by " + answer);
    }
    load.peak(CONNECTIONS, WARM_UP);
    double peak = load.peak(CONNECTIONS, MEASURED);
    Histogram times = load.latency(CONNECTIONS, peak / 2, MEASURED);
    double other = Double.NaN;
    if (peer != null) {
      HttpLoad beside = new HttpLoad(peer, body);
      beside.peak(CONNECTIONS, WARM_UP);
      other = beside.peak(CONNECTIONS, MEASURED);
    }
    System.out.printf(
        "%-38s %,10.0f %10s %7s %12.2f %7.2f %7.2f%n",
        name,
        peak,
        peer == null ? "" : String.format("%,.0f", other),
        peer == null ? "" : String.format("%.2f", peak / other),
        times.getValueAtPercentile(50) / 1e3,
        times.getValueAtPercentile(99) / 1e3,
        times.getValueAtPercentile(99.9) / 1e3);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("method", name);
    row.put("requestsPerSecond", peak);
    row.put("peerRequestsPerSecond", Double.isNaN(other) ? null : other);
    row.put("p50Micros", times.getValueAtPercentile(50));
    row.put("p99Micros", times.getValueAtPercentile(99));
    row.put("p999Micros", times.getValueAtPercentile(99.9));
    return row;
  }
}
