// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the peer under test. It keeps the messages that came, and responds to the new
 * blocks of the peer with BLOCK_KNOWN, as a peer of the seed does.
 *
 * <p>Threading: thread-safe; one thread of its own reads.
 */
final class Link implements AutoCloseable {
  private static final int MAX_KEPT = 20_000;

  private final Socket socket;
  private final List<Message> received = new ArrayList<>();
  private @Nullable String end;

  /** The first violation of the protocol by the peer; null without one. */
  private @Nullable String violation;

  private volatile boolean closing;
  private volatile boolean acknowledges = true;

  private final String address;

  /**
   * Starts reading.
   *
   * @param address which one the kit states on this connection
   */
  Link(Socket socket, String address) throws IOException {
    this.socket = socket;
    this.address = address;
    socket.setTcpNoDelay(true);
    InputStream in = new BufferedInputStream(socket.getInputStream());
    Thread reader = new Thread(() -> read(in), "chronos " + socket.getRemoteSocketAddress());
    reader.setDaemon(true);
    reader.start();
  }

  /** Connects to the peer. */
  static Link dial(InetSocketAddress target, int timeoutMillis, String address) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(target, timeoutMillis);
      return new Link(socket, address);
    } catch (IOException failed) {
      socket.close();
      throw failed;
    }
  }

  String address() {
    return address;
  }

  private void read(InputStream in) {
    try {
      for (byte[] text = Wire.read(in); text != null; text = Wire.read(in)) {
        Message message;
        try {
          message = Wire.parse(text);
        } catch (IOException malformed) {
          broken(malformed.getMessage());
          break;
        }
        if (!keep(message)) {
          broken("more than " + MAX_KEPT + " messages");
          break;
        }
        acknowledge(message);
      }
      ended("the peer closed the connection");
    } catch (Throwable failed) { // the cases see it as the end
      ended(failed.toString());
    }
  }

  private void acknowledge(Message message) throws IOException {
    if (!acknowledges) {
      return;
    }
    if (message.code().equals("NEW_BLOCK_HASH")) {
      send("BLOCK_KNOWN", message.data());
    } else if (message.code().equals("NEW_BLOCK")) {
      try {
        send("BLOCK_KNOWN", Wire.NODES.textNode(BlockText.read(message.data()).hashText()));
      } catch (IllegalArgumentException wrong) {
        broken("a NEW_BLOCK that is wrong: " + wrong.getMessage());
      }
    }
  }

  /** Ends the responses to new blocks. */
  void acknowledgeNothing() {
    acknowledges = false;
  }

  private synchronized boolean keep(Message message) {
    received.add(message);
    notifyAll();
    return received.size() <= MAX_KEPT;
  }

  private synchronized void broken(@Nullable String reason) {
    if (violation == null) {
      violation = String.valueOf(reason);
    }
  }

  private synchronized void ended(String reason) {
    end = reason;
    notifyAll();
  }

  /** Sends a message. */
  void send(String code, JsonNode data) throws IOException {
    sendRaw(Wire.message(code, data));
  }

  void send(String code, String data) throws IOException {
    send(code, Wire.NODES.textNode(data));
  }

  /** Sends bytes as they are. */
  void sendRaw(byte[] bytes) throws IOException {
    synchronized (socket) {
      socket.getOutputStream().write(bytes);
    }
  }

  /** Returns the number of messages that came. */
  synchronized int mark() {
    return received.size();
  }

  /** Returns the messages that came after a mark. */
  synchronized List<Message> since(int mark) {
    return List.copyOf(received.subList(mark, received.size()));
  }

  /** Returns the first message after a mark that is wanted; null when none comes in time. */
  synchronized @Nullable Message await(int mark, Predicate<Message> wanted, long millis)
      throws InterruptedException {
    long until = System.nanoTime() + millis * 1_000_000;
    int next = mark;
    while (true) {
      for (; next < received.size(); next++) {
        if (wanted.test(received.get(next))) {
          return received.get(next);
        }
      }
      long left = (until - System.nanoTime()) / 1_000_000;
      if (end != null || left <= 0) {
        return null;
      }
      wait(left);
    }
  }

  /** Waits for the end of the connection, and returns whether it came in time. */
  synchronized boolean awaitEnd(long millis) throws InterruptedException {
    long until = System.nanoTime() + millis * 1_000_000;
    while (end == null) {
      long left = (until - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  synchronized boolean isOpen() {
    return end == null;
  }

  synchronized @Nullable String violation() {
    return violation;
  }

  /** Returns what came after a mark, for a report. */
  synchronized String shownSince(int mark) {
    StringBuilder out = new StringBuilder();
    received.stream()
        .skip(mark)
        .limit(4)
        .forEach(message -> out.append(out.length() == 0 ? "" : ", ").append(message.shown()));
    if (received.size() > mark + 4) {
      out.append(" and ").append(received.size() - mark - 4).append(" more");
    }
    if (out.length() == 0) {
      out.append("nothing came");
    }
    if (violation != null) {
      out.append("; ").append(violation);
    }
    if (end != null && !closing) {
      out.append("; ").append(end);
    }
    return out.toString();
  }

  @Override
  public void close() {
    closing = true;
    try {
      socket.close();
    } catch (IOException ignored) {
      // it is closed
    }
  }
}
