// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A peer that says what a test wants it to, with no more than the seed has. */
final class WirePeer implements Closeable {
  private static final int TIMEOUT_MILLIS = 10_000;

  final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;

  WirePeer(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(TIMEOUT_MILLIS);
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
  }

  static WirePeer dial(int port) throws IOException {
    return new WirePeer(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  void send(MessageCode code, Object data) throws IOException {
    send(Json.write(code, data, null));
  }

  void send(MessageCode code, Object data, long id) throws IOException {
    send(Json.write(code, data, id));
  }

  void send(byte[] frame) throws IOException {
    out.writeInt(frame.length);
    out.write(frame);
    out.flush();
  }

  void shake(long height, String address) throws IOException {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("timestamp", System.currentTimeMillis());
    data.put("height", height);
    data.put("address", address);
    send(MessageCode.SHAKEHAND, data);
  }

  /** Returns the next message; null at the end of the connection. */
  @Nullable Message next() throws IOException, WireException {
    int length = in.read();
    if (length < 0) {
      return null;
    }
    byte[] rest = in.readNBytes(3);
    length = length << 24 | (rest[0] & 0xff) << 16 | (rest[1] & 0xff) << 8 | rest[2] & 0xff;
    return Json.read(in.readNBytes(length));
  }

  Message expect(MessageCode code) throws IOException, WireException {
    Message message = Objects.requireNonNull(next(), "the connection has ended");
    if (!message.code().equals(code.name())) {
      throw new AssertionError("instead of " + code + " came " + message);
    }
    return message;
  }

  Block expectBlock(MessageCode code) throws IOException, WireException {
    return BlockJson.read(false, expect(code).data());
  }

  /** Reads the error with a code, and the end of the connection when it closes. */
  Map<?, ?> expectError(String code, boolean closes) throws IOException, WireException {
    Map<?, ?> error = (Map<?, ?>) Objects.requireNonNull(expect(MessageCode.ERROR).data());
    if (!code.equals(error.get("code"))) {
      throw new AssertionError("instead of " + code + " came " + error);
    }
    if (closes && next() != null) {
      throw new AssertionError("the connection goes on");
    }
    return error;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
