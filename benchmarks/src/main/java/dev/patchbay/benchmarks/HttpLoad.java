// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Sends requests, one after the other and from the first again, over HTTP connections, or
 * WebSockets, that stay open, with little work of its own: it shares the machine with what it
 * measures. Closed loop: each connection asks again when it has its answer. Open loop: requests are
 * due at a fixed rate, and time counts from when they were due.
 */
final class HttpLoad {
  private final URI target;
  private final List<byte[]> requests;
  private final AtomicInteger sent = new AtomicInteger();

  HttpLoad(URI target, List<String> bodies) {
    this.target = target;
    requests =
        bodies.stream()
            .map(body -> HttpConnection.request(target, "", body.getBytes(StandardCharsets.UTF_8)))
            .toList();
  }

  private byte[] next() {
    return requests.get(Math.floorMod(sent.getAndIncrement(), requests.size()));
  }

  /** Asks once and returns the answer. */
  String once() throws IOException {
    try (HttpConnection connection = new HttpConnection(target)) {
      return new String(connection.ask(next()), StandardCharsets.UTF_8);
    }
  }

  /** Returns requests a second in a closed loop. */
  double peak(int connections, long nanos) throws Exception {
    AtomicLong answers = new AtomicLong();
    long end = System.nanoTime() + nanos;
    run(
        connections,
        (connection, index) -> {
          long own = 0;
          while (System.nanoTime() < end) {
            connection.ask(next());
            own++;
          }
          answers.addAndGet(own);
        });
    return answers.get() / (nanos / 1e9);
  }

  /** Returns the times, in microseconds, of requests at a fixed rate. */
  Histogram latency(int connections, double rate, long nanos) throws Exception {
    Histogram times = new ConcurrentHistogram(TimeUnit.MINUTES.toMicros(1), 3);
    long interval = (long) (1e9 * connections / rate);
    long start = System.nanoTime() + 10_000_000;
    run(
        connections,
        (connection, index) -> {
          long due = start + interval * index / connections;
          for (; due < start + nanos; due += interval) {
            long wait = due - System.nanoTime();
            if (wait > 0) {
              LockSupport.parkNanos(wait);
            }
            connection.ask(next());
            times.recordValue(Math.max(1, (System.nanoTime() - due) / 1_000));
          }
        });
    return times;
  }

  private interface Client {
    void run(HttpConnection connection, int index) throws IOException;
  }

  private void run(int connections, Client client) throws Exception {
    Thread[] threads = new Thread[connections];
    Throwable[] failure = new Throwable[1];
    for (int i = 0; i < connections; i++) {
      int index = i;
      threads[i] =
          new Thread(
              () -> {
                try (HttpConnection connection = new HttpConnection(target)) {
                  client.run(connection, index);
                } catch (IOException | RuntimeException broken) {
                  failure[0] = broken;
                }
              },
              "load-" + i);
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure[0] != null) {
      throw new IOException("the load broke off", failure[0]);
    }
  }
}
