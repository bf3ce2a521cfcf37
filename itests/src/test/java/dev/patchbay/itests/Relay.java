// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Passes TCP connections on to a port of this machine, and counts the connections and the bytes: a
 * test sees what two programs send, although they encrypt it. It may be as slow as a link between
 * continents, on which every hundredth packet is lost.
 */
final class Relay implements AutoCloseable {
  private static final int PACKET_BYTES = 1_400;
  private static final int MAX_PACKETS = 10_000;

  /** One packet of so many is lost. */
  private static final int LOST = 100;

  /** Until TCP sends a packet again: all that is behind it waits. */
  private static final Duration AGAIN = Duration.ofMillis(300);

  private record Packet(byte[] bytes, long dueNanos) {}

  final int port;
  private final int target;
  private final Duration delay;
  private final ServerSocket listener;
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private boolean cut;

  /** Starts to listen on a free port, as a link without a delay. */
  Relay(int target) throws IOException {
    this(target, Duration.ZERO);
  }

  /**
   * Starts to listen on a free port.
   *
   * @param delay the time that a packet takes in each direction, zero for a link that loses none
   */
  Relay(int target, Duration delay) throws IOException {
    this.target = target;
    this.delay = delay;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    port = listener.getLocalPort();
    run("accept", this::accept);
  }

  /** Returns how many connections were accepted. */
  int connections() {
    return connections.get();
  }

  /** Returns the bytes that went to the target. */
  long sent() {
    return sent.get();
  }

  /** Returns the bytes that came from the target. */
  long received() {
    return received.get();
  }

  /** Ends all connections, and each new one until {@link #restore}. */
  synchronized void cut() throws IOException {
    cut = true;
    closeSockets();
  }

  /** Passes new connections on again. */
  synchronized void restore() {
    cut = false;
  }

  private interface Task {
    void run() throws IOException;
  }

  private void run(String name, Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException closed) {
                // a side has ended the connection, or the test has ended
              }
            },
            "relay-" + target + "-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = listener.accept();
      connections.incrementAndGet();
      try {
        connect(client);
      } catch (IOException noListener) {
        client.close();
      }
    }
  }

  private synchronized void connect(Socket client) throws IOException {
    if (cut) {
      client.close();
      return;
    }
    Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
    sockets.addAll(List.of(client, server));
    run("out", () -> pass(client, server, sent));
    run("in", () -> pass(server, client, received));
  }

  private void pass(Socket from, Socket to, AtomicLong count) throws IOException {
    if (!delay.isZero()) {
      passLate(from, to, count);
      return;
    }
    byte[] buffer = new byte[65_536];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        count.addAndGet(n);
        out.write(buffer, 0, n);
      }
    }
  }

  private void passLate(Socket from, Socket to, AtomicLong count) throws IOException {
    BlockingQueue<Packet> packets = new LinkedBlockingQueue<>(MAX_PACKETS);
    run("late", () -> deliver(packets, to));
    byte[] buffer = new byte[PACKET_BYTES];
    int number = 0;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        count.addAndGet(n);
        Duration time = ++number % LOST == 0 ? delay.plus(AGAIN) : delay;
        packets.put(new Packet(Arrays.copyOf(buffer, n), System.nanoTime() + time.toNanos()));
      }
      packets.put(new Packet(new byte[0], System.nanoTime()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void deliver(BlockingQueue<Packet> packets, Socket to) throws IOException {
    try {
      OutputStream out = to.getOutputStream();
      for (Packet next = packets.take(); next.bytes.length > 0; next = packets.take()) {
        long wait = next.dueNanos - System.nanoTime();
        if (wait > 0) {
          TimeUnit.NANOSECONDS.sleep(wait);
        }
        out.write(next.bytes);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    closeSockets();
  }

  private void closeSockets() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
