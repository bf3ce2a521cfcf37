// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static dev.patchbay.chronos.kit.Kit.check;
import static dev.patchbay.chronos.kit.Kit.skip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The cases of the table of codes. The kit sends nothing beyond the seed in those of {@code server}
 * and {@code client}, which name the role of the peer under test; those of {@code option} send the
 * members that docs/chronos.md adds.
 */
final class Conformance {
  private static final long MILLIS = 60_000;
  private static final int SAMPLE = 8;

  /**
   * Connections of the case of the square root; its root stays 3 with six connections of others.
   */
  private static final int BROADCAST = 9;

  /** Connections that a peer serves of one IP address. */
  private static final int MAX_OF_ADDRESS = 3;

  /** Time in milliseconds in which the peer must seal a block. */
  private static final long SEALING_MILLIS = 15_000;

  private Conformance() {}

  static List<Case> cases() {
    return List.of(
        of("server SHAKEHAND: response in the same form", Conformance::shakehand),
        of("server SHAKEHAND: repeated, changes nothing", Conformance::repeated),
        of("server PULL_BLOCK: PUSH_BLOCK with the block of the height", Conformance::pulls),
        of("server PULL_BLOCK: the height as a quantity", Conformance::pullsByQuantity),
        of("server PULL_BLOCK: ERROR not_found above the head", Conformance::pullsTooHigh),
        of("server NEW_BLOCK: BLOCK_KNOWN for a known block", Conformance::knownBlock),
        mayBan("server NEW_BLOCK: a wrong block is not imported", Conformance::wrongNewBlock),
        of("server NEW_BLOCK: a genuine block is imported", Conformance::genuineNewBlock),
        of("server NEW_BLOCK: relayed once to peers that lack it", Conformance::relayed),
        of("server NEW_BLOCK_HASH: BLOCK_KNOWN for a known block", Conformance::knownHash),
        of("server NEW_BLOCK_HASH: GET_BLOCK for an unknown one", Conformance::unknownHash),
        of("server GET_BLOCK: NEW_BLOCK with the block of the hash", Conformance::gets),
        of("server GET_BLOCK: ERROR not_found for an unknown one", Conformance::getsUnknown),
        of("client SHAKEHAND: repeated by the kit, keeps the connection", Conformance::keptAlive),
        of("client PULL_BLOCK: sent to a peer with more blocks", Conformance::pullsFromUs),
        of("client PUSH_BLOCK: a genuine block is imported", Conformance::genuinePushBlock),
        mayBan("client PUSH_BLOCK: a wrong block is not imported", Conformance::wrongPushBlock),
        of("client PUSH_BLOCK: a known block does no harm", Conformance::knownPushBlock),
        of("client NEW_BLOCK: a new block is announced once to each peer", Conformance::announces),
        of("client NEW_BLOCK_HASH: its block is sent on GET_BLOCK", Conformance::sendsAnnounced),
        of("client NEW_BLOCK: to the square root, the hash to others", Conformance::squareRoot),
        of("client BLOCK_KNOWN: no response", Conformance::blockKnown),
        of("client BLOCK_KNOWN: the block is not announced", Conformance::notAnnounced),
        of("client ERROR: no response", Conformance::error),
        of("client ERROR: accepted before SHAKEHAND", Conformance::firstError),
        of("option id: echoed in responses", Conformance::id),
        of("option chain: the own chain is accepted", Conformance::sameChain),
        of("option chain: another genesis is refused", Conformance::otherGenesis),
        of("option members: unknown ones are ignored", Conformance::unknownMembers),
        of("option address: one connection for each", Conformance::oneOfAddress));
  }

  private static Case of(String name, Case.Body body) {
    return new Case(name, MILLIS, false, body);
  }

  private static Case mayBan(String name, Case.Body body) {
    return new Case(name, MILLIS, true, body);
  }

  private static void shakehand(Kit kit) throws Exception {
    Link link = kit.ready(0);
    check(link.violation() == null, String.valueOf(link.violation()));
  }

