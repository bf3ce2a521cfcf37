// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends transfers at a fixed rate, on a thread of its own, and asks for their receipts. Ends when
 * it is stopped, or when the node no longer answers.
 */
final class TransactionLoad {
  private final Node node;
  private final long interval;
  private final Map<String, String> reported = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final CountDownLatch first = new CountDownLatch(1);
  private final Thread thread = new Thread(this::run, "transaction-load");
  private final long start = System.nanoTime();
  private volatile boolean running = true;
  private volatile int sent;
  private volatile long nanos;

  private TransactionLoad(Node node, int transactionsPerSecond) {
    this.node = node;
    this.interval = TimeUnit.SECONDS.toNanos(1) / transactionsPerSecond;
  }

  static TransactionLoad start(Node node, int transactionsPerSecond) {
    TransactionLoad load = new TransactionLoad(node, transactionsPerSecond);
    load.thread.start();
    return load;
  }

  /** Waits until the node has reported the block of a transaction. */
  TransactionLoad awaitFirst() throws Exception {
    if (!first.await(30, TimeUnit.SECONDS)) {
      throw new AssertionError("no transaction is mined; " + failures);
    }
    return this;
  }

  private void run() {
    Deque<String> pending = new ArrayDeque<>();
    try {
      long nonce =
          Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
      long due = System.nanoTime();
      while (running || !pending.isEmpty()) {
        if (running) {
          pending.add(node.send(Accounts.transfer(0, nonce++)));
          sent++;
          nanos = System.nanoTime() - start;
        }
        due += interval;
        while (!pending.isEmpty() && isReported(pending.element())) {
          pending.remove();
        }
        LockSupport.parkNanos(due - System.nanoTime());
      }
    } catch (IOException killed) {
      if (running) {
        failures.add(killed.toString());
      }
    } catch (Exception | AssertionError failure) {
      failures.add(failure.toString());
    }
  }

  private boolean isReported(String hash) throws Exception {
    JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
    if (receipt.isNull()) {
      return false;
    }
    reported.put(hash, receipt.get("blockHash").asText());
    first.countDown();
    return true;
  }

  /** Kills the node while transactions come in. */
  void kill() throws Exception {
    running = false; // the connection may now fail
    node.kill();
    thread.join(30_000);
  }

  /** Stops sending, and waits until every transaction is mined. */
  void stop() throws Exception {
    running = false;
    thread.join(30_000);
    if (thread.isAlive()) {
      throw new AssertionError("transactions are not mined; " + failures);
    }
  }

  /** Returns the hashes whose receipts were seen, with the hashes of their blocks. */
  Map<String, String> reported() {
    return Map.copyOf(reported);
  }

  /** Returns what went wrong before the load was to end. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  int sent() {
    return sent;
  }

  /** Returns the time in which the transactions were sent. */
  long nanos() {
    return nanos;
  }
}
