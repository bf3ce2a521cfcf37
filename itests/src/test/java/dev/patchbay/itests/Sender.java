// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends transfers of one account of the development chain to one node, on a thread of its own.
 * While the node does not respond, it tries again.
 */
final class Sender {
  private static final long PAUSE_MILLIS = 300;

  /** Calls a method of a node; fails with an {@link IOException} while the node is not there. */
  interface Client {
    JsonNode call(String method, Object... params) throws Exception;
  }

  private final Client node;
  private final int account;
  private final List<String> hashes = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean running = true;

  Sender(Client node, int account) {
    this.node = node;
    this.account = account;
    thread = new Thread(this::run, "sender-" + account);
  }

  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (running) {
        send();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS));
      }
    } catch (Exception | AssertionError failure) {
      failures.add(failure.toString());
    }
  }

  private void send() throws Exception {
    Transaction transfer = Accounts.transfer(account, hashes.size());
    JsonNode response;
    try {
      response = node.call("eth_sendRawTransaction", Accounts.raw(transfer));
    } catch (IOException notThere) {
      return;
    }
    // the response to the one before may have been lost with the node
    if (!response.has("result") && !response.toString().contains("already known")) {
      failures.add(response.toString());
    }
    hashes.add(transfer.hash().toString());
  }

  /** Ends sending; fails when a transaction was not accepted. */
  void stop() throws Exception {
    running = false;
    thread.join(TimeUnit.MINUTES.toMillis(1));
    assertThat(thread.isAlive()).isFalse();
    assertThat(failures).isEmpty();
    assertThat(hashes).isNotEmpty();
  }

  /** Returns the hashes of the transactions that the node has accepted. */
  List<String> hashes() {
    return hashes;
  }
}
