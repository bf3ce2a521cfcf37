// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.p2p.devp2p.AskingPeer;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes become peers by the options of the launcher, by configuration while they run, and by node
 * discovery, and stay so while the bundles of devp2p are replaced.
 */
class PeersIT {
  private static final String FEATURES = "patchbay-p2p-devp2p patchbay-p2p-eth patchbay-p2p-snap";

  /** In seconds: transactions stay in the pools. */
  private static final String PERIOD = "600";

  private static final String NAMESPACES = "eth,net,web3,rpc,txpool,admin,talk";

  /** Peers that ask. */
  private static final int ASKING = 20;

  private static final String MIGRATION = "migration to ";

  /** What is replaced while they ask, in this order. */
  private static final List<String> REPLACED =
      List.of(
          "p2p-snap",
          "p2p-eth",
          "p2p-devp2p",
          "txpool",
          "chain",
          "rpc-admin",
          MIGRATION + "rocksdb",
          "storage-rocksdb",
          MIGRATION + "mapdb");

  /** What the chain cannot be read without: replies are empty for a moment. */
  private static final Set<String> WITHOUT_CHAIN = Set.of("chain", "storage-rocksdb");

  private static final Pattern THREAD = Pattern.compile("(?m)^\"(p2p-[^\"]+)\"");

  @TempDir Path folder;

  /**
   * A second node, and twenty peers that ask without a pause, are connected again by themselves
   * after every replacement, with eth and with snap, and nothing of an old bundle is left.
   */
  @Test
  void peersComeBackWhileBundlesAreReplaced() throws Exception {
    try (Node listener = new Node(folder.resolve("listener")).quick();
        Node dialer = new Node(folder.resolve("dialer")).quick();
        AskingPeers asking = new AskingPeers()) {
      int port = Node.freePort();
      listener.start(
          "--block-period",
          PERIOD,
          "--namespaces",
          NAMESPACES,
          "--p2p-port",
          "" + port,
          "--p2p-host",
          "127.0.0.1",
          "--discovery",
          "off");
      start(dialer);
      String url = listener.result("admin_nodeInfo").get("enode").asText();
      assertThat(listener.output()).contains("peers      " + url);
      assertThat(url).matches("enode://[0-9a-f]{128}@127\\.0\\.0\\.1:" + port + "\\?discport=0");
      assertThat(listener.result("net_listening").asBoolean()).isTrue();
      connect(dialer, "port=-1\ndiscovery=off\nstatic.nodes=" + url + "\n");
      assertThat(dialer.result("net_listening").asBoolean()).isFalse();
      awaitPeers(listener, 1);
      awaitPeers(dialer, 1);
      awaitSnap(dialer);
      describesThePeer(listener, dialer);
      asking.start(listener, ASKING);
      asking.awaitReplies();
      asking.longestPause();

      long nonce = 0;
      gossips(listener, dialer, nonce++);
      gossips(dialer, listener, nonce++);
      Swaps swaps = new Swaps(listener);
      swaps.shell("feature:install " + FEATURES + "; feature:uninstall patchbay-p2p");
      assertThat(threads(listener)).contains("p2p-devp2p-dialer-1");
      for (String replaced : REPLACED) {
        replace(swaps, replaced);
        asking.awaitReplies();
        asking.check(WITHOUT_CHAIN.contains(replaced));
        System.out.printf(
            "%s: no peer was without reply for longer than %,d ms%n",
            replaced, asking.longestPause());
        awaitPeers(listener, 1 + ASKING);
        awaitPeers(dialer, 1);
        awaitSnap(dialer);
        gossips(dialer, listener, nonce++);
        Transaction transfer = gossips(listener, dialer, nonce++);
        asking.awaitTransaction(transfer);
        if (!replaced.startsWith(MIGRATION)) {
          swaps.oldLoadersAreCollected("dev.patchbay." + replaced.replace('-', '.'));
        }
        assertThat(threads(listener)).as("threads of one network").doesNotHaveDuplicates();
      }
      asking.checkEnds();
      asking.close();

      removeThePeer(listener, dialer, url);
      swaps.shell("feature:uninstall " + FEATURES);
      awaitPeers(listener, 0);
      assertThat(listener.shell("patchbay:status").output()).contains("peers      off");
      Journeys.await("no threads", () -> threads(listener).isEmpty());
      assertThat(listener.result("net_listening").asBoolean()).isFalse();
      assertThat(listener.result("admin_nodeInfo").get("enode").asText()).isEmpty();
      assertThat(listener.call("admin_addPeer", url).at("/error/message").asText())
          .contains("does not speak devp2p");
      assertThat(listener.result("eth_blockNumber").asText()).startsWith("0x");
      assertThat(new Swaps(dialer).settle()).isNotEmpty();
    }
  }

