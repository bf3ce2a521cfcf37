// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.HdrHistogram.Histogram;

/**
 * How many requests a second the node answers, method by method, over HTTP connections that stay
 * open; and the times at half of that rate. The node imports the benchmark's chain first. A second
 * endpoint that holds the same chain is measured beside it, row by row, when it is named.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, geth's programs (not used),
 * the URL of a peer or nothing.
 */
public final class RpcSpeed {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CONNECTIONS = 16;
  private static final long WARM_UP = TimeUnit.SECONDS.toNanos(4);
  private static final long MEASURED = TimeUnit.SECONDS.toNanos(4);
  private static final String TOKEN = "0x7000000000000000000000000000000000000001";

  private RpcSpeed() {}

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "rpc");
    int port = freePort();
    Process node = start(Path.of(args[0]), work, port);
    try {
      URI own = URI.create("http://127.0.0.1:" + port);
      URI peer = args.length > 3 && !args[3].isBlank() ? URI.create(args[3]) : null;
      List<Map<String, Object>> rows = new ArrayList<>();
      System.out.printf(
          "%-32s %10s %10s %7s %28s%n", "method", "req/s", "peer", "ratio", "p50/p99/p99.9 in ms");
      Map<String, String> bodies = bodies(own);
      for (Map.Entry<String, String> body : bodies.entrySet()) {
        rows.add(row(body.getKey(), body.getValue(), own, peer));
      }
      rows.add(besideHeavyCalls(own, bodies));
      Files.writeString(out, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(rows));
    } finally {
      node.destroy();
      node.waitFor(30, TimeUnit.SECONDS);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static Process start(Path input, Path work, int port) throws Exception {
    Path genesis = work.resolve("genesis.json");
    try (GZIPInputStream in =
        new GZIPInputStream(Files.newInputStream(input.resolve("genesis.json.gz")))) {
      Files.copy(in, genesis);
    }
    Path log = work.resolve("node.log");
    Process node =
        new ProcessBuilder(
                "../patchbay",
                "run",
                "--datadir",
                work.resolve("node").toString(),
                "--storage",
                "rocksdb",
                "--genesis",
                genesis.toString(),
                "--import",
                input.resolve("chain.rlp.gz").toRealPath().toString(),
                "--debug",
                "on",
                "--http-port",
                "" + port,
                "--ws-port",
                "" + freePort())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    while (!Files.readString(log).contains("Patchbay is running")) {
      if (!node.isAlive()) {
        throw new IllegalStateException("the node did not start: " + Files.readString(log));
      }
      node.waitFor(200, TimeUnit.MILLISECONDS);
    }
    return node;
  }

  private static String body(String method, String params) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\""
        + method
        + "\",\"params\":["
        + params
        + "]}";
  }

  private static Map<String, String> bodies(URI own) throws Exception {
    JsonNode block =
        JSON.readTree(new HttpLoad(own, body("eth_getBlockByNumber", "\"0x1f0\",true")).once())
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

  /** Times of cheap calls while four clients trace blocks and search logs without a pause. */
  private static Map<String, Object> besideHeavyCalls(URI own, Map<String, String> bodies)
      throws Exception {
    List<Thread> heavy = new ArrayList<>();
    long length = 3 * MEASURED;
    for (String name : List.of("debug_traceBlock, callTracer", "eth_getLogs, 500 blocks, none")) {
      HttpLoad load = new HttpLoad(own, Objects.requireNonNull(bodies.get(name)));
      Thread thread =
          new Thread(
              () -> {
                try {
                  load.peak(2, length);
                } catch (Exception failure) {
                  throw new IllegalStateException(failure);
                }
              },
              "heavy");
      thread.start();
      heavy.add(thread);
    }
    Thread.sleep(TimeUnit.NANOSECONDS.toMillis(MEASURED));
    Histogram times =
        new HttpLoad(own, Objects.requireNonNull(bodies.get("eth_getBalance")))
            .latency(CONNECTIONS, 1_000, MEASURED);
    for (Thread thread : heavy) {
      thread.join();
    }
    System.out.printf(
        "%-32s %,10d %10s %7s %12.2f %7.2f %7.2f%n",
        "eth_getBalance beside 4 heavy",
        1_000,
        "",
        "",
        times.getValueAtPercentile(50) / 1e3,
        times.getValueAtPercentile(99) / 1e3,
        times.getValueAtPercentile(99.9) / 1e3);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("method", "eth_getBalance beside 4 heavy");
    row.put("p99Micros", times.getValueAtPercentile(99));
    return row;
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
        "%-32s %,10.0f %,10.0f %7.2f %12.2f %7.2f %7.2f%n",
        name,
        peak,
        other,
        peak / other,
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