  private static void repeated(Kit kit) throws Exception {
    Link link = kit.dial();
    JsonNode first = kit.shake(link, 0);
    long height = Kit.height(first);
    for (int i = 0; i < 3; i++) {
      JsonNode next = kit.shake(link, 0);
      check(next.path("address").equals(first.path("address")), "the address changes: " + next);
      check(Kit.height(next) >= height, "the height falls: " + next);
      height = Kit.height(next);
    }
  }

  private static void pulls(Kit kit) throws Exception {
    Link link = kit.ready(0);
    BlockText genesis = kit.genesis(link);
    List<BlockText> blocks = kit.confirmed(link, 0, SAMPLE);
    check(blocks.get(0).hash().equals(genesis.hash()), "block 0 changes");
    long latest = kit.latest(link).number();
    kit.confirmed(link, Math.max(0, latest - SAMPLE + 1), SAMPLE);
  }

  private static void pullsByQuantity(Kit kit) throws Exception {
    Link link = kit.ready(0);
    int mark = link.mark();
    link.send("PULL_BLOCK", "0x0");
    Message reply = kit.expect(link, mark, "PUSH_BLOCK", m -> m.code().equals("PUSH_BLOCK"));
    check(Kit.block(reply).number() == 0, "another block than 0");
  }

  private static void pullsTooHigh(Kit kit) throws Exception {
    Link link = kit.ready(0);
    Message reply = kit.pull(link, Kit.FAR);
    check(reply.isError("not_found"), "a block of the height " + Kit.FAR + ": " + reply.shown());
    check(Kit.height(reply.data()) == Kit.FAR, "ERROR without the height: " + reply.shown());
    kit.checkServes(link);
  }

  private static void knownBlock(Kit kit) throws Exception {
    Link link = kit.ready(0);
    BlockText block = kit.latest(link);
    int mark = link.mark();
    link.send("NEW_BLOCK", block.data());
    kit.expect(link, mark, "BLOCK_KNOWN", m -> m.is("BLOCK_KNOWN", block.hashText()));
    kit.checkServes(link);
  }

  private static void wrongNewBlock(Kit kit) throws Exception {
    Link observer = kit.ready(0);
    Link link = kit.ready(0);
    BlockText parent = kit.latest(link);
    ObjectNode wrong = kit.wrongChild(parent, parent.number() + 1);
    String hash = BlockText.header(wrong).hashText();
    int mark = link.mark();
    link.send("NEW_BLOCK", wrong);
    Message known = link.await(mark, m -> m.is("BLOCK_KNOWN", hash), kit.deadlines.quiet());
    check(known == null, "BLOCK_KNOWN for a block that no signer sealed");
    kit.checkUnknown(observer, hash);
  }

  private static void genuineNewBlock(Kit kit) throws Exception {
    Link link = kit.ready(0);
    BlockText next = next(kit, link);
    link.send("NEW_BLOCK", next.data());
    awaitKnown(kit, link, next);
  }

  private static void relayed(Kit kit) throws Exception {
    Link sender = kit.ready(0);
    BlockText next = next(kit, sender);
    Link other = kit.ready(0);
    int mark = other.mark();
    int own = sender.mark();
    sender.send("NEW_BLOCK", next.data());
    kit.expect(other, mark, "announcement of the block", m -> announces(m, next.hashText()));
    Thread.sleep(kit.deadlines.quiet());
    check(count(other, mark, next.hashText()) == 1, "announced twice; " + other.shownSince(mark));
    check(
        count(sender, own, next.hashText()) == 0,
        "announced to the peer that it came from; " + sender.shownSince(own));
  }

  private static void knownHash(Kit kit) throws Exception {
    Link link = kit.ready(0);
    String hash = kit.latest(link).hashText();
    int mark = link.mark();
    link.send("NEW_BLOCK_HASH", hash);
    kit.expect(link, mark, "BLOCK_KNOWN", m -> m.is("BLOCK_KNOWN", hash));
  }

