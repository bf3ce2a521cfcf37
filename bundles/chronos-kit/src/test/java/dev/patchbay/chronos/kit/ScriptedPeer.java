// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A peer that conforms, except for the faults that it is given. */
final class ScriptedPeer implements AutoCloseable {
  /** What a peer does wrong. */
  enum Fault {
    TEXT_HEIGHT,
    HEIGHT_FALLS,
    WRONG_HEIGHT,
    NO_QUANTITY,
    SILENT_WITHOUT_BLOCK,
    SILENT_ON_KNOWN_BLOCK,
    IMPORTS_ANYTHING,
    IMPORTS_NOTHING,
    ANNOUNCES_TO_SOURCE,
    ANNOUNCES_TWICE,
    ANNOUNCES_NOTHING,
    GETS_KNOWN,
    KNOWS_EVERYTHING,
    SENDS_OTHER_BLOCK,
    CLOSES_AFTER_FOUR,
    NEVER_PULLS,
    CLOSES_ON_KNOWN_PUSH,
    RESPONDS_TO_BLOCK_KNOWN,
    RESPONDS_TO_ERROR,
    NO_ID,
    ANY_GENESIS,
    REFUSES_OWN_GENESIS,
    REFUSES_UNKNOWN_MEMBERS,
    SEVERAL_OF_ADDRESS,
    NO_LENGTH_LIMIT,
    NO_PULL_LIMIT,
    SKIPS_HANDSHAKE,
    LENIENT_JSON,
    SILENT_ON_BAD_DATA,
    UNKNOWN_CODES_STAY,
    TRUSTS_STATED_HASH,
    NO_BODY_CHECK,
    NO_DEADLINES,
    NO_CONNECTION_LIMIT,
    NOT_WELL_AFTER_FLOOD,
    DIALS_SILENTLY,
    NO_KEEP_ALIVE,
    RESPONDS_TO_RESPONSES,
    IGNORES_BLOCK_KNOWN,
    WHOLE_TO_ALL,
    WHOLE_TO_NONE,
    BANS,
    REFUSES_FIRST_ERROR,
    TENTH_CODE_IS_RATE
  }

  private static final int MAX_CONNECTIONS = 25;
  private static final int RATE = 50;
  private static final int FOREVER = 60_000;

  private final ServerSocket server;
  private final Deadlines deadlines;
  private final Set<Fault> faults;
  private final List<Connection> connections = new CopyOnWriteArrayList<>();

  /** Blocks in the order of their import; guarded by itself. */
  private final Map<String, BlockText> blocks = new LinkedHashMap<>();

  private final List<BlockText> canonical = new CopyOnWriteArrayList<>();
  private volatile boolean flooded;
  private volatile boolean banned;

  ScriptedPeer(List<BlockText> chain, Deadlines deadlines, Set<Fault> faults) throws IOException {
    this.deadlines = deadlines;
    this.faults = faults;
    chain.forEach(block -> blocks.put(block.hashText(), block));
    canonical.addAll(chain);
    server = new ServerSocket(0, 1_000, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  InetSocketAddress address() {
    return (InetSocketAddress) server.getLocalSocketAddress();
  }

  private static void start(Runnable body) {
    Thread thread = new Thread(body, "scripted peer");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        if (connections.size() >= MAX_CONNECTIONS && !has(Fault.NO_CONNECTION_LIMIT)
            || flooded && has(Fault.NOT_WELL_AFTER_FLOOD)
            || banned) {
          socket.close();
          continue;
        }
        Connection connection = new Connection(socket, false);
        connections.add(connection);
        start(connection::run);
      }
    } catch (IOException closed) {
      return;
    }
  }

  /** Dials a peer, again and again. */
  void dial(InetSocketAddress target) {
    start(
        () -> {
          try {
            while (!server.isClosed()) {
              Socket socket = new Socket(target.getAddress(), target.getPort());
              Connection connection = new Connection(socket, true);
              connections.add(connection);
              connection.run();
              Thread.sleep(20);
            }
          } catch (IOException | InterruptedException ended) {
            return;
          }
        });
  }

  private boolean has(Fault fault) {
    return faults.contains(fault);
  }

  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;
    private final boolean closes;
    private final transient ObjectNode data;

