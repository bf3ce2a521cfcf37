// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * geth and the node are peers, whichever of them dials, and by node discovery alone; idle
 * connections stay; transactions of every type reach the pool of the other one. Run by {@code
 * -Pgeth}, which needs the programs.
 *
 * <p>geth stays connected to a peer of the same network id, genesis and fork id, whatever the heads
 * are. It drops the transactions of peers until it is synced. Without a consensus client it never
 * is; a fork choice of its own head, here the genesis, is enough.
 */
@Isolated
class GethPeersIT {
  private static final String NAMESPACES = "eth,net,web3,admin,txpool";

  /** Two intervals of pings, of 15 s, and more than the 35 s after which a node is dialed again. */
  private static final int IDLE_SECONDS = 40;

  /** A frame of at most 16 bytes, with its header and two MACs: that of a ping or pong. */
  private static final int FRAME_BYTES = 64;

  private static final Pattern URL =
      Pattern.compile("(enode://[0-9a-f]{128}@127\\.0\\.0\\.1:)\\d+");

  @TempDir Path folder;

  /** A release of geth. */
  enum Release {
    /** Speaks eth/69 and later; its genesis is at Osaka. */
    CURRENT("it.geth", "v1.17.5", "Geth/v1.17.5", 1),

    /** The last one that seals Clique; speaks eth/68, and its genesis is at Cancun. */
    CLIQUE("it.geth.old", "v1.13.15", "Geth/v1.13.15", 0);

    private final String property;
    private final String version;
    private final String client;
    private final int sidecarVersion;

    Release(String property, String version, String client, int sidecarVersion) {
      this.property = property;
      this.version = version;
      this.client = client;
      this.sidecarVersion = sidecarVersion;
    }

    /** Returns the program; skips the test where there is none. */
    String program() {
      return Geth.program("geth", version, property, "version");
    }