  private static void replace(Swaps swaps, String what) throws Exception {
    if (what.startsWith(MIGRATION)) {
      swaps.shell("storage:migrate " + what.substring(MIGRATION.length()));
    } else if (what.startsWith("p2p")) {
      swaps.round(what);
    } else {
      swaps.shell("bundle:update dev.patchbay." + what.replace('-', '.'));
      swaps.settle();
    }
  }

  /**
   * A node, one that gets its URL by {@code --bootnodes}, and a third one. No option of the second
   * one names the third one, and both find each other. A fourth one is of another network.
   */
  @Test
  void nodesFindEachOtherByDiscovery() throws Exception {
    String[] common = {
      "--block-period", PERIOD, "--namespaces", NAMESPACES, "--p2p-host", "127.0.0.1"
    };
    try (Node first = new Node(folder.resolve("first")).quick();
        Node second = new Node(folder.resolve("second")).quick();
        Node third = new Node(folder.resolve("third")).quick();
        Node stranger = new Node(folder.resolve("stranger")).quick()) {
      first.start(Journeys.with(common, "--p2p-port", "0"));
      JsonNode info = first.result("admin_nodeInfo");
      String url = info.get("enode").asText();
      assertThat(info.at("/ports/listener")).isEqualTo(info.at("/ports/discovery"));
      assertThat(info.get("enr").asText()).startsWith("enr:");
      assertThat(info.at("/protocols/eth/config/chainId").asInt()).isEqualTo(1337);
      assertThat(info.at("/protocols/eth/network").asInt()).isEqualTo(1337);
      assertThat(first.output()).contains("peers      " + url);
      Path file = Files.writeString(folder.resolve("nodes.txt"), "# the first node\n" + url + "\n");
      for (Node node : List.of(second, third)) {
        node.launch(
            Map.of(), Journeys.with(common, "--p2p-port", "0", "--bootnodes", file.toString()));
      }
      stranger.launch(
          Map.of(),
          Journeys.with(common, "--p2p-port", "0", "--bootnodes", url, "--network-id", "7"));
      List<Node> nodes = List.of(first, second, third);
      for (Node node : List.of(second, third, stranger)) {
        node.awaitStart();
      }
      for (Node node : nodes) {
        awaitPeers(node, 2);
      }
      String idOfThird = third.result("admin_nodeInfo").get("id").asText();
      JsonNode found = peer(second, idOfThird);
      assertThat(found.at("/network/static").asBoolean()).as("named by an option").isFalse();
      assertThat(peer(second, info.get("id").asText()).at("/network/static").asBoolean()).isTrue();
      assertThat(stranger.result("net_version").asText()).isEqualTo("7");
      assertThat(stranger.result("net_peerCount").asText()).isEqualTo("0x0");
      listsThePeers(second, third);

      Transaction transfer = Accounts.transfer(0, 0);
      long start = System.nanoTime();
      second.send(transfer);
      for (Node node : nodes) {
        Journeys.awaitTransaction(node, transfer.hash().toString());
      }
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      System.out.println("a transaction was in three pools after " + millis + " ms");
      new Swaps(first).shell("feature:uninstall patchbay-p2p");
      awaitPeers(second, 1);
      awaitPeers(third, 1);
    }
  }