  private static void unknownHash(Kit kit) throws Exception {
    Link link = kit.ready(0);
    String hash = kit.unknownHash();
    int mark = link.mark();
    link.send("NEW_BLOCK_HASH", hash);
    kit.expect(link, mark, "GET_BLOCK", m -> m.is("GET_BLOCK", hash));
    kit.checkServes(link);
  }

  private static void gets(Kit kit) throws Exception {
    Link link = kit.ready(0);
    String hash = kit.latest(link).hashText();
    int mark = link.mark();
    link.send("GET_BLOCK", hash);
    Message reply = kit.expect(link, mark, "NEW_BLOCK", Conformance::isBlock);
    check(Kit.block(reply).hashText().equals(hash), "another block than " + hash);
  }

  private static boolean isBlock(Message message) {
    return message.code().equals("NEW_BLOCK");
  }

  private static void getsUnknown(Kit kit) throws Exception {
    Link link = kit.ready(0);
    String hash = kit.unknownHash();
    int mark = link.mark();
    link.send("GET_BLOCK", hash);
    Message reply = kit.expect(link, mark, "ERROR not_found", m -> m.isError("not_found"));
    check(
        reply.data().path("hash").asText().equalsIgnoreCase(hash),
        "ERROR without the hash: " + reply.shown());
    kit.checkServes(link);
  }

  private static void keptAlive(Kit kit) throws Exception {
    Link link = kit.ready(0);
    long step = Math.min(kit.deadlines.handshake(), kit.deadlines.silence() / 3);
    for (long waited = 0; waited <= kit.deadlines.silence() + step; waited += step) {
      Thread.sleep(step);
      kit.shake(link, 0);
    }
  }

  private static void pullsFromUs(Kit kit) throws Exception {
    Link link = kit.dial();
    long own = Kit.height(kit.shake(link, 0));
    int mark = link.mark();
    kit.shake(link, own + Kit.FAR);
    Message pull = awaitPull(kit, link, mark);
    JsonNode height = pull.data();
    check(
        height.isIntegralNumber() && height.asLong() >= 0 && height.asLong() <= own + Kit.FAR
            || height.asText().matches("0x(0|[1-9a-fA-F][0-9a-fA-F]*)"),
        "PULL_BLOCK of no height: " + pull.shown());
    kit.shake(link, own);
  }

  private static Message awaitPull(Kit kit, Link link, int mark) throws Exception {
    Message pull =
        link.await(mark, m -> m.code().equals("PULL_BLOCK"), 3 * kit.deadlines.response());
    check(pull != null, "no PULL_BLOCK; " + link.shownSince(mark));
    return java.util.Objects.requireNonNull(pull);
  }

  private static void genuinePushBlock(Kit kit) throws Exception {
    Link link = kit.ready(0);
    BlockText next = next(kit, link);
    int mark = link.mark();
    kit.shake(link, next.number());
    Message pull = awaitPull(kit, link, mark);
    check(height(pull) <= next.number(), "PULL_BLOCK above the height: " + pull.shown());
    List<BlockText> served = new ArrayList<>(List.of(next));
    Link other = kit.ready(0);
    BlockText parent = parent(kit, other, next);
    if (parent != null) {
      served.add(parent);
    }
    long until = System.nanoTime() + kit.deadlines.response() * 4_000_000;
    int at = mark;
    while (!kit.has(other, next.hashText())) {
      check(System.nanoTime() < until, "the block was not imported; " + link.shownSince(mark));
      List<Message> news = link.since(at);
      at += news.size();
      for (Message message : news) {
        serve(link, message, served);
      }
      Thread.sleep(kit.deadlines.quiet() / 10);
    }
  }

  private static @Nullable BlockText parent(Kit kit, Link link, BlockText block) throws Exception {
    int mark = link.mark();
    link.send("GET_BLOCK", block.parentHash().toString());
    Message reply = kit.expect(link, mark, "the parent", m -> isBlock(m) || m.isError("not_found"));
    return isBlock(reply) ? Kit.block(reply) : null;
  }