    /** Writes the genesis of the development chain after the merge, at the newest fork it has. */
    Path genesis(Path folder) throws Exception {
      ObjectNode genesis =
          (ObjectNode) new ObjectMapper().readTree(Files.readString(EngineDriver.genesis(folder)));
      ObjectNode config = (ObjectNode) genesis.get("config");
      config.put("terminalTotalDifficultyPassed", true); // 1.13 has no chain before the merge
      config.put("shanghaiTime", 0).put("cancunTime", 0);
      config.put("pragueTime", 0).put("osakaTime", 0).remove("amsterdamTime");
      ObjectNode blobs = (ObjectNode) config.get("blobSchedule");
      blobs.remove("amsterdam");
      if (this == CLIQUE) {
        config.remove(List.of("pragueTime", "osakaTime"));
        blobs.remove(List.of("prague", "osaka"));
      }
      return Files.writeString(folder.resolve("genesis-peers.json"), genesis.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(Release.class)
  void theyArePeersWhicheverDials(Release release) throws Exception {
    String program = release.program();
    Path genesis = release.genesis(folder);
    try (Geth geth = Geth.peer(program, folder, "geth", genesis, "--nodiscover");
        Geth full = Geth.peer(program, folder, "full", genesis, "--nodiscover", "--maxpeers", "0");
        Node node = new Node(folder.resolve("node"), "run").quick()) {
      start(node, genesis, "off");
      geth.sync();
      nodeDials(release, node, geth);
      gethDials(release, node, geth);
      try (Relay relay = new Relay(port(geth));
          Relay fullRelay = new Relay(port(full))) {
        assertThat(node.result("admin_addPeer", through(relay, geth)).asBoolean()).isTrue();
        assertThat(node.result("admin_addPeer", through(fullRelay, full)).asBoolean()).isTrue();
        awaitPeer(node, geth);
        exchangeTransactions(release, node, geth);
        idleConnectionsStay(node, geth, relay, fullRelay);
      }
    }
  }

  private static void start(Node node, Path genesis, String discovery, String... more)
      throws Exception {
    List<String> options =
        new ArrayList<>(List.of("--storage", "memory", "--genesis", genesis.toString()));
    options.addAll(List.of("--namespaces", NAMESPACES, "--p2p-host", "127.0.0.1"));
    options.addAll(List.of("--p2p-port", "" + Node.freePort(), "--discovery", discovery));
    options.addAll(List.of(more));
    node.start(options.toArray(String[]::new));
  }

  private static void nodeDials(Release release, Node node, Geth geth) throws Exception {
    assertThat(geth.result("eth_getBlockByNumber", "0x0", false).get("hash"))
        .as("genesis")
        .isEqualTo(node.result("eth_getBlockByNumber", "0x0", false).get("hash"));
    assertThat(node.result("admin_addPeer", url(geth)).asBoolean()).isTrue();
    describesThePeers(release, awaitPeer(node, geth), awaitPeer(geth, node), true);
    assertThat(node.result("admin_removePeer", url(geth)).asBoolean()).isTrue();
    Journeys.await("no peer of geth", () -> geth.result("admin_peers").isEmpty());
    Journeys.await("no peer of the node", () -> node.result("admin_peers").isEmpty());
  }

  private static void gethDials(Release release, Node node, Geth geth) throws Exception {
    String url = node.result("admin_nodeInfo").get("enode").asText();
    assertThat(geth.result("admin_addPeer", url).asBoolean()).isTrue();
    describesThePeers(release, awaitPeer(node, geth), awaitPeer(geth, node), false);
    assertThat(geth.result("admin_removePeer", url).asBoolean()).isTrue();
    Journeys.await("no peer of geth", () -> geth.result("admin_peers").isEmpty());
    Journeys.await("no peer of the node", () -> node.result("admin_peers").isEmpty());
  }

  private static void describesThePeers(
      Release release, JsonNode ofNode, JsonNode ofGeth, boolean nodeHasDialed) {
    assertThat(ofNode.get("name").asText()).startsWith(release.client);
    assertThat(ofGeth.get("name").asText()).startsWith("Patchbay/v");
    assertThat(ofNode.at("/network/inbound").asBoolean()).isEqualTo(!nodeHasDialed);
    assertThat(ofGeth.at("/network/inbound").asBoolean()).isEqualTo(nodeHasDialed);
    int version = ofNode.at("/protocols/eth/version").asInt();
    assertThat(version).isEqualTo(ofGeth.at("/protocols/eth/version").asInt());
    assertThat(version).isGreaterThanOrEqualTo(release == Release.CLIQUE ? 68 : 69);
    System.out.printf("%s and the node speak eth/%d%n", release.client, version);
  }

  // ---- discovery

  /**
   * The node and a geth are given a third one, a geth, as boot node, and find each other. A fourth
   * one is given the node alone.
   */
  @ParameterizedTest
  @CsvSource({"CURRENT, v4", "CURRENT, v5", "CLIQUE, v4", "CLIQUE, v5"})
  void theyFindEachOtherByDiscovery(Release release, String version) throws Exception {
    String program = release.program();
    Path genesis = release.genesis(folder);
    String[] discovery = {
      "--discovery.v4=" + version.equals("v4"), "--discovery.v5=" + version.equals("v5")
    };
    try (Geth boot =
            Geth.peer(program, folder, "boot", genesis, Journeys.with(discovery, "--bootnodes="));
        Node node = new Node(folder.resolve("node"), "run").quick()) {
      String url =
          boot.result("admin_nodeInfo").get(version.equals("v4") ? "enode" : "enr").asText();
      try (Geth geth =
          Geth.peer(
              program, folder, "geth", genesis, Journeys.with(discovery, "--bootnodes", url))) {
        long start = System.nanoTime();
        start(node, genesis, version, "--bootnodes", url);
        JsonNode found = awaitPeer(node, geth);
        assertThat(found.at("/network/static").asBoolean()).as("named by an option").isFalse();
        awaitPeer(geth, node);
        System.out.printf(
            "%s: the node, started and a peer by %s after %d ms; it has %s%n",
            release.client,
            version,
            TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
            found.at("/network/inbound").asBoolean() ? "been dialed" : "dialed");
      }
      JsonNode info = node.result("admin_nodeInfo");
      String own = info.get(version.equals("v4") ? "enode" : "enr").asText();
      try (Geth other =
          Geth.peer(
              program, folder, "other", genesis, Journeys.with(discovery, "--bootnodes", own))) {
        awaitPeer(node, other);
        awaitPeer(other, node);
      }
    }
  }

  // ---- idle connections

  /** Nothing is sent on a connection but a ping every 15 s from each side, and its pong. */
  private static void idleConnectionsStay(Node node, Geth geth, Relay relay, Relay full)
      throws Exception {
    Journeys.await(
        "a refusal by a geth without room",
        () -> node.result("admin_disconnects").path("received: too many peers").asInt() == 1);
    TimeUnit.SECONDS.sleep(3); // announcements of the last transactions
    JsonNode ofNode = awaitPeer(node, geth).get("network");
    JsonNode ofGeth = awaitPeer(geth, node).get("network");
    long sent = relay.sent();
    long received = relay.received();
    TimeUnit.SECONDS.sleep(IDLE_SECONDS);
    assertThat(awaitPeer(node, geth).get("network")).isEqualTo(ofNode);
    assertThat(awaitPeer(geth, node).get("network")).isEqualTo(ofGeth);
    assertThat(relay.connections()).as("connections to geth").isEqualTo(1);
    assertThat(full.connections()).as("connections to a geth without room").isEqualTo(1);
    assertThat(node.result("admin_disconnects").path("received: too many peers").asInt())
        .isEqualTo(1);
    long most = (IDLE_SECONDS / 15 + 1) * 2 * FRAME_BYTES;
    assertThat(relay.sent() - sent).as("bytes to geth").isBetween((long) FRAME_BYTES, most);
    assertThat(relay.received() - received)
        .as("bytes from geth")
        .isBetween((long) FRAME_BYTES, most);
    System.out.printf(
        "idle for %d s: %d bytes to geth, %d from geth%n",
        IDLE_SECONDS, relay.sent() - sent, relay.received() - received);
  }

  // ---- transactions

  /** One of the two. */
  private interface Client {
    JsonNode call(String method, Object... params) throws Exception;
  }

  private static void exchangeTransactions(Release release, Node node, Geth geth) throws Exception {
    exchange(transactions(release, 0, "0x" + "22".repeat(32)), node::call, geth::call, "to geth");
    exchange(transactions(release, 2, "0x" + "33".repeat(32)), geth::call, node::call, "from geth");
  }

  /** Sends transactions to one, and waits until each is in the pool of the other. */
  private static void exchange(
      List<BlobSidecar.Pooled> transactions, Client from, Client to, String direction)
      throws Exception {
    for (BlobSidecar.Pooled one : transactions) {
      long start = System.nanoTime();
      String hash = one.transaction().hash().toString();
      JsonNode sent = from.call("eth_sendRawTransaction", Hex.encode(one.encode()));
      assertThat(sent.path("result").asText()).as(sent.toString()).isEqualTo(hash);
      // geth fails for an unknown transaction until it has indexed those of its chain
      Journeys.await(
          one.transaction().type() + " " + direction,
          () -> !to.call("eth_getTransactionByHash", hash).path("result").isEmpty());
      JsonNode found = to.call("eth_getTransactionByHash", hash).get("result");
      assertThat(found.get("type").asText()).isEqualTo("0x" + one.transaction().type().code());
      assertThat(found.get("blockHash").isNull()).isTrue();
      System.out.printf(
          "%s %s after %d ms%n",
          one.transaction().type(),
          direction,
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    }
    assertThat(to.call("txpool_status").at("/result/pending").asText())
        .isEqualTo(from.call("txpool_status").at("/result/pending").asText());
  }

  /** Returns one of each type; the one with blobs is of the account after {@code account}. */
  private static List<BlobSidecar.Pooled> transactions(
      Release release, int account, String authority) {
    List<Transaction.Builder> builders = new ArrayList<>();
    UInt256 price = UInt256.of(100_000_000_000L);
    Address to = Address.fromHex("0x00000000000000000000000000000000000000aa");
    builders.add(
        Transaction.builder(TransactionType.LEGACY)
            .chainId(UInt256.of(1337))
            .nonce(0)
            .gasPrice(price));
    builders.add(
        Transaction.builder(TransactionType.ACCESS_LIST)
            .chainId(UInt256.of(1337))
            .nonce(1)
            .gasPrice(price)
            .accessList(List.of(new AccessListEntry(to, List.of(UInt256.ONE.toHash())))));
    builders.add(Accounts.transaction(TransactionType.FEE_MARKET, 2));
    if (release == Release.CURRENT) {
      builders.add(
          Accounts.transaction(TransactionType.SET_CODE, 3)
              .authorizations(List.of(authorization(to, Bytes.fromHex(authority).toArray()))));
    }
    List<BlobSidecar.Pooled> out = new ArrayList<>();
    for (Transaction.Builder builder : builders) {
      Transaction signed = builder.gasLimit(100_000).to(to).sign(Accounts.KEYS[account]);
      out.add(new BlobSidecar.Pooled(signed, null));
    }
    out.add(blob(release, Accounts.KEYS[account + 1], to));
    return out;
  }

  /** A transaction with a blob of zeros: its commitment and proofs are the point at infinity. */
  private static BlobSidecar.Pooled blob(Release release, byte[] key, Address to) {
    byte[] infinity = new byte[48];
    infinity[0] = (byte) 0xc0;
    Bytes point = Bytes.wrap(infinity);
    Transaction transaction =
        Accounts.transaction(TransactionType.BLOB, 0)
            .gasLimit(21_000)
            .to(to)
            .maxFeePerBlobGas(UInt256.of(1_000_000_000L))
            .blobVersionedHashes(List.of(Hash.of(Blobs.versionedHash(infinity))))
            .sign(key);
    int proofs = release.sidecarVersion == 0 ? 1 : Blobs.CELLS;
    BlobSidecar sidecar =
        new BlobSidecar(
            release.sidecarVersion,
            List.of(Bytes.wrap(new byte[Blobs.BLOB_BYTES])),
            List.of(point),
            Collections.nCopies(proofs, point));
    return new BlobSidecar.Pooled(transaction, sidecar);
  }

  private static Authorization authorization(Address code, byte[] key) {
    UInt256 chain = UInt256.of(1337);
    RlpWriter message = new RlpWriter().rawByte(5); // MAGIC of EIP-7702
    message.list(w -> w.number(chain).address(code).number(0));
    Secp256k1.Signature s = Secp256k1.sign(Hash.keccak(message.toArray()).toArray(), key);
    return new Authorization(
        chain, code, 0, s.yParity(), UInt256.ofBytes(s.r()), UInt256.ofBytes(s.s()));
  }

  // ---- peers

  private static String url(Geth geth) throws Exception {
    return geth.result("admin_nodeInfo").get("enode").asText();
  }

  private static int port(Geth geth) throws Exception {
    return URI.create(url(geth)).getPort();
  }

  /** Returns the URL of a geth, with the port of a relay. */
  private static String through(Relay relay, Geth geth) throws Exception {
    Matcher url = URL.matcher(url(geth));
    assertThat(url.lookingAt()).as(url(geth)).isTrue();
    return url.group(1) + relay.port + "?discport=0";
  }

  private static JsonNode awaitPeer(Node node, Geth geth) throws Exception {
    return awaitPeer(node::call, geth.result("admin_nodeInfo").get("id").asText());
  }

  private static JsonNode awaitPeer(Geth geth, Node node) throws Exception {
    return awaitPeer(geth::call, node.result("admin_nodeInfo").get("id").asText());
  }

  /** Waits until a peer speaks eth; returns what is known of it. */
  private static JsonNode awaitPeer(Client of, String id) throws Exception {
    List<JsonNode> found = new ArrayList<>();
    Journeys.await(
        "a peer " + id,
        () -> {
          found.clear();
          for (JsonNode peer : of.call("admin_peers").get("result")) {
            if (peer.get("id").asText().equals(id) && peer.at("/protocols/eth/version").isInt()) {
              found.add(peer);
            }
          }
          return !found.isEmpty();
        });
    return found.get(0);
  }
}
