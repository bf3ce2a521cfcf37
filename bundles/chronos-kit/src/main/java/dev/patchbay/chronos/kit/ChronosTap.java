// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * Prints the conversation with a peer, as a client that shakes hands, or that of two peers, when it
 * listens between them. Bytes pass between two peers as they are, whether they are frames or not.
 */
public final class ChronosTap {
  private static final String USAGE =
      """
      usage: patchbay chronos-tap [--json] [--listen PORT] HOST:PORT
        HOST:PORT      shakes hands with the peer and prints what it sends; lines that are typed are sent to it,
                       such as: PULL_BLOCK 0
        --listen PORT  listens on the loopback interface, connects each peer that dials there with HOST:PORT, and
                       prints both directions
        --json         prints whole messages
      """;

  private static final int CONNECT_MILLIS = 10_000;
  private static final long KEEP_ALIVE_MILLIS = 5_000;
  private static final int BUFFER = 64 * 1024;
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");

  private final PrintStream out;
  private final boolean json;

  ChronosTap(PrintStream out, boolean json) {
    this.out = out;
    this.json = json;
  }

  /**
   * Runs until the peer closes the connection; between two peers, until the process ends.
   *
   * @param args address of the peer, and options
   */
  public static void main(String[] args) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.exit(run(args, System.in, out, System.err));
  }

  static int run(String[] args, InputStream in, PrintStream out, PrintStream err) {
    InetSocketAddress target = null;
    int listen = -1;
    boolean json = false;
    try {
      for (int i = 0; i < args.length; i++) {
        if (args[i].equals("--json")) {
          json = true;
        } else if (args[i].equals("--listen")) {
          listen =
              Addresses.number("--listen", i + 1 < args.length ? args[i + 1] : null, 0, 65_535);
          i++;
        } else if (target != null || args[i].startsWith("-")) {
          throw new IllegalArgumentException("unexpected '" + args[i] + "'");
        } else {
          target = Addresses.parse(args[i]);
        }
      }
      if (target == null) {
        throw new IllegalArgumentException("the address of the peer is missing");
      }
    } catch (IllegalArgumentException wrong) {
      err.println("patchbay: " + wrong.getMessage());
      err.print(USAGE);
      return 2;
    }
    ChronosTap tap = new ChronosTap(out, json);
    try {
      if (listen < 0) {
        tap.talk(target, in);
      } else {
        try (ServerSocket server = new ServerSocket(listen, 50, InetAddress.getLoopbackAddress())) {
          out.println("listening on " + server.getLocalPort());
          tap.between(server, target);
        }
      }
      return 0;
    } catch (IOException failed) {
      err.println("patchbay: " + failed.getMessage());
      return 1;
    }
  }

  // ---- as a client

  private void talk(InetSocketAddress target, InputStream typed) throws IOException {
    Socket socket = new Socket();
    try (socket) {
      socket.connect(target, CONNECT_MILLIS);
      print("--", "connected to " + target);
      start(() -> keepAlive(socket), "chronos keep-alive");
      start(() -> sendLines(socket, typed), "chronos lines");
      InputStream in = socket.getInputStream();
      boolean greeted = false;
      for (byte[] text = Wire.read(in); text != null; text = Wire.read(in)) {
        Message message = parsed(text);
        boolean again = greeted && message != null && message.code().equals("SHAKEHAND");
        if (!again || json) {
          show("<-", text, message);
        }
        greeted |= message != null && message.code().equals("SHAKEHAND");
      }
      print("--", "the peer closed the connection");
    }
  }

  private static void start(Runnable body, String name) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void keepAlive(Socket socket) {
    try {
      boolean first = true;
      while (true) {
        ObjectNode data =
            Wire.NODES
                .objectNode()
                .put("timestamp", System.currentTimeMillis())
                .put("height", 0)
                .put("address", "0x" + "0".repeat(40));
        send(socket, "SHAKEHAND", data, first || json);
        first = false;
        Thread.sleep(KEEP_ALIVE_MILLIS);
      }
    } catch (Throwable ended) { // the reader reports the end of the connection
      return;
    }
  }

  private void sendLines(Socket socket, InputStream typed) {
    try {
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(typed, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.strip().split("\\s+", 2);
        if (!words[0].isEmpty()) {
          send(socket, words[0], words.length < 2 ? null : value(words[1]), true);
        }
      }
    } catch (Throwable ended) { // the reader reports the end of the connection
      return;
    }
  }

  /** Returns data that is typed: JSON, or a string without quotes. */
  private static JsonNode value(String text) throws IOException {
    try {
      return Wire.json(text);
    } catch (JsonProcessingException noJson) {
      return Wire.NODES.textNode(text);
    }
  }

  private void send(Socket socket, String code, @Nullable JsonNode data, boolean shown)
      throws IOException {
    byte[] frame = Wire.message(code, data);
    if (shown) {
      byte[] text = java.util.Arrays.copyOfRange(frame, Integer.BYTES, frame.length);
      show("->", text, parsed(text));
    }
    synchronized (socket) {
      socket.getOutputStream().write(frame);
    }
  }

  // ---- between two peers

  /** Connects each peer that dials with the target, until the listener is closed. */
  void between(ServerSocket server, InetSocketAddress target) throws IOException {
    while (true) {
      Socket dialer = server.accept();
      Socket listener = new Socket();
      try {
        listener.connect(target, CONNECT_MILLIS);
      } catch (IOException failed) {
        print("--", "no connection to " + target + ": " + failed.getMessage());
        dialer.close();
        listener.close();
        continue;
      }
      print("--", dialer.getRemoteSocketAddress() + " is connected with " + target);
      start(() -> copy(dialer, listener, "->"), "chronos to listener");
      start(() -> copy(listener, dialer, "<-"), "chronos to dialer");
    }
  }

  private void copy(Socket from, Socket to, String direction) {
    Frames frames = new Frames(direction);
    try {
      InputStream in = from.getInputStream();
      OutputStream forward = to.getOutputStream();
      byte[] buffer = new byte[BUFFER];
      for (int size = in.read(buffer); size >= 0; size = in.read(buffer)) {
        frames.take(buffer, size); // first, so that no response is printed before its request
        forward.write(buffer, 0, size);
      }
      print(direction, "end");
      to.shutdownOutput();
    } catch (Throwable failed) { // one direction ends both
      print(direction, "ends: " + failed.getMessage());
      close(from);
      close(to);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException ignored) {
      // it is closed
    }
  }

  /** Splits what passes into frames; stops at the first length that no frame can have. */
  private final class Frames {
    private final String direction;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();
    private boolean broken;

    /** Bytes of the next frame, its length included. */
    private long wanted = Integer.BYTES;

    Frames(String direction) {
      this.direction = direction;
    }

    void take(byte[] buffer, int size) {
      if (broken) {
        return;
      }
      held.write(buffer, 0, size);
      if (held.size() < wanted) {
        return;
      }
      wanted = Integer.BYTES;
      ByteBuffer bytes = ByteBuffer.wrap(held.toByteArray());
      while (bytes.remaining() >= Integer.BYTES) {
        long length = bytes.getInt(bytes.position()) & 0xFFFFFFFFL;
        if (length < 2 || length > Wire.MAX_FRAME) {
          print(direction, "no frame: a length of " + length + "; the rest is not shown");
          broken = true;
          held.reset();
          return;
        }
        if (bytes.remaining() < Integer.BYTES + length) {
          wanted = Integer.BYTES + length;
          break;
        }
        bytes.getInt();
        byte[] text = new byte[(int) length];
        bytes.get(text);
        show(direction, text, parsed(text));
      }
      held.reset();
      held.write(bytes.array(), bytes.position(), bytes.remaining());
    }
  }

  // ---- what is printed

  private static @Nullable Message parsed(byte[] text) {
    try {
      return Wire.parse(text);
    } catch (IOException malformed) {
      return null;
    }
  }

  private void show(String direction, byte[] text, @Nullable Message message) {
    if (message == null) {
      String shown = new String(text, 0, Math.min(text.length, 200), StandardCharsets.UTF_8);
      print(direction, "malformed, " + text.length + " bytes: " + Message.printable(shown));
    } else if (json) {
      print(direction, Message.printable(message.whole().toString()));
    } else {
      print(direction, describe(message));
    }
  }

  /** Returns a message in one line. */
  static String describe(Message message) {
    StringBuilder line = new StringBuilder(Message.printable(message.code()));
    JsonNode data = message.data();
    if (data.has("block_header")) {
      line.append("  ").append(block(data)).append(", ").append(message.size()).append(" bytes");
    } else if (data.isObject()) {
      data.properties()
          .forEach(
              member ->
                  line.append("  ")
                      .append(Message.printable(member.getKey()))
                      .append(' ')
                      .append(shortened(member.getValue())));
    } else if (!data.isMissingNode()) {
      line.append("  ").append(shortened(data));
    }
    if (message.whole().has("id")) {
      line.append("  id ").append(shortened(message.whole().get("id")));
    }
    return line.toString();
  }

  private static String block(JsonNode data) {
    try {
      BlockText block = BlockText.read(data);
      String stated = block.statedHash();
      String seal = block.signer();
      return "block "
          + block.number()
          + " "
          + block.hash()
          + (stated == null || stated.equalsIgnoreCase(block.hashText())
              ? ""
              : " (the JSON states " + Message.printable(stated) + ")")
          + ", "
          + block.transactions()
          + (block.transactions() == 1 ? " transaction" : " transactions")
          + (seal == null ? "" : ", sealed by " + seal);
    } catch (IllegalArgumentException wrong) {
      return "a wrong block: " + Message.printable(String.valueOf(wrong.getMessage()));
    }
  }

  private static String shortened(JsonNode value) {
    String text = Message.printable(value.isTextual() ? value.asText() : value.toString());
    return text.length() <= 120 ? text : text.substring(0, 120) + "…";
  }

  private void print(String direction, String text) {
    synchronized (out) {
      out.println(LocalTime.now().format(TIME) + " " + direction + " " + text);
    }
  }
}
