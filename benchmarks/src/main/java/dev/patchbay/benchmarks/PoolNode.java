// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A node whose transaction pool is measured over JSON-RPC.
 *
 * @param name its name in the table
 * @param http where it answers; it serves {@code eth}, {@code txpool} and {@code testing}
 * @param process its process
 */
record PoolNode(String name, URI http, ProcessHandle process) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ZERO = "\"" + Hash.ZERO + "\"";

  /** How long transactions may stay queued before the pool is believed to leave them there. */
  private static final long SETTLING_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** The numbers of transactions in a pool. */
  record Held(long pending, long queued) {
    long all() {
      return pending + queued;
    }
  }

  /** Returns the processor time of all its threads so far, in seconds. */
  double processorSeconds() {
    return process.info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
  }

  /** Returns how many transactions the pool holds, once none is queued. */
  Held settled() throws IOException {
    try (HttpConnection connection = new HttpConnection(http)) {
      long end = System.nanoTime() + SETTLING_NANOS;
      while (true) {
        JsonNode status = result(ask(connection, RpcSpeed.body("txpool_status", "")));
        Held held = new Held(number(status.get("pending")), number(status.get("queued")));
        if (held.queued() == 0 || System.nanoTime() > end) {
          return held;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
    }
  }

  /** Returns the nonces of accounts at the head. */
  List<Long> nonces(List<Address> accounts, int batch) throws IOException {
    List<Long> out = new ArrayList<>();
    try (HttpConnection connection = new HttpConnection(http)) {
      for (int i = 0; i < accounts.size(); i += batch) {
        List<String> asked =
            accounts.subList(i, Math.min(accounts.size(), i + batch)).stream()
                .map(a -> RpcSpeed.body("eth_getTransactionCount", "\"" + a + "\",\"latest\""))
                .toList();
        String reply = ask(connection, "[" + String.join(",", asked) + "]");
        for (JsonNode each : JSON.readTree(reply)) {
          out.add(number(each.get("result")));
        }
      }
    }
    return out;
  }

  /**
   * Sends each batch once.
   *
   * @return how many requests had a result rather than an error
   */
  long send(List<String> batches, int connections) throws Exception {
    List<byte[]> requests =
        batches.stream()
            .map(body -> HttpConnection.request(http, "", body.getBytes(StandardCharsets.UTF_8)))
            .toList();
    AtomicInteger next = new AtomicInteger();
    AtomicInteger accepted = new AtomicInteger();
    Throwable[] failure = new Throwable[1];
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      Thread thread =
          new Thread(
              () -> {
                try (HttpConnection connection = new HttpConnection(http)) {
                  for (int at = next.getAndIncrement();
                      at < requests.size();
                      at = next.getAndIncrement()) {
                    String reply =
                        new String(connection.ask(requests.get(at)), StandardCharsets.ISO_8859_1);
                    accepted.addAndGet(count(reply, "\"result\""));
                  }
                } catch (IOException | RuntimeException broken) {
                  failure[0] = broken;
                }
              },
              "load-" + i);
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure[0] != null) {
      throw new IOException("the load broke off", failure[0]);
    }
    return accepted.get();
  }

  private static int count(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  /** Returns the hash of the head. */
  String head() throws IOException {
    return result(ask("eth_getBlockByNumber", "\"latest\",false")).get("hash").asText();
  }

  /** Builds a block out of the pool on top of the head, which is not kept; returns the reply. */
  String build(String head, long timestamp) throws IOException {
    return ask("testing_buildBlockV1", "\"" + head + "\"," + parameters(timestamp, null));
  }

  /** Returns the encoded transactions of a block that was built. */
  static JsonNode transactions(String reply) throws IOException {
    return result(reply).at("/executionPayload/transactions");
  }

  /** Builds a block of these transactions on top of the head and commits it; returns its hash. */
  String commit(long timestamp, JsonNode transactions) throws IOException {
    return result(ask("testing_commitBlockV1", parameters(timestamp, transactions))).asText();
  }

  private static String parameters(long timestamp, @Nullable JsonNode transactions) {
    return "{\"timestamp\":\""
        + Hex.quantity(timestamp)
        + "\",\"prevRandao\":"
        + ZERO
        + ",\"parentBeaconBlockRoot\":"
        + ZERO
        + ",\"suggestedFeeRecipient\":\""
        + Address.ZERO
        + "\",\"withdrawals\":[]},"
        + transactions
        + ",\"0x\"";
  }

  private String ask(String method, String params) throws IOException {
    try (HttpConnection connection = new HttpConnection(http)) {
      return ask(connection, RpcSpeed.body(method, params));
    }
  }

  private String ask(HttpConnection connection, String body) throws IOException {
    byte[] request = HttpConnection.request(http, "", body.getBytes(StandardCharsets.UTF_8));
    return new String(connection.ask(request), StandardCharsets.UTF_8);
  }

  private static JsonNode result(String reply) throws IOException {
    JsonNode read = JSON.readTree(reply);
    if (!read.has("result")) {
      throw new IOException("refused: " + read);
    }
    return read.get("result");
  }

  private static long number(JsonNode quantity) {
    return Long.decode(quantity.asText());
  }
}