  /** Serves blocks as a peer of the seed does, which does not respond for one that it lacks. */
  private static void serve(Link link, Message message, List<BlockText> blocks) throws IOException {
    for (BlockText block : blocks) {
      if (message.code().equals("PULL_BLOCK") && height(message) == block.number()) {
        link.send("PUSH_BLOCK", block.data());
      } else if (message.is("GET_BLOCK", block.hashText())) {
        link.send("NEW_BLOCK", block.data());
      }
    }
  }

  private static long height(Message pull) {
    JsonNode data = pull.data();
    return data.isTextual() ? Long.decode(data.asText()) : data.asLong();
  }

  private static void wrongPushBlock(Kit kit) throws Exception {
    Link observer = kit.ready(0);
    Link link = kit.dial();
    long own = Kit.height(kit.shake(link, 0));
    BlockText parent = kit.latest(link);
    int mark = link.mark();
    kit.shake(link, own + Kit.FAR);
    Message pull = awaitPull(kit, link, mark);
    ObjectNode wrong = kit.wrongChild(parent, Math.max(parent.number() + 1, height(pull)));
    link.send("PUSH_BLOCK", wrong);
    Thread.sleep(kit.deadlines.quiet());
    kit.checkUnknown(observer, BlockText.header(wrong).hashText());
  }

  private static void knownPushBlock(Kit kit) throws Exception {
    Link link = kit.ready(0);
    link.send("PUSH_BLOCK", kit.latest(link).data());
    kit.checkServes(link);
  }

  private static void announces(Kit kit) throws Exception {
    List<Link> links = List.of(kit.ready(0), kit.ready(0));
    String hash = awaitAnnouncement(kit, links.get(0));
    kit.expect(links.get(1), 0, "announcement of " + hash, m -> announces(m, hash));
    Thread.sleep(kit.deadlines.quiet());
    for (Link link : links) {
      check(count(link, 0, hash) == 1, "announced more than once; " + link.shownSince(0));
      check(link.violation() == null, String.valueOf(link.violation()));
      Set<String> seen = new HashSet<>();
      for (Message message : link.since(0)) {
        String announced = announced(message);
        check(announced == null || seen.add(announced), "announced twice: " + announced);
      }
    }
  }

  private static void sendsAnnounced(Kit kit) throws Exception {
    Link link = kit.ready(0);
    link.acknowledgeNothing();
    String hash = awaitAnnouncement(kit, link);
    int mark = link.mark();
    link.send("GET_BLOCK", hash);
    Message reply = kit.expect(link, mark, "NEW_BLOCK", Conformance::isBlock);
    check(Kit.block(reply).hashText().equals(hash), "another block than " + hash);
  }

  /** Waits for a block that the peer seals, or sends it one that it lacks; skips without one. */
  private static String awaitAnnouncement(Kit kit, Link link) throws Exception {
    JsonNode before = kit.shake(link, 0);
    Link sender = kit.ready(0);
    for (BlockText block : kit.further) {
      if (!kit.has(sender, block.hashText())) {
        sender.send("NEW_BLOCK", block.data());
        break;
      }
    }
    long until = System.nanoTime() + Math.min(SEALING_MILLIS, kit.deadlines.frame()) * 1_000_000;
    while (System.nanoTime() < until) {
      Message found =
          link.await(0, m -> announced(m) != null, Math.min(1_000, kit.deadlines.quiet()));
      if (found != null) {
        return java.util.Objects.requireNonNull(announced(found));
      }
      JsonNode now = kit.shake(link, 0);
      if (Kit.height(now) > Kit.height(before)) {
        found = link.await(0, m -> announced(m) != null, kit.deadlines.response());
        check(
            found != null,
            "the head of the peer rises, and no block is announced; " + link.shownSince(0));
      }
    }
    skip("the peer gets no new block in time");
    return "";
  }

