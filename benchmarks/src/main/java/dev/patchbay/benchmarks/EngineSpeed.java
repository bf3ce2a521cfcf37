// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Results;
import dev.patchbay.rpc.server.BearerTokens;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * How long full blocks of 30 and 60 Mgas take over the Engine API, newPayload and forkchoiceUpdated
 * in turn, and the same blocks imported by file; and how long getPayload takes while blocks are
 * built.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, and optionally the path of
 * {@code geth}, which then gets the same blocks and builds out of the same pool.
 */
public final class EngineSpeed {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BLOCKS = 40;

  /** A JVM compiles what is hot for a while. */
  private static final int WARM_UP = 10;

  private static final int FETCHES = 300;

  private EngineSpeed() {}

  /** Blocks of one kind and size. */
  private record Row(EngineBlocks.Kind kind, long gas, List<Payload> payloads) {
    double megaGas() {
      return payloads.stream().skip(WARM_UP).mapToLong(EngineSpeed::gasUsed).sum() / 1e6;
    }
  }

  private static long gasUsed(Payload payload) {
    return payload.block().header().gasUsed();
  }

  /** A client of the Engine API, with a connection that stays open. */
  record Client(URI engine, HttpConnection connection, BearerTokens tokens)
      implements AutoCloseable {
    static Client of(URI engine, Path secret) throws IOException {
      BearerTokens tokens = new BearerTokens(Files.readString(secret));
      return new Client(engine, new HttpConnection(engine), tokens);
    }

    private byte[] request(byte[] body) throws Exception {
      String header = "Authorization: " + tokens.header() + "\r\n";
      return HttpConnection.request(engine, header, body);
    }

    String ask(byte[] body) throws Exception {
      return new String(connection.ask(request(body)), StandardCharsets.UTF_8);
    }

    byte[] request(String method, Object... params) throws Exception {
      Map<String, Object> body = new LinkedHashMap<>();
      body.put("jsonrpc", "2.0");
      body.put("id", 1);
      body.put("method", method);
      body.put("params", Arrays.asList(params));
      return request(JSON.writeValueAsBytes(body));
    }

    /** Sends a request; returns the result. */
    JsonNode send(byte[] request) throws IOException {
      return result(connection.ask(request));
    }

    /** Sends a request; returns the result, and adds the microseconds to a histogram. */
    JsonNode send(byte[] request, Histogram micros) throws IOException {
      long start = System.nanoTime();
      byte[] body = connection.ask(request);
      micros.recordValue(TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start));
      return result(body);
    }

    private static JsonNode result(byte[] body) throws IOException {
      JsonNode reply = JSON.readTree(body);
      if (!reply.has("result")) {
        throw new IOException("refused: " + reply);
      }
      return reply.get("result");
    }

    @Override
    public void close() throws IOException {
      connection.close();
    }

    void newPayload(Payload payload, Histogram micros) throws Exception {
      List<String> requests = payload.requests().stream().map(Hex::encode).toList();
      Map<String, Object> shown = new LinkedHashMap<>(Results.payload(payload.block()));
      shown.replace(
          "transactions",
          payload.block().transactions().stream().map(t -> Hex.encode(t.encode())).toList());
      byte[] request =
          request("engine_newPayloadV4", shown, List.of(), Hash.ZERO.toString(), requests);
      expectValid(send(request, micros));
    }

    void setHead(Block block, Histogram micros) throws Exception {
      byte[] request = request("engine_forkchoiceUpdatedV3", state(block));
      expectValid(send(request, micros).get("payloadStatus"));
    }