  private static JsonNode peer(Node node, String id) throws Exception {
    for (JsonNode peer : node.result("admin_peers")) {
      if (peer.get("id").asText().equals(id)) {
        return peer;
      }
    }
    throw new AssertionError(id + " is not among " + node.result("admin_peers"));
  }

  /** The commands of the shell show the same peers, remove and ban them. */
  private static void listsThePeers(Node node, Node other) throws Exception {
    String key = other.result("admin_nodeInfo").get("enode").asText().substring(8, 136);
    Node.Result list = node.shell("peer:list");
    assertThat(list.status()).as(list.output()).isZero();
    assertThat(list.output())
        .contains("devp2p: 2 peers of at most 50")
        .contains(key.substring(0, 16))
        .contains("Patchbay/v")
        .contains("static");
    assertThat(node.shell("patchbay:status").output())
        .contains("peers      2 peers of at most 50")
        .contains(node.result("admin_nodeInfo").get("enode").asText());
    assertThat(node.shell("peer:ban --for 1h " + key.substring(0, 16)).status()).isZero();
    awaitPeers(node, 1);
    assertThat(node.shell("peer:bans").output())
        .contains("devp2p: 1 ban", key.substring(0, 16) + "  until 20", "banned by the operator");
    assertThat(node.shell("peer:unban " + key.substring(0, 16)).status()).isZero();
    assertThat(node.shell("peer:bans").output()).contains("devp2p: no peer is banned");
    String url = other.result("admin_nodeInfo").get("enode").asText();
    assertThat(node.shell("peer:add " + url).output()).contains("added, and dialed from now on");
    awaitPeers(node, 2);
    Node.Result malformed = node.shell("peer:add enode://zz@127.0.0.1:1");
    assertThat(malformed.status()).isNotZero();
    assertThat(malformed.output()).contains("enode://zz@127.0.0.1:1");
    assertThat(node.shell("peer:unban enode://" + key).output()).contains("is not banned");
    assertThat(node.shell("peer:remove zzzz").output()).contains("'zzzz' is neither an enode URL");
  }

  /** Two nodes on one machine with the default port both go on; the second one says why. */
  @Test
  void aPortThatIsTakenIsReportedAndTheNodeDials() throws Exception {
    try (Node first = new Node(folder.resolve("one")).quick();
        Node second = new Node(folder.resolve("two")).quick()) {
      String port = "" + Node.freePort();
      String[] options = {
        "--p2p-port", port, "--p2p-host", "127.0.0.1", "--namespaces", NAMESPACES
      };
      first.start(options);
      String url = first.result("admin_nodeInfo").get("enode").asText();
      second.start(Journeys.with(options, "--bootnodes", url));
      assertThat(second.output())
          .contains("warning: p2p.devp2p is DEGRADED: devp2p does not accept connections")
          .contains("127.0.0.1 port " + port)
          .contains("node discovery uses UDP port")
          .contains("peers      does not listen, see the warning")
          .as("an enode with port 0 would be of no use to others")
          .doesNotContain(":0?discport");
      assertThat(second.result("net_listening").asBoolean()).isFalse();
      awaitPeers(second, 1);
      assertThat(second.shell("patchbay:status").output())
          .contains("DEGRADED: p2p.devp2p")
          .contains("not listening, so that no other node can dial it");
      first.close();
      String listens = "devp2p listens on 127.0.0.1 port " + port + ": enode://";
      Journeys.await("the console has the enode", () -> second.output().contains(listens));
      assertThat(second.shell("patchbay:status").output())
          .contains("@127.0.0.1:" + port)
          .contains("no peers to download from");
    }
  }