  /** Returns the hash that a message announces; null when it announces none. */
  private static @Nullable String announced(Message message) {
    if (message.code().equals("NEW_BLOCK_HASH")) {
      return message.data().asText();
    }
    try {
      return isBlock(message) ? BlockText.read(message.data()).hashText() : null;
    } catch (IllegalArgumentException wrong) {
      return null; // reported by the link
    }
  }

  private static boolean announces(Message message, String hash) {
    return hash.equals(announced(message));
  }

  private static long count(Link link, int mark, String hash) {
    return link.since(mark).stream().filter(m -> announces(m, hash)).count();
  }

  private static void blockKnown(Kit kit) throws Exception {
    Link link = kit.ready(0);
    checkNoResponse(kit, link, "BLOCK_KNOWN", Wire.NODES.textNode(kit.latest(link).hashText()));
    checkNoResponse(kit, link, "BLOCK_KNOWN", Wire.NODES.textNode(kit.unknownHash()));
  }

  /** A block that this connection was said to know is announced to another one only. */
  private static void notAnnounced(Kit kit) throws Exception {
    Link sender = kit.ready(0);
    BlockText next = next(kit, sender);
    Link other = kit.ready(0);
    Link knowing = kit.ready(0);
    knowing.send("BLOCK_KNOWN", next.hashText());
    kit.shake(knowing, 0); // BLOCK_KNOWN has been handled, since responses come in order
    sender.send("NEW_BLOCK", next.data());
    kit.expect(other, 0, "announcement of the block", m -> announces(m, next.hashText()));
    Message known = knowing.await(0, m -> announces(m, next.hashText()), kit.deadlines.quiet());
    check(known == null, "announced in spite of BLOCK_KNOWN; " + knowing.shownSince(0));
  }

  /**
   * The peer has n connections with the kit, one of which sends the block. Connections with others
   * enlarge the square root, and may get some of the complete blocks.
   */
  private static void squareRoot(Kit kit) throws Exception {
    int n = Math.min(kit.isLocal ? BROADCAST : MAX_OF_ADDRESS, kit.maxConnections);
    if (n < MAX_OF_ADDRESS) {
      skip("needs " + MAX_OF_ADDRESS + " connections");
    }
    Link sender = kit.ready(0);
    BlockText next = next(kit, sender);
    List<Link> others = new ArrayList<>();
    while (others.size() < n - 1) {
      others.add(kit.ready(0));
    }
    sender.send("NEW_BLOCK", next.data());
    int complete = 0;
    for (Link link : others) {
      Message first =
          kit.expect(link, 0, "announcement of the block", m -> announces(m, next.hashText()));
      complete += isBlock(first) ? 1 : 0;
    }
    int root = (int) Math.sqrt(n);
    check(
        complete >= 1 && complete <= root,
        complete + " of " + n + " connections get NEW_BLOCK instead of 1 to " + root);
  }

  private static void error(Kit kit) throws Exception {
    Link link = kit.ready(0);
    checkNoResponse(kit, link, "ERROR", Wire.NODES.objectNode().put("code", "not_found"));
    checkNoResponse(kit, link, "ERROR", Wire.NODES.objectNode().put("code", "other_reason"));
  }

  private static void firstError(Kit kit) throws Exception {
    Link link = kit.dial();
    link.send("ERROR", Wire.NODES.objectNode().put("code", "not_found").put("height", 1));
    kit.checkServes(link);
  }

  private static void checkNoResponse(Kit kit, Link link, String code, JsonNode data)
      throws Exception {
    int mark = link.mark();
    link.send(code, data);
    kit.checkServes(link);
    for (Message message : link.since(mark)) {
      check(
          !message.code().equals("ERROR") && !message.code().equals("BLOCK_KNOWN"),
          "a response to " + code + ": " + message.shown());
    }
  }

