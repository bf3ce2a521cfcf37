// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that ask a node without pause, over HTTP, WebSocket and IPC, each through a list of
 * requests; every response must have a result. They also send transactions, and read subscriptions
 * and filters, which must not miss a block nor report one twice.
 */
final class UpdateLoad implements AutoCloseable {
  /** How often one request is sent at most. */
  private static final int MAX_SENT = 10;

  /** One request of the list. */
  record Request(String method, List<Object> params) {
    static Request of(String method, Object... params) {
      return new Request(method, Arrays.asList(params));
    }
  }

  /** What clients have seen while one bundle was updated. */
  static final class Seen {
    private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final List<Long> nanos = new ArrayList<>();
    private final List<String> slow = new ArrayList<>();

    /** Requests that were sent again, because their connection ended before the response. */
    final AtomicInteger repeated = new AtomicInteger();

    synchronized void add(String method, long took) {
      nanos.add(took);
      if (took > SLOW_NANOS) {
        slow.add(method + " " + TimeUnit.NANOSECONDS.toMillis(took) + " ms to " + LocalTime.now());
      }
    }

    /** Returns which requests have taken more than a second, and when they ended. */
    synchronized List<String> slow() {
      return List.copyOf(slow);
    }

    synchronized int requests() {
      return nanos.size();
    }

    synchronized long longestMillis() {
      return TimeUnit.NANOSECONDS.toMillis(
          nanos.stream().mapToLong(Long::longValue).max().orElse(0));
    }

    /** Returns the time that 999 of 1,000 requests are answered in. */
    synchronized double p999Millis() {
      long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
      int index = (int) Math.ceil(sorted.length * 0.999) - 1;
      return sorted.length == 0 ? 0 : sorted[index] / 1e6;
    }
  }

  /** A connection, which is opened again when it has ended. */
  private abstract static class Client implements AutoCloseable {
    /**
     * Sends a request and returns the response.
     *
     * @throws IOException when the connection ends before the response
     */
    abstract String ask(String request) throws Exception;

    /** Opens the connection anew. */
    abstract void open() throws Exception;

    @Override
    public abstract void close() throws IOException;
  }

  private final class Http extends Client {
    private final KeptConnection connection = new KeptConnection(node.httpPort);

    @Override
    String ask(String request) throws IOException {
      return connection.post(request);
    }

    @Override
    void open() throws IOException {
      connection.close(); // the next request opens it
    }

    @Override
    public void close() throws IOException {
      connection.close();
    }
  }

  private final class OverSocket extends Client {
    private WebSocketClient socket = WebSocketClient.to(node.wsPort);

    OverSocket() throws Exception {}

    @Override
    String ask(String request) throws Exception {
      String response = socket.ask(request);
      if (!response.startsWith("{")) {
        throw new IOException("WebSocket, in place of a response to " + request + ": " + response);
      }
      return response;
    }

    @Override
    void open() throws Exception {
      socket.close();
      socket = WebSocketClient.to(node.wsPort);
    }

    @Override
    public void close() {
      socket.close();
    }
  }

  private final class OverIpc extends Client {
    private IpcClient socket = new IpcClient(node.data.resolve("patchbay.ipc"));

    OverIpc() throws IOException {}

    @Override
    String ask(String request) throws Exception {
      return socket.ask(request);
    }