  /** Two nodes speak a sub-protocol of a third party, and a bundle is notified of peers. */
  @Test
  void twoNodesSpeakASubProtocolOfAThirdParty() throws Exception {
    String talk = Examples.build("wire-talk");
    try (Node listener = new Node(folder.resolve("talks-first")).quick();
        Node dialer = new Node(folder.resolve("talks-second")).quick()) {
      start(listener);
      start(dialer);
      connect(listener, "host=127.0.0.1\nport=" + Node.freePort() + "\n");
      String url = listener.result("admin_nodeInfo").get("enode").asText();
      connect(dialer, "port=-1\nstatic.nodes=" + url + "\n");
      awaitPeers(dialer, 1);
      new Swaps(listener).shell("bundle:install -s " + talk);
      new Swaps(dialer).shell("bundle:install -s " + talk);
      // each has said Hello before the other one spoke it
      assertThat(dialer.result("admin_removePeer", url).asBoolean()).isTrue();
      awaitPeers(dialer, 0);
      assertThat(dialer.result("admin_addPeer", url).asBoolean()).isTrue();
      Journeys.await(
          "an established talk", () -> dialer.result("talk_say", "how do you do").asInt() == 1);
      Journeys.await("a text", () -> texts(listener, "talk_heard").contains("how do you do"));
      Journeys.await("a confirmation", () -> texts(dialer, "talk_confirmed").contains("13"));
      assertThat(listener.result("talk_say", "fine").asInt()).isEqualTo(1);
      Journeys.await("a text", () -> texts(dialer, "talk_heard").contains("fine"));
      JsonNode peer = listener.result("admin_peers").get(0);
      assertThat(peer.get("caps").toString()).contains("talk/1").contains("eth/");
      assertThat(peer.at("/protocols/talk/version").asInt()).isEqualTo(1);

      gossips(dialer, listener, 0);
      Journeys.await("an event", () -> texts(listener, "talk_events").contains("Transactions"));
      assertThat(texts(listener, "talk_events").get(0)).isEqualTo("PeerConnected");
      new Swaps(dialer).shell("bundle:stop com.example.wire.talk");
      Journeys.await("an event", () -> texts(listener, "talk_events").contains("PeerDisconnected"));
      awaitPeers(listener, 1); // with eth alone
      Journeys.await("an end", () -> listener.result("talk_say", "hello").asInt() == 0);
    }
  }

  private static List<String> texts(Node node, String method) throws Exception {
    List<String> out = new ArrayList<>();
    node.result(method).forEach(text -> out.add(text.asText()));
    return out;
  }

  private static void start(Node node) throws Exception {
    node.start("--block-period", PERIOD, "--namespaces", NAMESPACES);
    assertThat(node.result("net_peerCount").asText()).isEqualTo("0x0");
    assertThat(node.result("net_listening").asBoolean()).isFalse();
    assertThat(node.result("admin_peers")).isEmpty();
  }

  private static void connect(Node node, String configuration) throws Exception {
    Files.writeString(node.data.resolve("etc/dev.patchbay.p2p.devp2p.cfg"), configuration);
    Journeys.await(
        "an identity", () -> !node.result("admin_nodeInfo").get("enode").asText().isEmpty());
  }

  /** Returns the names of the threads of devp2p and its sub-protocols, in order. */
  private static List<String> threads(Node node) throws Exception {
    return THREAD
        .matcher(node.jcmd("Thread.print"))
        .results()
        .map(r -> r.group(1))
        .sorted()
        .toList();
  }

  private static void describesThePeer(Node listener, Node dialer) throws Exception {
    JsonNode inbound = listener.result("admin_peers").get(0);
    JsonNode outbound = dialer.result("admin_peers").get(0);
    assertThat(inbound.at("/network/inbound").asBoolean()).isTrue();
    assertThat(outbound.at("/network/inbound").asBoolean()).isFalse();
    assertThat(outbound.at("/network/static").asBoolean()).isTrue();
    assertThat(outbound.get("id")).isEqualTo(listener.result("admin_nodeInfo").get("id"));
    assertThat(inbound.get("id")).isEqualTo(dialer.result("admin_nodeInfo").get("id"));
    assertThat(outbound.get("enode")).isEqualTo(listener.result("admin_nodeInfo").get("enode"));
    assertThat(outbound.get("name").asText()).startsWith("Patchbay/v");
    assertThat(outbound.get("caps").toString()).contains("eth/");
    assertThat(outbound.at("/protocols/eth/version").asInt()).isGreaterThanOrEqualTo(70);
  }