    Refused(String code, boolean closes) {
      super(code);
      this.closes = closes;
      data = Wire.NODES.objectNode().put("code", code);
    }
  }

  private final class Connection {
    private final Socket socket;
    private final Set<String> known = new HashSet<>();
    private boolean shaken;
    private int handshakes;
    private int unknownCodes;
    private int received;
    private @Nullable String address;

    private final boolean dialed;

    Connection(Socket socket, boolean dialed) {
      this.socket = socket;
      this.dialed = dialed;
    }

    void run() {
      try (socket) {
        if (dialed && !has(Fault.DIALS_SILENTLY)) {
          send("SHAKEHAND", shakehand(), null);
          if (!has(Fault.NO_KEEP_ALIVE)) {
            start(this::keepAlive);
          }
        }
        while (true) {
          byte[] text = read();
          if (++received > RATE) {
            flooded = true;
            Thread.sleep(1_000 / RATE);
          }
          Message message;
          try {
            message = parse(text);
            handle(message);
          } catch (Refused refused) {
            send("ERROR", refused.data, null);
            if (refused.closes) {
              break;
            }
          }
        }
      } catch (Refused refused) {
        try {
          send("ERROR", refused.data, null);
        } catch (IOException closed) {
          return;
        }
      } catch (IOException | InterruptedException ended) {
        return;
      } finally {
        connections.remove(this);
      }
    }

    private void keepAlive() {
      try {
        while (!socket.isClosed()) {
          Thread.sleep(deadlines.handshake());
          send("SHAKEHAND", shakehand(), null);
        }
      } catch (IOException | InterruptedException ended) {
        return;
      }
    }

    private ObjectNode shakehand() {
      long height = canonical.size() - 1L;
      ObjectNode data =
          Wire.NODES
              .objectNode()
              .put("timestamp", System.currentTimeMillis())
              .put("height", has(Fault.HEIGHT_FALLS) ? Math.max(0, height - handshakes) : height)
              .put("address", TestChain.SIGNER);
      return has(Fault.TEXT_HEIGHT) ? data.put("height", "latest") : data;
    }

    // ---- frames

    private byte[] read() throws IOException, Refused {
      long first =
          has(Fault.NO_DEADLINES) ? FOREVER : shaken ? deadlines.silence() : deadlines.handshake();
      byte[] start = read(1, System.nanoTime() + first * 1_000_000);
      long frame =
          has(Fault.NO_DEADLINES) ? FOREVER : shaken ? deadlines.frame() : deadlines.handshake();
      long end = System.nanoTime() + frame * 1_000_000;
      byte[] more = read(3, end);
      long length = ByteBuffer.allocate(4).put(start).put(more).getInt(0) & 0xFFFFFFFFL;
      long limit = shaken ? Wire.MAX_FRAME : 4_096;
      if (length > limit) {
        if (!has(Fault.NO_LENGTH_LIMIT)) {
          throw new Refused("too_large", true);
        }
        length = Math.min(length, Integer.MAX_VALUE / 8);
      }
      if (length < 2) {
        throw new Refused("malformed", true);
      }
      return read((int) length, end);
    }

    private byte[] read(int size, long end) throws IOException, Refused {
      byte[] out = new byte[size];
      InputStream in = socket.getInputStream();
      for (int at = 0; at < size; ) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          throw new Refused("timeout", true);
        }
        socket.setSoTimeout((int) left);
        try {
          int got = in.read(out, at, size - at);
          if (got < 0) {
            throw new EOFException();
          }
          at += got;
        } catch (SocketTimeoutException late) {
          throw new Refused("timeout", true);
        }
      }
      return out;
    }

    private Message parse(byte[] text) throws Refused {
      try {
        if (has(Fault.LENIENT_JSON)) {
          JsonNode whole = new com.fasterxml.jackson.databind.ObjectMapper().readTree(text);
          return new Message(whole.path("code").asText(), whole, text.length);
        }
        Message message = Wire.parse(text);
        boolean isBlock = message.code().equals("NEW_BLOCK") || message.code().equals("PUSH_BLOCK");
        if (text.length > 65_536 && !isBlock && !has(Fault.NO_PULL_LIMIT)) {
          throw new Refused("too_large", true);
        }
        return message;
      } catch (IOException malformed) {
        throw new Refused("malformed", true);
      }
    }

    private void send(String code, JsonNode data, @Nullable Message request) throws IOException {
      ObjectNode whole = Wire.NODES.objectNode().put("code", code);
      whole.set("data", data);
      if (request != null && request.whole().has("id") && !has(Fault.NO_ID)) {
        whole.set("id", request.whole().get("id"));
      }
      synchronized (socket) {
        socket.getOutputStream().write(Wire.frame(whole.toString()));
      }
    }

    private void send(String code, String data, @Nullable Message request) throws IOException {
      send(code, Wire.NODES.textNode(data), request);
    }

    // ---- messages

    private void handle(Message message) throws IOException, Refused {
      String code = message.code();
      JsonNode data = message.data();
      if (!shaken
          && !code.equals("SHAKEHAND")
          && (!code.equals("ERROR") || has(Fault.REFUSES_FIRST_ERROR))
          && !has(Fault.SKIPS_HANDSHAKE)) {
        throw new Refused("handshake", true);
      }
      switch (code) {
        case "SHAKEHAND" -> shaken(message, data);
        case "PULL_BLOCK" -> pulled(message, height(data));
        case "GET_BLOCK" -> got(message, hash(data));
        case "NEW_BLOCK_HASH" -> announced(message, hash(data));
        case "BLOCK_KNOWN" -> {
          String hash = hash(data);
          if (!has(Fault.IGNORES_BLOCK_KNOWN)) {
            known.add(hash);
          }
          if (has(Fault.RESPONDS_TO_BLOCK_KNOWN)) {
            send("BLOCK_KNOWN", data, message);
          }
        }
        case "NEW_BLOCK", "PUSH_BLOCK" -> received(message, data);
        case "ERROR" -> {
          if (has(Fault.RESPONDS_TO_ERROR)) {
            throw new Refused("malformed", false);
          }
        }
        default -> {
          unknownCodes++;
          boolean isTenth = unknownCodes >= 10 && !has(Fault.UNKNOWN_CODES_STAY);
          throw new Refused(
              isTenth && has(Fault.TENTH_CODE_IS_RATE) ? "rate" : "unknown_code", isTenth);
        }
      }
    }

    private void badData() throws Refused {
      if (!has(Fault.SILENT_ON_BAD_DATA)) {
        throw new Refused("bad_data", !shaken);
      }
    }

    private long height(JsonNode data) throws Refused {
      if (data.isIntegralNumber() && data.canConvertToLong() && data.asLong() >= 0) {
        return data.asLong();
      }
      if (!has(Fault.NO_QUANTITY) && data.asText().matches("0x(0|[1-9a-f][0-9a-f]{0,15})")) {
        return Long.decode(data.asText());
      }
      badData();
      return -1;
    }

    private String hash(JsonNode data) throws Refused {
      if (!data.isTextual() || !data.asText().matches("0x[0-9a-f]{64}")) {
        badData();
      }
      return data.asText();
    }

    private void shaken(Message message, JsonNode data) throws IOException, Refused {
      if (!data.path("timestamp").isIntegralNumber()
          || !data.path("address").asText().matches("0x[0-9a-f]{40}")) {
        badData();
      }
      long stated = height(data.path("height"));
      String genesis = canonical.get(0).hashText();
      boolean isSame = data.path("genesis").asText(genesis).equals(genesis);
      if (!isSame && !has(Fault.ANY_GENESIS)
          || data.has("genesis") && isSame && has(Fault.REFUSES_OWN_GENESIS)) {
        throw new Refused("wrong_chain", true);
      }
      if (data.size() != 3 && has(Fault.REFUSES_UNKNOWN_MEMBERS) && !data.has("genesis")) {
        throw new Refused("bad_data", true);
      }
      String own = data.get("address").asText();
      if (!has(Fault.SEVERAL_OF_ADDRESS)
          && connections.stream().anyMatch(one -> one != this && own.equals(one.address))) {
        throw new EOFException("connected");
      }
      address = own;
      shaken = true;
      handshakes++;
      if (has(Fault.CLOSES_AFTER_FOUR) && handshakes > 4) {
        throw new EOFException("four");
      }
      long height = canonical.size() - 1L;
      if (!dialed || has(Fault.RESPONDS_TO_RESPONSES)) {
        send("SHAKEHAND", shakehand(), message);
      }
      if (stated > height && !has(Fault.NEVER_PULLS)) {
        send("PULL_BLOCK", Wire.NODES.numberNode(height + 1), null);
      }
    }

    private void pulled(Message message, long height) throws IOException, Refused {
      if (height < 0) {
        return;
      }
      if (height > Math.max(0, canonical.size() - 2)) {
        if (has(Fault.SILENT_WITHOUT_BLOCK)) {
          return;
        }
        Refused refused = new Refused("not_found", false);
        fail(refused.data.put("height", height), message);
        return;
      }
      int at = (int) height + (has(Fault.WRONG_HEIGHT) && height > 0 ? 1 : 0);
      send("PUSH_BLOCK", canonical.get(at).data(), message);
    }

    private void fail(ObjectNode data, Message message) throws IOException {
      send("ERROR", data, message);
    }

    private void got(Message message, String hash) throws IOException {
      BlockText found;
      synchronized (blocks) {
        found = blocks.get(hash);
      }
      if (found != null) {
        BlockText sent = has(Fault.SENDS_OTHER_BLOCK) ? canonical.get(0) : found;
        known.add(hash);
        send("NEW_BLOCK", sent.data(), message);
      } else if (!has(Fault.SILENT_WITHOUT_BLOCK)) {
        fail(new Refused("not_found", false).data.put("hash", hash), message);
      }
    }

    private void announced(Message message, String hash) throws IOException {
      if (hash.length() != 66) {
        return;
      }
      boolean isKnown;
      synchronized (blocks) {
        isKnown = blocks.containsKey(hash);
      }
      known.add(hash);
      if (has(Fault.KNOWS_EVERYTHING) || isKnown && !has(Fault.GETS_KNOWN)) {
        send("BLOCK_KNOWN", hash, message);
      } else {
        send("GET_BLOCK", hash, message);
      }
    }

    private void received(Message message, JsonNode data) throws IOException, Refused {
      BlockText block;
      try {
        block =
            has(Fault.NO_BODY_CHECK) && data instanceof ObjectNode object
                ? BlockText.header(object)
                : BlockText.read(data);
      } catch (IllegalArgumentException wrong) {
        badData();
        return;
      }
      String hash = block.hashText();
      if (has(Fault.TRUSTS_STATED_HASH) && block.statedHash() != null) {
        hash = block.statedHash();
      }
      boolean isKnown;
      boolean isChild;
      synchronized (blocks) {
        isKnown = blocks.containsKey(hash);
        isChild = blocks.containsKey(block.parentHash().toString());
      }
      known.add(hash);
      if (isKnown) {
        if (has(Fault.CLOSES_ON_KNOWN_PUSH) && message.code().equals("PUSH_BLOCK")) {
          throw new EOFException("known");
        }
        if (!has(Fault.SILENT_ON_KNOWN_BLOCK)) {
          send("BLOCK_KNOWN", hash, message);
        }
        return;
      }
      boolean isValid = isChild && TestChain.SIGNER.equals(block.signer());
      if (!isValid && has(Fault.BANS)) {
        banned = true;
        throw new Refused("invalid_block", true);
      }
      if (has(Fault.IMPORTS_NOTHING)
          || !isValid
              && !has(Fault.IMPORTS_ANYTHING)
              && !has(Fault.NO_BODY_CHECK)
              && !has(Fault.TRUSTS_STATED_HASH)) {
        return;
      }
      synchronized (blocks) {
        blocks.put(hash, block);
      }
      if (isValid && block.number() == canonical.size()) {
        canonical.add(block);
        announce(block);
      }
    }

    private void announce(BlockText block) {
      List<Connection> lacking = new ArrayList<>();
      for (Connection one : connections) {
        if (one.shaken
            && (!one.known.contains(block.hashText())
                || one == this && has(Fault.ANNOUNCES_TO_SOURCE))) {
          lacking.add(one);
        }
      }
      int whole = Math.max(1, (int) Math.sqrt(connections.size()));
      whole = has(Fault.WHOLE_TO_ALL) ? lacking.size() : has(Fault.WHOLE_TO_NONE) ? 0 : whole;
      for (int i = 0; i < lacking.size() && !has(Fault.ANNOUNCES_NOTHING); i++) {
        for (int times = has(Fault.ANNOUNCES_TWICE) ? 2 : 1; times > 0; times--) {
          try {
            if (i < whole) {
              lacking.get(i).send("NEW_BLOCK", block.data(), null);
            } else {
              lacking.get(i).send("NEW_BLOCK_HASH", block.hashText(), null);
            }
          } catch (IOException closed) {
            break;
          }
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Connection one : connections) {
      one.socket.close();
    }
  }
}
