// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static dev.patchbay.chronos.kit.Kit.check;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.chronos.kit.Case.Failed;
import dev.patchbay.primitives.Hex;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cases of peers that break the protocol. After each, the peer under test must serve others.
 */
final class Hostile {
  private static final int FIRST_FRAME = 4 * 1024;
  private static final int FRAME = 64 * 1024;
  private static final int FLOOD = 20_000;
  private static final int CONNECTIONS = 1_000;
  private static final int UNKNOWN_CODES = 10;

  private Hostile() {}

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    cases.add(of("frame of 0 bytes", kit -> refused(kit, bytes(0), "malformed")));
    cases.add(of("frame of 1 byte", kit -> refused(kit, join(bytes(1), "{"), "malformed")));
    cases.add(of("length 2^32-1, nothing follows", kit -> refused(kit, bytes(-1), "too_large")));
    cases.add(of("length 2^31, nothing follows", kit -> refused(kit, bytes(1 << 31), "too_large")));
    cases.add(
        of(
            "length of 8 MiB + 1, nothing follows",
            kit -> refused(kit, bytes(Wire.MAX_FRAME + 1), "too_large")));
    cases.add(of("before SHAKEHAND: length of 4 KiB + 1", Hostile::longFirst));
    cases.add(of("PULL_BLOCK of more than 64 KiB", Hostile::longPull));
    cases.add(of("before SHAKEHAND: PULL_BLOCK", Hostile::pullFirst));
    cases.add(of("before SHAKEHAND: random bytes", Hostile::randomFirst));
    cases.add(of("before SHAKEHAND: an HTTP request", Hostile::httpFirst));
    text(cases, "not JSON", "hello, world");
    text(cases, "an array", "[1,2,3]");
    text(cases, "a string", "\"PULL_BLOCK\"");
    text(cases, "no code", "{\"data\":1}");
    text(cases, "code is a number", "{\"code\":7,\"data\":1}");
    text(cases, "code twice", "{\"code\":\"PULL_BLOCK\",\"code\":\"GET_BLOCK\",\"data\":0}");
    text(cases, "data twice", "{\"code\":\"PULL_BLOCK\",\"data\":0,\"data\":1}");
    text(
        cases,
        "a key twice inside",
        "{\"code\":\"PULL_BLOCK\",\"data\":0,\"x\":{\"a\":1,\"a\":2}}");
    text(cases, "33 levels", deep(33));
    text(cases, "30,000 levels", deep(30_000));
    text(cases, "30,000 open brackets", "{\"code\":\"PULL_BLOCK\",\"data\":" + "[".repeat(30_000));
    text(cases, "a second object behind", "{\"code\":\"PULL_BLOCK\",\"data\":0}{}");
    text(cases, "NaN", "{\"code\":\"PULL_BLOCK\",\"data\":NaN}");
    text(cases, "a comment", "{\"code\":\"PULL_BLOCK\",/* */\"data\":0}");
    text(cases, "a trailing comma", "{\"code\":\"PULL_BLOCK\",\"data\":0,}");
    text(cases, "single quotes", "{'code':'PULL_BLOCK','data':0}");
    text(cases, "a number with a leading zero", "{\"code\":\"PULL_BLOCK\",\"data\":00}");
    cases.add(of("JSON: not UTF-8", Hostile::notUtf8));
    cases.add(of("JSON: UTF-16", Hostile::utf16));
    data(cases, "PULL_BLOCK", "-1");
    data(cases, "PULL_BLOCK", "1.5");
    data(cases, "PULL_BLOCK", "1e400");
    data(cases, "PULL_BLOCK", "9".repeat(60_000));
    data(cases, "PULL_BLOCK", "\"0x" + "f".repeat(60_000) + "\"");
    data(cases, "PULL_BLOCK", "null");
    data(cases, "PULL_BLOCK", "{}");
    data(cases, "GET_BLOCK", "\"0x12\"");
    data(cases, "GET_BLOCK", "\"" + "z".repeat(66) + "\"");
    data(cases, "NEW_BLOCK_HASH", "[]");
    data(cases, "BLOCK_KNOWN", "7");
    data(cases, "NEW_BLOCK", "{}");
    data(cases, "NEW_BLOCK", "{\"block_header\":{},\"transactions\":[]}");
    data(cases, "PUSH_BLOCK", "{\"block_header\":[],\"transactions\":{}}");
    for (String wrong :
        List.of(
            "{}",
            "{\"timestamp\":\"now\",\"height\":0,\"address\":\"0x00\"}",
            "{\"timestamp\":1,\"height\":-1,\"address\":\"0x" + "0".repeat(40) + "\"}",
            "{\"timestamp\":1,\"height\":0,\"address\":\"0x12\"}",
            "[]")) {
      cases.add(of("SHAKEHAND with data " + wrong, kit -> wrongShakehand(kit, wrong)));
    }
    cases.add(of("unknown codes: ERROR, the tenth in 60 s closes", Hostile::unknownCodes));
    cases.add(of("blocks: a false hash in the JSON", Hostile::falseHash));
    cases.add(mayBan("blocks: corrupted in each member", Hostile::corrupted));
    cases.add(
        mayBan("blocks: transactions of another block, as objects", Hostile::wrongTransactions));
    cases.add(slow("silent from the start", Hostile::silentFirst));
    cases.add(slow("silent after SHAKEHAND", Hostile::silentLater));
    cases.add(slow("one byte a second before SHAKEHAND", Hostile::slowFirst));
    cases.add(slow("one byte a second after SHAKEHAND", Hostile::slowLater));
    cases.add(
        slow(
            "flood of PULL_BLOCK, responses not read",
            kit -> flood(kit, "PULL_BLOCK", "0", false)));
    cases.add(
        slow("flood of PULL_BLOCK, responses read", kit -> flood(kit, "PULL_BLOCK", "0", true)));
    cases.add(
        slow(
            "flood of SHAKEHAND",
            kit -> flood(kit, "SHAKEHAND", kit.handshake(0).toString(), true)));
    cases.add(slow("flood of NEW_BLOCK_HASH of unknown blocks", Hostile::floodOfHashes));
    cases.add(slow("1,000 connections", Hostile::connections));
    return cases;
  }

  private static Case of(String name, Case.Body body) {
    return hostile(name, 90_000, false, body);
  }

  private static Case mayBan(String name, Case.Body body) {
    return hostile(name, 90_000, true, body);
  }

  private static Case slow(String name, Case.Body body) {
    return hostile(name, 180_000, false, body);
  }

  private static Case hostile(String name, long millis, boolean mayBan, Case.Body body) {
    return new Case(
        "hostile " + name,
        millis,
        mayBan,
        kit -> {
          body.run(kit);
          kit.closeLinks();
          kit.checkWell();
        });
  }

  private static void text(List<Case> cases, String name, String text) {
    cases.add(of("JSON: " + name, kit -> refused(kit, Wire.frame(text), "malformed")));
  }

  /** Adds a case of data of the wrong form: it may close the connection, or be an error. */
  private static void data(List<Case> cases, String code, String data) {
    String shown = data.length() <= 30 ? data : data.substring(0, 20) + "… (" + data.length() + ")";
    cases.add(of(code + " with data " + shown, kit -> wrongData(kit, code, data)));
  }

  private static byte[] bytes(int length) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(length).array();
  }

  private static byte[] join(byte[] first, String text) {
    byte[] second = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
  }

  /** Returns a message with as many levels, the message itself included. */
  private static String deep(int levels) {
    return "{\"code\":\"PULL_BLOCK\",\"data\":0,\"x\":"
        + "[".repeat(levels - 1)
        + "]".repeat(levels - 1)
        + "}";
  }

  /** Sends bytes after a handshake, which the peer must refuse at once. */
  private static void refused(Kit kit, byte[] bytes, @Nullable String error) throws Exception {
    Link link = kit.ready(0);
    refused(kit, link, bytes, error);
  }

  private static void refused(Kit kit, Link link, byte[] bytes, @Nullable String error)
      throws Exception {
    int mark = link.mark();
    link.sendRaw(bytes);
    kit.checkCloses(link, mark, kit.deadlines.response(), error);
    for (Message message : link.since(mark)) {
      check(
          !message.code().equals("PUSH_BLOCK") && !message.code().equals("SHAKEHAND"),
          "it was served: " + message.shown());
    }
  }

  private static void longFirst(Kit kit) throws Exception {
    refused(kit, kit.dial(), bytes(FIRST_FRAME + 1), "too_large");
  }

  private static void longPull(Kit kit) throws Exception {
    String text = "{\"code\":\"PULL_BLOCK\",\"data\":0,\"x\":\"" + "x".repeat(FRAME) + "\"}";
    refused(kit, Wire.frame(text), "too_large");
  }

  private static void pullFirst(Kit kit) throws Exception {
    refused(kit, kit.dial(), Wire.message("PULL_BLOCK", Wire.NODES.numberNode(0)), null);
  }

  private static void randomFirst(Kit kit) throws Exception {
    Link link = kit.dial();
    byte[] noise = new byte[2_000];
    new java.util.Random(7).nextBytes(noise);
    noise[0] = 0;
    noise[1] = 0;
    noise[2] = 2;
    refused(kit, link, noise, "malformed");
  }

  private static void httpFirst(Kit kit) throws Exception {
    byte[] request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    refused(kit, kit.dial(), request, "too_large");
  }

  private static void notUtf8(Kit kit) throws Exception {
    byte[] text =
        "{\"code\":\"PULL_BLOCK\",\"data\":0,\"x\":\"??\"}".getBytes(StandardCharsets.UTF_8);
    text[text.length - 4] = (byte) 0xC0;
    text[text.length - 3] = (byte) 0x80;
    refused(kit, Wire.frame(text), "malformed");
  }

  private static void utf16(Kit kit) throws Exception {
    byte[] text = "{\"code\":\"PULL_BLOCK\",\"data\":0}".getBytes(StandardCharsets.UTF_16BE);
    refused(kit, Wire.frame(text), "malformed");
  }

  private static void wrongData(Kit kit, String code, String data) throws Exception {
    Link link = kit.ready(0);
    int mark = link.mark();
    link.sendRaw(Wire.frame("{\"code\":\"" + code + "\",\"data\":" + data + "}"));
    Message error = link.await(mark, m -> m.code().equals("ERROR"), kit.deadlines.response());
    check(
        error != null || link.awaitEnd(1),
        "neither an ERROR nor the end of the connection; " + link.shownSince(mark));
    for (Message message : link.since(mark)) {
      check(
          !message.code().equals("PUSH_BLOCK") && !message.code().equals("GET_BLOCK"),
          "it was served: " + message.shown());
    }
  }

  private static void wrongShakehand(Kit kit, String data) throws Exception {
    refused(kit, kit.dial(), Wire.frame("{\"code\":\"SHAKEHAND\",\"data\":" + data + "}"), null);
  }

  private static void unknownCodes(Kit kit) throws Exception {
    Link link = kit.ready(0);
    int mark = link.mark();
    link.send("shakehand", kit.handshake(link, 0));
    Message error = kit.expect(link, mark, "ERROR unknown_code", m -> m.code().equals("ERROR"));
    check(error.isError("unknown_code"), "ERROR is not unknown_code: " + error.shown());
    kit.checkServes(link);
    for (int i = 1; i < UNKNOWN_CODES; i++) {
      try {
        link.send("SOMETHING_" + i, "x");
      } catch (IOException closed) {
        break;
      }
    }
    kit.checkCloses(link, mark, kit.deadlines.response(), "unknown_code");
  }

  private static void corrupted(Kit kit) throws Exception {
    BlockText block = kit.latest(kit.ready(0));
    kit.closeLinks();
    String other = "0x" + "5a".repeat(32);
    String extra = block.member("extraData");
    List<ObjectNode> wrong = new ArrayList<>();
    for (String member : List.of("parentHash", "stateRoot", "receiptsRoot", "mixHash")) {
      wrong.add(block.with(member, other));
    }
    wrong.add(block.with("miner", "0x" + "5a".repeat(20)));
    wrong.add(block.with("logsBloom", "0x" + "5a".repeat(256)));
    wrong.add(block.with("nonce", "0x5a5a5a5a5a5a5a5a"));
    for (String member : List.of("difficulty", "number", "gasLimit", "gasUsed", "timestamp")) {
      wrong.add(block.with(member, oneMore(block, member)));
    }
    wrong.add(block.with("extraData", "0x"));
    wrong.add(block.with("extraData", flip(extra, extra.length() - 60)));
    wrong.add(block.with("extraData", extra.substring(0, extra.length() - 2) + "05"));
    if (block.data().path("block_header").has("baseFeePerGas")) {
      wrong.add(block.with("baseFeePerGas", "0x5a5a5a"));
    }
    for (ObjectNode data : wrong) {
      String hash = BlockText.header(data).hashText();
      for (String code : List.of("NEW_BLOCK", "PUSH_BLOCK")) {
        Link link = kit.ready(0);
        int mark = link.mark();
        link.send(code, data);
        Message known = link.await(mark, m -> m.is("BLOCK_KNOWN", hash), kit.deadlines.quiet() / 4);
        check(known == null, "BLOCK_KNOWN for a corrupted block: " + data.get("block_header"));
        check(link.violation() == null, String.valueOf(link.violation()));
        kit.closeLinks();
      }
    }
    for (ObjectNode data : wrong) {
      kit.checkUnknown(BlockText.header(data).hashText());
    }
  }

  /** Returns another value of a quantity than a block has. */
  private static String oneMore(BlockText block, String member) {
    return Hex.quantity(Long.decode(block.member(member)) + 1);
  }

  private static String flip(String hex, int at) {
    return hex.substring(0, at) + (hex.charAt(at) == '0' ? '1' : '0') + hex.substring(at + 1);
  }

  /** A known block under another hash: that of its header counts, or the block is refused. */
  private static void falseHash(Kit kit) throws Exception {
    Link link = kit.ready(0);
    BlockText block = kit.latest(link);
    String other = kit.unknownHash();
    int mark = link.mark();
    link.send("NEW_BLOCK", block.with("hash", other));
    Message reply =
        link.await(
            mark,
            m -> m.code().equals("BLOCK_KNOWN") || m.code().equals("ERROR"),
            kit.deadlines.response());
    check(
        reply != null
            && (reply.code().equals("ERROR") || reply.is("BLOCK_KNOWN", block.hashText())),
        "neither BLOCK_KNOWN with the hash of the header nor ERROR; " + link.shownSince(mark));
    kit.checkUnknown(other);
  }

  private static void wrongTransactions(Kit kit) throws Exception {
    BlockText block = kit.latest(kit.ready(0));
    ObjectNode more = block.data().deepCopy();
    more.withArray("transactions").add("0xc0");
    ObjectNode objects = block.data().deepCopy();
    objects.putArray("transactions").addObject().put("hash", block.hashText());
    for (ObjectNode data : List.of(more, objects)) {
      // another header, so that the block is not known
      ((ObjectNode) data.get("block_header")).put("gasUsed", oneMore(block, "gasUsed"));
      Link link = kit.ready(0);
      int mark = link.mark();
      link.send("NEW_BLOCK", data);
      link.await(mark, m -> m.code().equals("ERROR"), kit.deadlines.quiet());
      check(
          link.since(mark).stream().noneMatch(m -> m.code().equals("BLOCK_KNOWN")),
          "BLOCK_KNOWN for a block with a wrong body");
      kit.checkUnknown(BlockText.header(data).hashText());
      kit.closeLinks();
    }
  }

  private static void silentFirst(Kit kit) throws Exception {
    Link link = kit.dial();
    kit.checkCloses(link, 0, kit.deadlines.handshake() + kit.deadlines.slack(), null);
  }

  private static void silentLater(Kit kit) throws Exception {
    Link link = kit.ready(0);
    kit.checkCloses(link, link.mark(), kit.deadlines.silence() + kit.deadlines.slack(), null);
  }

  private static void slowFirst(Kit kit) throws Exception {
    slow(kit, kit.dial(), kit.deadlines.handshake());
  }

  private static void slowLater(Kit kit) throws Exception {
    slow(kit, kit.ready(0), kit.deadlines.frame());
  }

  /** Sends a frame byte by byte; the deadline of the frame is total. */
  private static void slow(Kit kit, Link link, long deadline) throws Exception {
    byte[] frame = Wire.message("SHAKEHAND", kit.handshake(0));
    int mark = link.mark();
    long step = Math.max(10, kit.deadlines.quiet());
    long until = System.nanoTime() + (deadline + kit.deadlines.slack()) * 1_000_000;
    for (int at = 0; System.nanoTime() < until && link.isOpen(); at++) {
      try {
        link.sendRaw(new byte[] {frame[Math.min(at, frame.length - 2)]});
      } catch (IOException closed) {
        break;
      }
      link.awaitEnd(step);
    }
    check(
        link.awaitEnd(kit.deadlines.slack()),
        "open after " + (deadline + kit.deadlines.slack()) + " ms; " + link.shownSince(mark));
  }

  /** Sends as fast as the peer reads; it slows the sender, or ends the connection. */
  private static void flood(Kit kit, String code, String data, boolean reads) throws Exception {
    byte[] one = Wire.frame("{\"code\":\"" + code + "\",\"data\":" + data + "}");
    ByteBuffer many = ByteBuffer.allocate(one.length * 100);
    while (many.hasRemaining()) {
      many.put(one);
    }
    floodWith(kit, many.array(), FLOOD / 100, reads);
  }

  private static void floodOfHashes(Kit kit) throws Exception {
    ByteBuffer many = ByteBuffer.allocate(100 * 128);
    for (int i = 0; i < 100; i++) {
      many.put(Wire.message("NEW_BLOCK_HASH", Wire.NODES.textNode(kit.unknownHash())));
    }
    byte[] bytes = new byte[many.position()];
    many.flip().get(bytes);
    floodWith(kit, bytes, FLOOD / 100, true);
  }

  private static void floodWith(Kit kit, byte[] part, int times, boolean reads) throws Exception {
    try (Socket socket = kit.socket()) {
      OutputStream out = socket.getOutputStream();
      out.write(Wire.message("SHAKEHAND", kit.handshake(0)));
      Thread sender =
          new Thread(
              () -> {
                try {
                  for (int i = 0; i < times; i++) {
                    out.write(part);
                  }
                } catch (Throwable ended) { // the peer closed, or the case has ended
                  return;
                }
              },
              "chronos flood");
      sender.setDaemon(true);
      sender.start();
      long end = System.nanoTime() + 5 * kit.deadlines.quiet() * 1_000_000;
      socket.setSoTimeout((int) Math.max(1, kit.deadlines.quiet()));
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[64 * 1024];
      while (System.nanoTime() < end) {
        if (!reads) {
          Thread.sleep(kit.deadlines.quiet());
          continue;
        }
        try {
          if (in.read(buffer) < 0) {
            break;
          }
        } catch (SocketTimeoutException quiet) {
          continue;
        } catch (IOException closed) {
          break;
        }
      }
      // while this connection is flooded, another one is served
      try (Link other = kit.ready(0)) {
        kit.genesis(other);
      } catch (IOException | Failed failed) {
        throw new Failed("another connection is not served meanwhile: " + failed.getMessage());
      }
    }
  }

  private static void connections(Kit kit) throws Exception {
    List<Link> open = new ArrayList<>();
    int refused = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
      try {
        Link link = kit.dial();
        link.send("SHAKEHAND", kit.handshake(link, 0));
        open.add(link);
      } catch (IOException refusedOne) {
        refused++;
      }
    }
    int served = 0;
    for (Link link : open) {
      if (link.await(0, m -> m.code().equals("SHAKEHAND"), kit.deadlines.quiet() / 10) != null
          && link.isOpen()) {
        served++;
      }
    }
    check(
        served <= kit.maxConnections,
        served
            + " of "
            + CONNECTIONS
            + " connections are served, the limit is "
            + kit.maxConnections
            + "; "
            + refused
            + " were refused");
  }
}
