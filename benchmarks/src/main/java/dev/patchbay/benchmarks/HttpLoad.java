// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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
  private final boolean webSocket;
  private final List<byte[]> requests;
  private final AtomicInteger sent = new AtomicInteger();

  HttpLoad(URI target, List<String> bodies) {
    this.target = target;
    this.webSocket = "ws".equals(target.getScheme());
    requests = bodies.stream().map(this::request).toList();
  }

  private byte[] request(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
            + bytes.length
            + "\r\n\r\n";
    return webSocket ? frame(bytes) : (head + body).getBytes(StandardCharsets.UTF_8);
  }

  /** Returns a text frame of a client (RFC 6455, section 5.2), masked with zeros. */
  private static byte[] frame(byte[] text) {
    ByteBuffer out = ByteBuffer.allocate(text.length + 14);
    out.put((byte) 0x81);
    if (text.length < 126) {
      out.put((byte) (0x80 | text.length));
    } else if (text.length < 1 << 16) {
      out.put((byte) (0x80 | 126)).putShort((short) text.length);
    } else {
      out.put((byte) (0x80 | 127)).putLong(text.length);
    }
    out.putInt(0).put(text);
    return Arrays.copyOf(out.array(), out.position());
  }

  /** One connection. */
  private final class Connection implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    Connection() throws IOException {
      socket = new Socket(target.getHost(), target.getPort());
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
      out = socket.getOutputStream();
      if (webSocket) {
        out.write(
            ("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        String status = line();
        if (!status.contains(" 101 ")) {
          throw new IOException("no WebSocket: " + status);
        }
        for (String line = status; !line.isEmpty(); ) {
          line = line();
        }
      }
    }

    /** Asks once; returns the answer. */
    byte[] ask() throws IOException {
      out.write(requests.get(Math.floorMod(sent.getAndIncrement(), requests.size())));
      return webSocket ? message() : response();
    }

    /** Reads the frames of a message; what is not text or its continuation is passed over. */
    private byte[] message() throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (boolean last = false; !last; ) {
        int head = in.read();
        int length = in.read();
        if (head < 0 || length < 0) {
          throw new IOException("the connection was closed");
        }
        int more = length == 126 ? 2 : length == 127 ? 8 : 0;
        byte[] payload =
            in.readNBytes(
                more == 0 ? length : new BigInteger(1, in.readNBytes(more)).intValueExact());
        if ((head & 0x0f) <= 1) {
          all.writeBytes(payload);
          last = (head & 0x80) != 0;
        }
      }
      return all.toByteArray();
    }

    private byte[] response() throws IOException {
      long length = -1;
      boolean chunked = false;
      for (String line = line(); !line.isEmpty(); line = line()) {
        String lower = line.toLowerCase(Locale.ROOT);
        if (lower.startsWith("content-length:")) {
          length = Long.parseLong(lower.substring(15).strip());
        }
        chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
      }
      return chunked ? chunks() : in.readNBytes(Math.toIntExact(length));
    }

    private byte[] chunks() throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (int size = size(); size > 0; size = size()) {
        all.write(in.readNBytes(size));
        line();
      }
      line();
      return all.toByteArray();
    }

    private int size() throws IOException {
      return Integer.parseInt(line().strip(), 16);
    }

    private String line() throws IOException {
      StringBuilder text = new StringBuilder();
      for (int c = in.read(); c != '\n'; c = in.read()) {
        if (c < 0) {
          throw new IOException("the connection was closed");
        }
        if (c != '\r') {
          text.append((char) c);
        }
      }
      return text.toString();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** Asks once and returns the answer. */
  String once() throws IOException {
    try (Connection connection = new Connection()) {
      return new String(connection.ask(), StandardCharsets.UTF_8);
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
            connection.ask();
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
            connection.ask();
            times.recordValue(Math.max(1, (System.nanoTime() - due) / 1_000));
          }
        });
    return times;
  }

  private interface Client {
    void run(Connection connection, int index) throws IOException;
  }

  private void run(int connections, Client client) throws Exception {
    Thread[] threads = new Thread[connections];
    Throwable[] failure = new Throwable[1];
    for (int i = 0; i < connections; i++) {
      int index = i;
      threads[i] =
          new Thread(
              () -> {
                try (Connection connection = new Connection()) {
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
