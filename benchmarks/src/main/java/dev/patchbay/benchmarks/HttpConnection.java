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
import java.util.Locale;

/**
 * An HTTP connection, or a WebSocket, that stays open, with little work of its own: it shares the
 * machine with what is measured over it.
 *
 * <p>Threading: one thread at a time.
 */
final class HttpConnection implements AutoCloseable {
  private final boolean webSocket;
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  /** Connects; {@code ws} is for a WebSocket. */
  HttpConnection(URI target) throws IOException {
    webSocket = isWebSocket(target);
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

  private static boolean isWebSocket(URI target) {
    return "ws".equals(target.getScheme());
  }

  /**
   * Returns what is sent to ask a target.
   *
   * @param headers more of them, each with its line end
   */
  static byte[] request(URI target, String headers, byte[] body) {
    if (isWebSocket(target)) {
      return frame(body);
    }
    byte[] head =
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + headers
                + "Content-Length: "
                + body.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(head.length + body.length).put(head).put(body).array();
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

  /** Sends a request; returns the body of the answer. */
  byte[] ask(byte[] request) throws IOException {
    out.write(request);
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