  private static void id(Kit kit) throws Exception {
    Link link = kit.ready(0);
    String known = kit.latest(link).hashText();
    checkId(kit, link, "SHAKEHAND", kit.handshake(link, 0));
    checkId(kit, link, "PULL_BLOCK", Wire.NODES.numberNode(0));
    checkId(kit, link, "PULL_BLOCK", Wire.NODES.numberNode(Kit.FAR));
    checkId(kit, link, "GET_BLOCK", Wire.NODES.textNode(known));
    checkId(kit, link, "GET_BLOCK", Wire.NODES.textNode(kit.unknownHash()));
    checkId(kit, link, "NEW_BLOCK_HASH", Wire.NODES.textNode(known));
  }

  private static void checkId(Kit kit, Link link, String code, JsonNode data) throws Exception {
    long id = (1L << 53) - 1;
    int mark = link.mark();
    ObjectNode whole = Wire.NODES.objectNode().put("code", code).put("id", id).put("v", 1);
    whole.set("data", data);
    link.sendRaw(Wire.frame(whole.toString()));
    kit.expect(
        link,
        mark,
        "response to " + code + " with its id",
        message -> message.whole().path("id").asLong() == id);
  }

  private static void oneOfAddress(Kit kit) throws Exception {
    Link first = kit.ready(0);
    Link second = kit.dial(first.address());
    second.send("SHAKEHAND", kit.handshake(second, 0));
    check(
        second.awaitEnd(kit.deadlines.response()),
        "a second connection with the same address stays; " + second.shownSince(0));
    kit.checkServes(first);
  }

  private static void sameChain(Kit kit) throws Exception {
    Link link = kit.dial();
    JsonNode stated = kit.shake(link, 0);
    String genesis = kit.genesis(link).hashText();
    check(
        stated.path("genesis").asText(genesis).equalsIgnoreCase(genesis),
        "SHAKEHAND states another genesis than block 0: " + stated);
    Link other = kit.dial();
    ObjectNode data = kit.handshake(other, 0).put("version", 1).put("genesis", genesis);
    data.put("headHash", genesis);
    if (stated.has("chainId")) {
      data.set("chainId", stated.get("chainId"));
    }
    other.send("SHAKEHAND", data);
    kit.expect(other, 0, "SHAKEHAND", m -> m.code().equals("SHAKEHAND"));
    kit.checkServes(other);
  }

  private static void otherGenesis(Kit kit) throws Exception {
    Link link = kit.dial();
    link.send(
        "SHAKEHAND", kit.handshake(link, 0).put("version", 1).put("genesis", kit.unknownHash()));
    kit.checkCloses(link, 0, kit.deadlines.response(), "wrong_chain");
    kit.checkWell();
  }

  private static void unknownMembers(Kit kit) throws Exception {
    Link link = kit.dial();
    ObjectNode data = kit.handshake(link, 0);
    data.putObject("colour").putArray("of").add("blue");
    link.sendRaw(
        Wire.frame("{\"extra\":[{}],\"code\":\"SHAKEHAND\",\"data\":" + data + ",\"more\":null}"));
    kit.expect(link, 0, "SHAKEHAND", m -> m.code().equals("SHAKEHAND"));
    kit.checkServes(link);
  }

  /** Returns the next of the blocks that were given, which the peer lacks; skips without one. */
  private static BlockText next(Kit kit, Link link) throws Exception {
    if (kit.further.isEmpty()) {
      skip("needs blocks that the peer lacks: --blocks FILE");
    }
    for (BlockText block : kit.further) {
      if (!kit.has(link, block.hashText())) {
        return block;
      }
    }
    skip("the peer has all blocks of the file");
    return kit.further.get(0);
  }

  private static void awaitKnown(Kit kit, Link link, BlockText block) throws Exception {
    long until = System.nanoTime() + kit.deadlines.response() * 2_000_000;
    int mark = link.mark();
    Link other = kit.ready(0);
    while (!kit.has(other, block.hashText())) {
      check(System.nanoTime() < until, "the block was not imported; " + link.shownSince(mark));
      Thread.sleep(kit.deadlines.quiet() / 5);
    }
  }
}