    private static void expectValid(JsonNode status) throws IOException {
      if (!status.get("status").asText().equals("VALID")) {
        throw new IOException("not valid: " + status);
      }
    }
  }

  private static Map<String, String> state(Block head) {
    return Map.of(
        "headBlockHash", head.hash().toString(),
        "safeBlockHash", Hash.ZERO.toString(),
        "finalizedBlockHash", Hash.ZERO.toString());
  }

  private static Histogram histogram() {
    return new Histogram(TimeUnit.MINUTES.toMicros(1), 3);
  }

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "engine");
    try {
      EngineBlocks blocks = new EngineBlocks(Path.of(args[0]));
      Path genesis = blocks.writeGenesis(work.resolve("genesis.json"));
      List<Row> rows = rows(blocks);
      List<String> pooled = blocks.pooled(16, 100);
      List<Map<String, Object>> json = new ArrayList<>();
      Map<String, Double> imported = importByFile(rows, genesis, work);
      try (BenchNode node = BenchNode.start(genesis, work.resolve("node"), List.of())) {
        try (Client client = Client.of(node.engine(), node.data().resolve("jwt.hex"))) {
          print("patchbay", client, rows, imported, json);
          fetches("patchbay", client, pooled, rows, json);
        }
      }
      if (args.length > 2 && !args[2].isBlank()) {
        Process geth = startGeth(args[2], genesis, work);
        Path secret = work.resolve("geth/geth/jwtsecret");
        try (Client client = Client.of(URI.create("http://127.0.0.1:" + GETH_PORT), secret)) {
          print("geth", client, rows, Map.of(), json);
          fetches("geth", client, pooled, rows, json);
        } finally {
          geth.destroy();
          geth.waitFor(30, TimeUnit.SECONDS);
        }
      }
      JSON.writerWithDefaultPrettyPrinter().writeValue(out.toFile(), json);
    } finally {
      BenchNode.delete(work);
    }
  }

  private static List<Row> rows(EngineBlocks blocks) throws Exception {
    List<Row> rows = new ArrayList<>();
    for (EngineBlocks.Kind kind : EngineBlocks.Kind.values()) {
      for (long gas : new long[] {30_000_000, 60_000_000}) {
        List<Payload> payloads = new ArrayList<>();
        for (int i = 0; i < BLOCKS; i++) {
          payloads.add(blocks.next(kind, gas));
        }
        rows.add(new Row(kind, gas, payloads));
      }
    }
    return rows;
  }

  private static String name(Row row) {
    return row.kind + " " + row.gas / 1_000_000 + "M";
  }

  /** Imports each row's blocks by file into one node; returns seconds by row. */
  private static Map<String, Double> importByFile(List<Row> rows, Path genesis, Path work)
      throws Exception {
    Map<String, Double> out = new LinkedHashMap<>();
    try (BenchNode node = BenchNode.start(genesis, work.resolve("by-file"), List.of())) {
      for (Row row : rows) {
        importFile(node, row.payloads.subList(0, WARM_UP), work);
        double seconds = importFile(node, row.payloads.subList(WARM_UP, BLOCKS), work);
        out.put(name(row), row.megaGas() / seconds);
      }
    }
    return out;
  }

  private static double importFile(BenchNode node, List<Payload> payloads, Path work)
      throws Exception {
    Path file = work.resolve("blocks.rlp");
    try (OutputStream to = Files.newOutputStream(file)) {
      for (Payload payload : payloads) {
        to.write(payload.block().encode());
      }
    }
    return node.run("import", file.toString());
  }

  private static void print(
      String who,
      Client client,
      List<Row> rows,
      Map<String, Double> imported,
      List<Map<String, Object>> json)
      throws Exception {
    System.out.printf(
        "%-9s %-15s %26s %24s %9s %9s%n",
        "", "blocks", "newPayload p50/p95/p99 ms", "forkchoiceUpdated ms", "Mgas/s", "by file");
    for (Row row : rows) {
      Histogram inserted = histogram();
      Histogram updated = histogram();
      long start = 0;
      for (int i = 0; i < BLOCKS; i++) {
        if (i == WARM_UP) {
          inserted.reset();
          updated.reset();
          start = System.nanoTime();
        }
        client.newPayload(row.payloads.get(i), inserted);
        client.setHead(row.payloads.get(i).block(), updated);
      }
      double rate = row.megaGas() / ((System.nanoTime() - start) / 1e9);
      double byFile = imported.getOrDefault(name(row), 0.0);
      System.out.printf(
          "%-9s %-15s %8.1f %8.1f %8.1f %7.1f %7.1f %7.1f %9.0f %9s%n",
          who,
          name(row),
          inserted.getValueAtPercentile(50) / 1e3,
          inserted.getValueAtPercentile(95) / 1e3,
          inserted.getValueAtPercentile(99) / 1e3,
          updated.getValueAtPercentile(50) / 1e3,
          updated.getValueAtPercentile(95) / 1e3,
          updated.getValueAtPercentile(99) / 1e3,
          rate,
          byFile == 0 ? "" : String.format("%.0f", byFile));
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("node", who);
      entry.put("blocks", name(row));
      for (int percentile : new int[] {50, 95, 99}) {
        entry.put("newPayload.p" + percentile, inserted.getValueAtPercentile(percentile) / 1e3);
        entry.put("forkchoice.p" + percentile, updated.getValueAtPercentile(percentile) / 1e3);
      }
      entry.put("mgasPerSecond", rate);
      entry.put("byFileMgasPerSecond", byFile);
      json.add(entry);
    }
  }

  /** Fetches payloads while the pool is full and they are being built. */
  private static void fetches(
      String who,
      Client client,
      List<String> pooled,
      List<Row> rows,
      List<Map<String, Object>> json)
      throws Exception {
    Row last = rows.get(rows.size() - 1);
    Block head = last.payloads.get(last.payloads.size() - 1).block();
    for (String batch : pooled) {
      String reply = client.ask(batch.getBytes(StandardCharsets.UTF_8));
      if (reply.contains("error")) {
        throw new IOException("the pool refuses: " + reply);
      }
    }
    Histogram fetched = histogram();
    Histogram started = histogram();
    Histogram own = histogram();
    int transactions = 0;
    for (int i = 0; i < FETCHES + WARM_UP; i++) {
      if (i == WARM_UP) {
        fetched.reset();
        started.reset();
      }
      Map<String, Object> attributes = new LinkedHashMap<>();
      attributes.put("timestamp", Hex.quantity(head.header().timestamp() + 12 + i));
      attributes.put("prevRandao", Hash.ZERO.toString());
      attributes.put("suggestedFeeRecipient", "0x" + "00".repeat(20));
      attributes.put("withdrawals", List.of());
      attributes.put("parentBeaconBlockRoot", Hash.ZERO.toString());
      byte[] start = client.request("engine_forkchoiceUpdatedV3", state(head), attributes);
      String id = client.send(start, started).get("payloadId").asText();
      Thread.sleep(i % 10 * 40L); // at any moment of the building
      JsonNode payload = client.send(client.request("engine_getPayloadV5", id), fetched);
      int count = payload.at("/executionPayload/transactions").size();
      transactions = Math.max(transactions, count);
      if (count > 0 && i >= FETCHES) { // the last ones are inserted, too
        byte[] insert =
            client.request(
                "engine_newPayloadV4",
                payload.get("executionPayload"),
                List.of(),
                Hash.ZERO.toString(),
                payload.get("executionRequests"));
        Client.expectValid(client.send(insert, own));
      }
    }
    System.out.printf(
        "%s: getPayload while building, up to %d transactions: p50 %.1f, p99 %.1f ms;"
            + " forkchoiceUpdated with attributes: p50 %.1f, p99 %.1f ms;"
            + " newPayload of what was built: p50 %.1f, p99 %.1f ms%n",
        who,
        transactions,
        fetched.getValueAtPercentile(50) / 1e3,
        fetched.getValueAtPercentile(99) / 1e3,
        started.getValueAtPercentile(50) / 1e3,
        started.getValueAtPercentile(99) / 1e3,
        own.getValueAtPercentile(50) / 1e3,
        own.getValueAtPercentile(99) / 1e3);
    json.add(
        Map.of(
            "node", who,
            "getPayload.p50", fetched.getValueAtPercentile(50) / 1e3,
            "getPayload.p99", fetched.getValueAtPercentile(99) / 1e3,
            "newPayload.own.p50", own.getValueAtPercentile(50) / 1e3,
            "newPayload.own.p99", own.getValueAtPercentile(99) / 1e3,
            "transactions", transactions));
  }

  private static final int GETH_PORT = 18_661;

  private static Process startGeth(String binary, Path genesis, Path work) throws Exception {
    List<String> begin = List.of(binary, "--datadir", work.resolve("geth").toString());
    RpcSpeed.run(begin, "init", genesis.toString());
    Path log = work.resolve("geth.log");
    List<String> line = new ArrayList<>(begin);
    line.addAll(List.of("--nodiscover", "--maxpeers", "0", "--ipcdisable", "--verbosity", "2"));
    line.addAll(List.of("--txpool.accountslots", "200", "--rpc.txfeecap", "0"));
    line.addAll(List.of("--authrpc.port", "" + GETH_PORT, "--syncmode", "full"));
    Process geth =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    Path secret = work.resolve("geth/geth/jwtsecret");
    for (int i = 0; i < 100; i++) {
      try (java.net.Socket open = new java.net.Socket("127.0.0.1", GETH_PORT)) {
        if (Files.exists(secret)) {
          return geth;
        }
      } catch (IOException notYet) {
        Thread.sleep(200);
      }
    }
    geth.destroy();
    throw new IOException("geth did not start: " + Files.readString(log));
  }
}
