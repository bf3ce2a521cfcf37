// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A connection of HTTP/1.1 that is kept open from request to request, so that each end of it is
 * seen. The HttpClient of Java 17 does not do for that: about once in some millions of requests it
 * closes a connection itself and reports that no bytes were received (JDK-8338569, JDK-8357639).
 *
 * <p>Threading: one thread.
 */
final class KeptConnection implements AutoCloseable {
  private static final int TIMEOUT_MILLIS = 30_000;

  private final int port;
  private @Nullable Socket socket;
  private @Nullable InputStream in;

  /** Creates a connection to a port of this machine, which the first request opens. */
  KeptConnection(int port) {
    this.port = port;
  }

  /**
   * Posts JSON and returns the body of the response. A connection whose latest response was said to
   * be its last is opened anew.
   *
   * @throws java.net.ConnectException when the connection is refused
   * @throws IOException when the connection ends before the response
   */
  String post(String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:"
            + port
            + "\r\nContent-Type: application/json\r\nContent-Length: "
            + body.length
            + "\r\n\r\n";
    InputStream from = open();
    OutputStream out = socket.getOutputStream();
    byte[] request = new byte[head.length() + body.length];
    System.arraycopy(head.getBytes(StandardCharsets.US_ASCII), 0, request, 0, head.length());
    System.arraycopy(body, 0, request, head.length(), body.length);
    out.write(request);
    return response(from);
  }

  private InputStream open() throws IOException {
    InputStream known = in;
    if (known == null) {
      Socket opened = new Socket(InetAddress.getLoopbackAddress(), port);
      opened.setSoTimeout(TIMEOUT_MILLIS);
      opened.setTcpNoDelay(true);
      socket = opened;
      known = new BufferedInputStream(opened.getInputStream());
      in = known;
    }
    return known;
  }

  private String response(InputStream from) throws IOException {
    String status = line(from);
    int length = -1;
    boolean last = false;
    for (String line = line(from); !line.isEmpty(); line = line(from)) {
      String header = line.toLowerCase(Locale.ROOT);
      if (header.startsWith("content-length:")) {
        length = Integer.parseInt(header.substring(header.indexOf(':') + 1).strip());
      }
      last |= header.startsWith("connection:") && header.endsWith("close");
    }
    byte[] body = length < 0 ? chunks(from) : bytes(from, length);
    if (last) {
      close();
    }
    String text = new String(body, StandardCharsets.UTF_8);
    if (!status.startsWith("HTTP/1.1 200 ")) {
      throw new IOException(status + ": " + text);
    }
    return text;
  }

  private static byte[] chunks(InputStream from) throws IOException {
    var body = new java.io.ByteArrayOutputStream();
    for (int length = -1; length != 0; ) {
      length = Integer.parseInt(line(from), 16);
      body.writeBytes(bytes(from, length));
      line(from);
    }
    return body.toByteArray();
  }

  private static byte[] bytes(InputStream from, int length) throws IOException {
    byte[] bytes = from.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("the connection ended inside of a response");
    }
    return bytes;
  }

  private static String line(InputStream from) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = from.read(); b != '\n'; b = from.read()) {
      if (b < 0) {
        throw new EOFException("the connection ended after '" + line + "' of a response");
      }
      line.append((char) b);
    }
    return line.toString().strip();
  }

  @Override
  public void close() throws IOException {
    Socket open = socket;
    socket = null;
    in = null;
    if (open != null) {
      open.close();
    }
  }
}