  /** A transaction that one node gets is in the pool of the other. */
  private static Transaction gossips(Node from, Node to, long nonce) throws Exception {
    Transaction transfer = Accounts.transfer(0, nonce);
    from.send(transfer);
    Journeys.awaitTransaction(to, transfer.hash().toString());
    return transfer;
  }

  private static void removeThePeer(Node listener, Node dialer, String url) throws Exception {
    assertThat(dialer.result("admin_removePeer", url).asBoolean()).isTrue();
    awaitPeers(listener, 0);
    assertThat(dialer.result("admin_addPeer", url).asBoolean()).isTrue();
    awaitPeers(listener, 1);
    assertThat(dialer.call("admin_addPeer", url.replace("enode://", "enode://zz")).has("error"))
        .isTrue();
  }

  /** Waits until the peer of a node serves snap. */
  private static void awaitSnap(Node node) throws Exception {
    Journeys.await(
        "a peer that serves snap",
        () -> node.result("admin_peers").at("/0/protocols/snap/version").asInt() == 1);
  }

  private static void awaitPeers(Node node, int count) throws Exception {
    String expected = "0x" + Integer.toHexString(count);
    Journeys.await(count + " peers", () -> node.result("net_peerCount").asText().equals(expected));
  }

  /** Peers in the process of the test. */
  private static final class AskingPeers implements AutoCloseable {
    /** Replies to each peer by each sub-protocol, until it counts as answered. */
    private static final int REPLIES = 4;

    private static final long PAUSE_MILLIS = 40;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
    private final List<AskingPeer> peers = new ArrayList<>();

    void start(Node node, int count) throws Exception {
      String url = node.result("admin_nodeInfo").get("enode").asText();
      // the genesis block: two nodes that seal with one key may replace a later one
      JsonNode head = node.result("eth_getBlockByNumber", "0x0", false);
      AskingPeer.Plan plan =
          new AskingPeer.Plan(
              List.of(Hash.fromHex(head.get("hash").asText())),
              Hash.fromHex(head.get("stateRoot").asText()),
              PAUSE_MILLIS);
      for (int i = 0; i < count; i++) {
        peers.add(new AskingPeer(url, plan, timer));
      }
    }

    /** Waits until each peer has further replies. */
    void awaitReplies() throws Exception {
      for (AskingPeer peer : peers) {
        long eth = peer.ethReplies() + REPLIES;
        long snap = peer.snapReplies() + REPLIES;
        Journeys.await("replies of eth", () -> peer.ethReplies() >= eth);
        Journeys.await("replies of snap", () -> peer.snapReplies() >= snap);
      }
    }

    /** Returns the longest time that a peer was without a reply, in milliseconds. */
    long longestPause() {
      long nanos = peers.stream().mapToLong(AskingPeer::longestPause).max().orElseThrow();
      return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    void awaitTransaction(Transaction transaction) throws Exception {
      for (AskingPeer peer : peers) {
        Journeys.await("an announcement", () -> peer.knows(transaction.hash()));
      }
    }

    /** Since the last check all replies had what the node has. */
    void check(boolean mayBeEmpty) {
      for (AskingPeer peer : peers) {
        List<String> faults = peer.takeFaults();
        assertThat(mayBeEmpty ? List.of() : faults).isEmpty();
      }
    }

    /** The node has ended connections as it documents. */
    void checkEnds() {
      long replies = 0;
      for (AskingPeer peer : peers) {
        replies += peer.ethReplies() + peer.snapReplies();
        assertThat(peer.disconnects().keySet())
            .isSubsetOf(
                "received: disconnect requested",
                "received: client quitting",
                "received: network error"); // while there is no listener
      }
      System.out.printf(
          "%,d replies; connections of the first peer: %d%n", replies, peers.get(0).connections());
    }

    @Override
    public void close() {
      timer.shutdownNow();
      peers.parallelStream().forEach(AskingPeer::close);
    }
  }
}