    @Override
    void open() throws Exception {
      socket.close();
      socket = new IpcClient(node.data.resolve("patchbay.ipc"));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private final Node node;
  private final List<Request> requests;
  private final List<Thread> threads = new ArrayList<>();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final Map<String, Seen> seen = new LinkedHashMap<>();
  private final AtomicInteger subscribed = new AtomicInteger();
  private final AtomicInteger filtered = new AtomicInteger();
  private final AtomicInteger transfers = new AtomicInteger();
  private volatile boolean follows;
  private volatile long pauseNanos;
  private volatile String updated = "";
  private volatile boolean running = true;

  UpdateLoad(Node node, List<Request> requests) {
    this.node = node;
    this.requests = requests;
  }

  /** Has clients wait after each response: without that they keep the processors busy. */
  UpdateLoad pauseBetween(long millis) {
    pauseNanos = TimeUnit.MILLISECONDS.toNanos(millis);
    return this;
  }

  /** Starts clients of each transport. */
  UpdateLoad start() throws Exception {
    run("update-http-0", () -> askAll(new Http(), 0));
    run("update-http-1", () -> askAll(new Http(), requests.size() / 2));
    run("update-socket", () -> askAll(new OverSocket(), requests.size() / 3));
    run("update-ipc", () -> askAll(new OverIpc(), 2 * requests.size() / 3));
    return this;
  }

  /** Sends a transfer about every 20 ms. */
  UpdateLoad sendTransfers() throws Exception {
    long first =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    run(
        "update-sender",
        () -> {
          try (Http client = new Http()) {
            for (long nonce = first; running; nonce++) {
              String raw = Accounts.raw(Accounts.transfer(0, nonce));
              timed("eth_sendRawTransaction", client, raw);
              transfers.incrementAndGet();
              LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
          }
        });
    return this;
  }

  /** Reads new heads by a subscription, and by a filter, to the end. */
  UpdateLoad followHeads() throws Exception {
    follows = true;
    WebSocketClient first = WebSocketClient.to(node.wsPort);
    first.ask(Node.request("eth_subscribe", "newHeads"));
    run(
        "update-subscriber",
        () -> {
          WebSocketClient socket = first;
          String last = null;
          while (running) {
            String message = socket.next(1_000);
            if (message.equals("null")) {
              continue;
            }
            if (message.contains("1012") && updated.equals("rpc-server")) {
              socket = WebSocketClient.to(node.wsPort);
              socket.ask(Node.request("eth_subscribe", "newHeads"));
              last = null;
              continue;
            }
            JsonNode head = Node.json(message).at("/params/result");
            if (last != null && !head.path("parentHash").asText().equals(last)) {
              failures.add(updated + ": the subscription has " + message + " after " + last);
            }
            last = head.path("hash").asText();
            subscribed.incrementAndGet();
          }
        });
    String filter = node.result("eth_newBlockFilter").asText();
    run("update-filter", () -> followFilter(filter));
    return this;
  }

  private void followFilter(String filter) throws Exception {
    try (Http client = new Http()) {
      String last = null;
      while (running) {
        JsonNode hashes = timed("eth_getFilterChanges", client, filter).path("result");
        for (JsonNode hash : hashes) {
          JsonNode block = timed("eth_getBlockByHash", client, hash.asText(), false).path("result");
          if (last != null && !block.path("parentHash").asText().equals(last)) {
            failures.add(updated + ": the filter has " + hash + " after " + last);
          }
          last = hash.asText();
          filtered.incrementAndGet();
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
    }
  }

  /** What a client does, again and again. */
  interface Work {
    /**
     * Does it once.
     *
     * @throws Exception when it fails, which it must not
     */
    void run() throws Exception;
  }

  /** Does something without pause; each time counts as a request. */
  UpdateLoad repeat(String name, Work work) {
    run(
        name,
        () -> {
          while (running) {
            Seen now = seen(updated);
            long start = System.nanoTime();
            work.run();
            now.add(name, System.nanoTime() - start);
          }
        });
    return this;
  }

  private void run(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Exception | AssertionError failure) {
                failures.add(updated + ": " + name + " ends: " + failure);
              }
            },
            name);
    threads.add(thread);
    thread.start();
  }

  private void askAll(Client client, int first) throws Exception {
    try (client) {
      for (int i = first; running; i++) {
        Request next = requests.get(i % requests.size());
        timed(next.method, client, next.params.toArray());
        LockSupport.parkNanos(pauseNanos);
      }
    }
  }

  private JsonNode timed(String method, Client client, Object... params) throws Exception {
    Seen now = seen(updated);
    long start = System.nanoTime();
    JsonNode response = Node.json(ask(client, Node.request(method, params), now));
    now.add(method, System.nanoTime() - start);
    if (!response.has("result")) {
      failures.add(updated + ": " + method + " " + Arrays.asList(params) + ": " + response);
    }
    return response;
  }

  /** Reads the hashes of executable transactions by a filter: none may come twice. */
  UpdateLoad followTransactions() throws Exception {
    String filter = node.result("eth_newPendingTransactionFilter").asText();
    Set<String> known = new HashSet<>();
    run(
        "update-transactions",
        () -> {
          try (Http client = new Http()) {
            while (running) {
              JsonNode hashes = timed("eth_getFilterChanges", client, filter).path("result");
              for (JsonNode hash : hashes) {
                if (!known.add(hash.asText())) {
                  failures.add(updated + ": the filter has " + hash + " twice");
                }
              }
              LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            }
          }
          if (known.isEmpty()) {
            failures.add("the filter has no transactions");
          }
        });
    return this;
  }

  /** Waits until the head has a number: a genesis block is not traceable. */
  UpdateLoad awaitHead(long number) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (Long.decode(node.result("eth_blockNumber").asText()) < number) {
      if (System.nanoTime() > limit) {
        throw new AssertionError("no block " + number + " within a minute");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    return this;
  }

  /**
   * Sends a request, and while the server itself is updated sends it again when the connection ends
   * before the response. A connection that is refused is a failure.
   */
  private String ask(Client client, String request, Seen now) throws Exception {
    for (int sent = 1; ; sent++) {
      try {
        return client.ask(request);
      } catch (ConnectException refused) {
        throw refused;
      } catch (IOException | ExecutionException ended) {
        if (!updated.equals("rpc-server") || sent == MAX_SENT) {
          throw ended;
        }
        now.repeated.incrementAndGet();
        client.open();
      }
    }
  }

  /** Notes which bundle is updated from now on. */
  void during(String bundle) {
    updated = bundle;
  }

  /** Returns what clients have seen while a bundle was updated. */
  Seen seen(String bundle) {
    synchronized (seen) {
      return seen.computeIfAbsent(bundle, key -> new Seen());
    }
  }

  /** Prints what clients have seen, a line for each step in order. */
  void print() {
    synchronized (seen) {
      seen.forEach(
          (step, what) ->
              System.out.printf(
                  "%-60s %6d requests, longest %5d ms, 99.9 %% %5.0f ms%n",
                  step, what.requests(), what.longestMillis(), what.p999Millis()));
    }
  }

  /** Returns how many transfers were sent. */
  int transfers() {
    return transfers.get();
  }

  /** Waits until clients have had some more responses. */
  void awaitRequests(int more) {
    Seen now = seen(updated);
    int wanted = now.requests() + more;
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (now.requests() < wanted && failures.size() < 100) {
      if (System.nanoTime() > limit) {
        failures.add(updated + ": no " + more + " responses within a minute");
        return;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  /** Returns what was not as it should be. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  @Override
  public void close() throws Exception {
    running = false;
    for (Thread thread : threads) {
      thread.join(30_000);
      if (thread.isAlive()) {
        failures.add(thread.getName() + " has no response within half a minute");
      }
    }
    if (follows && (subscribed.get() < 2 || filtered.get() < 2)) {
      failures.add("the subscription had " + subscribed + " heads, the filter " + filtered.get());
    }
  }
}
