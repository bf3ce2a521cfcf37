// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.chronos.kit.Case.Failed;
import dev.patchbay.chronos.kit.Case.Refused;
import dev.patchbay.chronos.kit.Case.Skipped;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * State that the cases share: the peer under test, connections to it, and facts about its chain.
 *
 * <p>Threading: one case at a time; {@link #closeLinks} any thread.
 */
final class Kit {
  /** Greater than the heights of test chains, and below 2^53. */
  static final long FAR = 1_000_000;

  private static final int CONNECT_MILLIS = 5_000;

  /** Longer than the longest time until a peer dials again. */
  private static final int ACCEPT_MILLIS = 75_000;

  final InetSocketAddress target;
  final Deadlines deadlines;
  final int maxConnections;

  /** Blocks that the peer may lack, in the order of their numbers; empty without. */
  final List<BlockText> further;

  /**
   * Whether the peer is on this machine. The specification exempts such connections from limits.
   */
  boolean isLocal;

  private @Nullable ServerSocket listener;
  private final @Nullable GenesisText genesis;
  private final SecureRandom random = new SecureRandom();
  private final List<Link> links = new ArrayList<>();

  Kit(
      InetSocketAddress target,
      Deadlines deadlines,
      @Nullable GenesisText genesis,
      List<BlockText> further,
      int maxConnections) {
    this.target = target;
    this.deadlines = deadlines;
    this.genesis = genesis;
    this.further = further;
    this.maxConnections = maxConnections;
    isLocal = target.getAddress().isLoopbackAddress();
  }

  private byte[] randomBytes(int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Returns a hash that no block has. */
  String unknownHash() {
    return Hash.wrap(randomBytes(32)).toString();
  }

  /** Returns the three members of the seed, with the address of a connection. */
  ObjectNode handshake(Link link, long height) {
    return handshake(link.address(), height);
  }

  private static ObjectNode handshake(String address, long height) {
    return Wire.NODES
        .objectNode()
        .put("timestamp", System.currentTimeMillis())
        .put("height", height)
        .put("address", address);
  }

  /** Returns the three members of the seed, with an address that no other connection has. */
  ObjectNode handshake(long height) {
    return handshake(newAddress(), height);
  }

  private String newAddress() {
    return Hex.encode(randomBytes(20));
  }

  /** Connects without a handshake. */
  Link dial() throws IOException {
    return dial(newAddress());
  }

  /** Connects as a peer with an address. */
  Link dial(String address) throws IOException {
    return track(Link.dial(target, CONNECT_MILLIS, address));
  }

  /** Connects a plain socket, which the caller closes. */
  Socket socket() throws IOException {
    Socket socket = new Socket();
    socket.connect(target, CONNECT_MILLIS);
    return socket;
  }

  /** Has the kit listen, for the cases of a peer that dials. */
  void listen(ServerSocket server) {
    listener = server;
  }

  /** Closes connections that waited during earlier cases: their deadlines may have passed. */
  private static void drain(ServerSocket server) throws IOException {
    server.setSoTimeout(1);
    try {
      while (true) {
        server.accept().close();
      }
    } catch (SocketTimeoutException none) {
      // none is left
    }
  }

  /** Waits for the peer to dial. */
  Link accept() throws Exception {
    ServerSocket server = listener;
    if (server == null) {
      throw new Skipped("needs a peer that dials: --listen PORT");
    }
    drain(server);
    server.setSoTimeout(ACCEPT_MILLIS);
    try {
      return track(new Link(server.accept(), newAddress()));
    } catch (SocketTimeoutException late) {
      throw new Failed("the peer did not dial in " + ACCEPT_MILLIS / 1_000 + " s");
    }
  }

  Link track(Link link) {
    synchronized (links) {
      links.add(link);
    }
    return link;
  }

  void closeLinks() {
    synchronized (links) {
      links.forEach(Link::close);
      links.clear();
    }
  }

  /**
   * Connects, shakes hands as a peer of a height, and returns the connection.
   *
   * @throws Refused when the peer closes the connection instead
   */
  Link ready(long height) throws Exception {
    Link link = dial();
    try {
      shake(link, height);
      return link;
    } catch (IOException | Failed failed) {
      boolean isShaken = link.since(0).stream().anyMatch(m -> m.code().equals("SHAKEHAND"));
      if (!isShaken && link.awaitEnd(deadlines.quiet())) {
        throw new Refused("the peer closes a new connection; " + link.shownSince(0));
      }
      throw failed;
    }
  }

  /** Shakes hands, and returns the SHAKEHAND of the peer. */
  JsonNode shake(Link link, long height) throws Exception {
    int mark = link.mark();
    link.send("SHAKEHAND", handshake(link, height));
    Message reply = expect(link, mark, "SHAKEHAND", message -> message.code().equals("SHAKEHAND"));
    return checkShakehand(reply.data());
  }

  /** Checks the form of a SHAKEHAND, and returns it. */
  static JsonNode checkShakehand(JsonNode data) throws Failed {
    check(
        data.path("timestamp").isIntegralNumber() && data.path("timestamp").canConvertToLong(),
        "SHAKEHAND without an integer timestamp: " + data);
    height(data);
    check(
        data.path("address").asText().matches("0x[0-9a-fA-F]{40}"),
        "SHAKEHAND without an address of 20 bytes: " + data);
    return data;
  }

  /** Returns the height in SHAKEHAND, or in an error. */
  static long height(JsonNode data) throws Failed {
    JsonNode height = data.path("height");
    check(
        height.isIntegralNumber() && height.canConvertToLong() && height.asLong() >= 0,
        "no integer height: " + data);
    return height.asLong();
  }

  /** Waits for a message; fails with the messages that came otherwise. */
  Message expect(Link link, int mark, String what, Predicate<Message> wanted) throws Exception {
    Message found = link.await(mark, wanted, deadlines.response());
    if (found == null) {
      throw new Failed("no " + what + "; " + link.shownSince(mark));
    }
    return found;
  }

  /** Checks that the connection still serves. */
  void checkServes(Link link) throws Exception {
    try {
      shake(link, 0);
    } catch (IOException | Failed failed) {
      throw new Failed("the connection does not go on: " + failed.getMessage());
    }
    check(link.violation() == null, String.valueOf(link.violation()));
  }

  /** Checks that the peer refuses what was sent: it closes, and serves nothing before. */
  void checkCloses(Link link, int mark, long millis, @Nullable String error) throws Exception {
    check(
        link.awaitEnd(millis),
        "the connection is open after " + millis + " ms; " + link.shownSince(mark));
    for (Message message : link.since(mark)) {
      if (error != null && message.code().equals("ERROR")) {
        check(message.isError(error), "ERROR is not " + error + ": " + message.shown());
      }
    }
    check(link.violation() == null, String.valueOf(link.violation()));
  }

  /** Requests a block by height. */
  Message pull(Link link, long height) throws Exception {
    int mark = link.mark();
    link.send("PULL_BLOCK", Wire.NODES.numberNode(height));
    return expect(
        link,
        mark,
        "PUSH_BLOCK or ERROR not_found for height " + height,
        message -> message.code().equals("PUSH_BLOCK") || message.isError("not_found"));
  }

  /** Reads a block of the peer. */
  static BlockText block(Message message) throws Failed {
    try {
      BlockText block = BlockText.read(message.data());
      String stated = block.statedHash();
      check(
          stated == null || stated.equalsIgnoreCase(block.hashText()),
          "the hash in the JSON is " + stated + ", that of the header " + block.hash());
      return block;
    } catch (IllegalArgumentException wrong) {
      throw new Failed(message.code() + ": " + wrong.getMessage());
    }
  }

  /** Requests a block that the peer must have. */
  BlockText pulled(Link link, long height) throws Exception {
    Message reply = pull(link, height);
    check(reply.code().equals("PUSH_BLOCK"), "no block " + height + ": " + reply.shown());
    BlockText block = block(reply);
    check(block.number() == height, "block " + block.number() + " instead of " + height);
    return block;
  }

  /** Returns block 0, checked against the genesis that was given. */
  BlockText genesis(Link link) throws Exception {
    BlockText block = pulled(link, 0);
    if (genesis != null) {
      String difference = genesis.difference(block);
      check(difference == null, "block 0 is not that of the genesis file: " + difference);
    }
    return block;
  }

  /** Returns the confirmed blocks from a height on. */
  List<BlockText> confirmed(Link link, long first, int maxBlocks) throws Exception {
    List<BlockText> blocks = new ArrayList<>();
    for (long height = first; blocks.size() < maxBlocks; height++) {
      Message reply = pull(link, height);
      if (!reply.code().equals("PUSH_BLOCK")) {
        break;
      }
      BlockText block = block(reply);
      check(block.number() == height, "block " + block.number() + " instead of " + height);
      check(
          blocks.isEmpty() || block.parentHash().equals(blocks.get(blocks.size() - 1).hash()),
          "block " + height + " is not a child of block " + (height - 1));
      blocks.add(block);
    }
    return blocks;
  }

  /** Returns the latest confirmed block that is found near the head, block 0 at least. */
  BlockText latest(Link link) throws Exception {
    long head = height(shake(link, 0));
    for (long height = head; height > Math.max(0, head - 20); height--) {
      Message reply = pull(link, height);
      if (reply.code().equals("PUSH_BLOCK")) {
        return block(reply);
      }
    }
    return genesis(link);
  }

  /**
   * Returns a block that breaks the rules: a child of another, whose seal is that of its parent.
   */
  ObjectNode wrongChild(BlockText parent, long number) {
    ObjectNode child = parent.with("parentHash", parent.hashText());
    ObjectNode header = (ObjectNode) child.get("block_header");
    header.put("number", Hex.quantity(number));
    header.put("timestamp", Hex.quantity(Long.decode(parent.member("timestamp")) + 1));
    header.put("hash", BlockText.header(child).hashText());
    return child;
  }

  /** Checks, on a connection of its own, that the peer does not have a block. */
  void checkUnknown(String hash) throws Exception {
    Link link = ready(0);
    checkUnknown(link, hash);
    link.close();
  }

  /**
   * Checks that the peer does not have a block.
   *
   * @param link opened before the block was sent: the peer may ban the kit for it, and keep this
   *     one
   */
  void checkUnknown(Link link, String hash) throws Exception {
    Link open = link.isOpen() ? link : ready(0);
    check(!has(open, hash), "the peer has imported the wrong block " + hash);
  }

  /** Returns whether the peer has a block. */
  boolean has(Link link, String hash) throws Exception {
    int mark = link.mark();
    link.send("GET_BLOCK", hash);
    Message reply =
        expect(
            link,
            mark,
            "NEW_BLOCK or ERROR not_found",
            message ->
                message.isError("not_found")
                        && message.data().path("hash").asText().equalsIgnoreCase(hash)
                    || isBlock(message, hash));
    return reply.code().equals("NEW_BLOCK");
  }

  private static boolean isBlock(Message message, String hash) {
    try {
      return message.code().equals("NEW_BLOCK")
          && message.data() instanceof ObjectNode data
          && BlockText.header(data).hashText().equals(hash);
    } catch (IllegalArgumentException wrong) {
      return false; // reported by the link
    }
  }

  /** Checks that a new connection is served, also when the peer frees its connections late. */
  void checkWell() throws Exception {
    Exception last = lastFailure();
    if (last != null) {
      String reason = "the peer serves no new connection afterwards: " + last.getMessage();
      throw last instanceof Refused ? new Refused(reason) : new Failed(reason);
    }
  }

  /** Tries to be served for a while; returns the last failure, null once a connection is served. */
  private @Nullable Exception lastFailure() throws Exception {
    Exception last = null;
    for (int attempt = 0; attempt < 10; attempt++) {
      try (Link link = ready(0)) {
        genesis(link);
        return null;
      } catch (IOException | Failed failed) {
        last = failed;
        Thread.sleep(deadlines.slack() / 5);
      }
    }
    return last;
  }

  /**
   * Returns the outcome of a case after which the peer refuses connections: the specification knows
   * no bans, but allows them. The failure itself when it has another reason.
   */
  Throwable explained(Case one, Throwable failure) throws Exception {
    if (!one.mayBan() || !(failure instanceof Refused) || !(lastFailure() instanceof Refused)) {
      return failure;
    }
    String reason =
        "the peer refuses new connections after a wrong block: it may have banned the IP address of"
            + " the kit, or ended. "
            + failure.getMessage();
    return isLocal ? new Failed(reason) : new Skipped(reason);
  }

  static void check(boolean holds, String reason) throws Failed {
    if (!holds) {
      throw new Failed(reason);
    }
  }

  static void skip(String reason) throws Skipped {
    throw new Skipped(reason);
  }
}
