// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Passes TCP connections on to a port of this machine, and counts the connections and the bytes: a
 * test sees what two programs send, although they encrypt it.
 */
final class Relay implements AutoCloseable {
  final int port;
  private final int target;
  private final ServerSocket listener;
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private boolean cut;

  /** Starts to listen on a free port. */
  Relay(int target) throws IOException {
    this.target = target;
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

  private static void pass(Socket from, Socket to, AtomicLong count) throws IOException {
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
