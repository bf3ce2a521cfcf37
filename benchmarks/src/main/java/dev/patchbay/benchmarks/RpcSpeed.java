// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
 * row by row; so is any other endpoint that holds the chain.
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
  private static final String TOKEN = "0x7000000000000000000000000000000000000001";

  private RpcSpeed() {}

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "rpc");
    BenchNode node = BenchNode.start(Path.of(args[0]), work, BenchNode.chain(Path.of(args[0])));
    Process geth = args[2].isBlank() ? null : startGeth(args[2], Path.of(args[0]), work);
    try {
      URI peer =
          geth != null
              ? URI.create("http://127.0.0.1:" + GETH_PORT)
              : args.length > 3 && !args[3].isBlank() ? URI.create(args[3]) : null;
      List<Map<String, Object>> rows = new ArrayList<>();
      System.out.printf(
          "%-38s %10s %10s %7s %28s%n", "method", "req/s", "peer", "ratio", "p50/p99/p99.9 in ms");
      Map<String, String> bodies = bodies(node.http(), "0x1f0");
      Predicate<String> wanted = Pattern.compile(args.length > 4 ? args[4] : "").asPredicate();
      bodies.keySet().removeIf(wanted.negate());
      for (String body : bodies.values()) { // a JVM needs a while: no row shall pay for another
        new HttpLoad(node.http(), body).peak(CONNECTIONS, WARM_UP);
      }
      for (Map.Entry<String, String> body : bodies.entrySet()) {
        rows.add(row(body.getKey(), body.getValue(), node.http(), peer));
      }
      for (Map.Entry<String, String> body : bodies.entrySet()) {
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
    }
  }

  private static URI next(URI http) {
    return URI.create("ws://" + http.getHost() + ":" + (http.getPort() + 1));
  }

  /** Imports the chain into geth and starts it. All states are kept: a trace needs an older one. */
  private static Process startGeth(String binary, Path input, Path work) throws Exception {
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
    run(begin, "import", input.resolve("chain.rlp.gz").toRealPath().toString());
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
        new HttpLoad(URI.create("http://127.0.0.1:" + GETH_PORT), body("eth_blockNumber", ""));
    for (int i = 0; i < 100; i++) {
      try {
        if (asked.once().contains("0x1f4")) {
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

  private static void run(List<String> begin, String... rest) throws Exception {
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

  static Map<String, String> bodies(URI own, String wanted) throws Exception {
    JsonNode block =
        JSON.readTree(
                new HttpLoad(own, body("eth_getBlockByNumber", "\"" + wanted + "\",true")).once())
            .get("result");
    String number = block.get("number").asText();
    String transaction = block.at("/transactions/0/hash").asText();
    String account = block.at("/transactions/0/from").asText();
    String balanceOf = "0x70a08231" + "0".repeat(24) + account.substring(2);
    Map<String, String> out = new LinkedHashMap<>();
    out.put("eth_chainId", body("eth_chainId", ""));
    out.put("eth_blockNumber", body("eth_blockNumber", ""));
    out.put("eth_getBalance", body("eth_getBalance", "\"" + account + "\",\"latest\""));
    out.put(
        "eth_call balanceOf",
        body("eth_call", "{\"to\":\"" + TOKEN + "\",\"data\":\"" + balanceOf + "\"},\"latest\""));
    out.put(
        "eth_getTransactionReceipt", body("eth_getTransactionReceipt", "\"" + transaction + "\""));
    out.put(
        "eth_getBlockByNumber, 200 full", body("eth_getBlockByNumber", "\"" + number + "\",true"));
    out.put(
        "eth_getLogs, 500 blocks, none",
        body(
            "eth_getLogs",
            "{\"fromBlock\":\"0x0\",\"toBlock\":\"latest\",\"address\":\""
                + "0x00000000000000000000000000000000000000ff\"}"));
    out.put(
        "eth_getLogs, 10 blocks, one token",
        body(
            "eth_getLogs",
            "{\"fromBlock\":\"0x100\",\"toBlock\":\"0x109\",\"address\":\"" + TOKEN + "\"}"));
    out.put(
        "debug_traceBlock, callTracer",
        body("debug_traceBlockByNumber", "\"" + number + "\",{\"tracer\":\"callTracer\"}"));
    List<String> batch = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      batch.add(body("eth_getBalance", "\"" + account + "\",\"latest\""));
    }
    out.put("batch of 100 eth_getBalance", "[" + String.join(",", batch) + "]");
    return out;
  }

  private static Map<String, Object> row(
      String name, String body, URI own, @org.jspecify.annotations.Nullable URI peer)
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
