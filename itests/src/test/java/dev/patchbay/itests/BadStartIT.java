// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mistakes of an operator at the start: each is told, and nothing is lost. */
class BadStartIT {
  @TempDir Path folder;

  private Node.Result start(String... more) throws Exception {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--datadir",
                folder.resolve("node").toString(),
                "--http-port",
                "" + Node.freePort(),
                "--ws-port",
                "" + Node.freePort()));
    args.add(0, more[0]);
    args.addAll(List.of(more).subList(1, more.length));
    return Node.launcher(QuickJvm.environment(), args);
  }

  private static String genesis() throws Exception {
    return Files.readString(Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json"));
  }

  @Test
  void aGenesisThatIsNoGenesisIsToldByItsField() throws Exception {
    Path file = folder.resolve("genesis.json");
    Files.writeString(file, genesis().replace("\"chainId\": 1337", "\"chainId\": \"many\""));
    Node.Result wrong = start("dev", "--genesis", file.toString());
    assertThat(wrong.status()).isNotZero();
    assertThat(wrong.output()).contains("config.chainId").contains("many");
    Files.writeString(file, genesis().replace("\"osakaTime\"", "\"oskaTime\""));
    assertThat(start("dev", "--genesis", file.toString()).output())
        .contains("config.oskaTime is not known; the closest known field is osakaTime");
    Files.writeString(file, "{");
    assertThat(start("dev", "--genesis", file.toString()).output()).contains("is not JSON");
    assertThat(start("dev", "--genesis", folder.resolve("nosuch").toString()).output())
        .contains("does not exist");
  }

  @Test
  void aGenesisOfAnotherChainIsToldByItsField() throws Exception {
    Node node = new Node(folder.resolve("node")).quick();
    node.start();
    String hash =
        node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 0))).asText();
    Journeys.receipt(node, hash);
    node.close();
    Path kept = folder.resolve("node/genesis.json");
    String before = Files.readString(kept);
    Path file = folder.resolve("genesis.json");
    Files.writeString(file, genesis().replace("0x3938700", "0x3938701"));
    Node.Result other = start("dev", "--genesis", file.toString());
    assertThat(other.status()).isNotZero();
    assertThat(other.output()).contains("field gasLimit differs");
    assertThat(kept).as("nothing was changed").hasContent(before);
    Node.Result verified =
        Node.launcher(Map.of(), List.of("verify", "--datadir", folder.resolve("node").toString()));
    assertThat(verified.output()).contains("the store is whole").contains("step 3 of 6");
    assertThat(verified.status()).isZero();
    Files.writeString(file, genesis().replace("\"chainId\": 1337", "\"chainId\": 1338"));
    other = start("dev", "--genesis", file.toString());
    assertThat(other.status()).isNotZero();
    assertThat(other.output()).contains("config.chainId was 1337").contains("is 1338 now");
    assertThat(kept).as("nothing was changed").hasContent(before);
    Files.writeString(file, genesis().replace("\"osakaTime\": 0,", ""));
    other = start("dev", "--genesis", file.toString());
    assertThat(other.status()).isNotZero();
    assertThat(other.output()).contains("config.osakaTime was 0").contains("is missing now");
    try (node) {
      node.start();
      assertThat(node.result("eth_getTransactionReceipt", hash).get("status").asText())
          .isEqualTo("0x1");
    }
  }

  @Test
  void aKeyFileThatIsNoKeyIsToldWithoutShowingIt() throws Exception {
    Path genesis = folder.resolve("genesis.json");
    Files.writeString(genesis, genesis());
    Path key = folder.resolve("key");
    Files.writeString(key, "topsecretbutmalformed");
    Node.Result wrong = start("run", "--genesis", genesis.toString(), "--key", key.toString());
    assertThat(wrong.status()).isNotZero();
    assertThat(wrong.output())
        .contains("must hold 64 hexadecimal digits")
        .doesNotContain("topsecret");
  }

  /** The key is the identity of the node among its peers: it is neither replaced nor shown. */
  @Test
  void aNodeKeyOrABootNodeThatIsMalformedStopsTheStart() throws Exception {
    Path key = Files.createDirectories(folder.resolve("node")).resolve("p2p_key");
    Files.writeString(key, "topsecretbutmalformed");
    Node.Result wrong = start("dev", "--p2p-port", "0");
    assertThat(wrong.status()).isNotZero();
    assertThat(wrong.output())
        .contains("the node key cannot be used")
        .contains(key.toString())
        .doesNotContain("topsecret");
    assertThat(key).hasContent("topsecretbutmalformed");
    Files.delete(key);
    // of the right form: only the node can see that the id is not a point of the curve
    String url = "enode://" + "0".repeat(128) + "@127.0.0.1:30303";
    wrong = start("dev", "--p2p-port", "0", "--bootnodes", url);
    assertThat(wrong.status()).isNotZero();
    assertThat(wrong.output().lines())
        .as("one line says why")
        .containsOnlyOnce("The node did not start:")
        .hasSize(3)
        .anyMatch(
            line ->
                line.contains("devp2p does not start: --bootnodes (boot.nodes of ")
                    && line.contains("invalid enode URL enode://000"));
    assertThat(folder.resolve("node/logs/karaf.log"))
        .content()
        .doesNotContain("\tat dev.patchbay.p2p");
  }

  /** The JVM ends, and leaves one dump behind. */
  @Test
  void aHeapThatIsExhaustedEndsTheNode() throws Exception {
    Path data = folder.resolve("exhausted");
    Node.Result result =
        Node.launcher(
            Map.of(Node.JAVA_OPTIONS, "-Xmx10m"),
            List.of(
                "dev",
                "--datadir",
                data.toString(),
                "--http-port",
                "" + Node.freePort(),
                "--ws-port",
                "" + Node.freePort()));
    assertThat(result.status()).isNotZero();
    assertThat(result.output()).contains("java.lang.OutOfMemoryError: Java heap space");
    assertThat(data.resolve("logs/heap.hprof")).isNotEmptyFile();
  }

  @Test
  void wrongOptionsAreToldAtOnce() throws Exception {
    assertThat(start("dev", "--http-prot", "1").output()).contains("unknown option --http-prot");
    assertThat(start("dev", "--block-period", "soon").output())
        .contains("needs a number, not 'soon'");
    assertThat(start("dev", "--storage", "a floppy").output())
        .contains("memory, mapdb, rocksdb or the name of another backend, not 'a floppy'");
    assertThat(start("dev", "--history", "5").output())
        .contains("0 for all or at least 128, not 5");
    assertThat(start("dev", "--history", "9".repeat(30)).output()).contains("needs a number");
    assertThat(start("dev", "--history-blocks", "127").output())
        .contains("--history-blocks is 0 for all or at least 128, not 127");
    assertThat(start("dev", "--history-transactions", "some").output())
        .contains("--history-transactions needs a number, not 'some'");
    assertThat(start("dev", "--history-blocks", "200", "--history", "300").output())
        .contains("--history-blocks is 200, it must be at least --history, which is 300");
    assertThat(start("dev", "--history-transactions", "300", "--history-blocks", "200").output())
        .contains("is 300, it must be at most --history-blocks, which is 200");
    assertThat(start("run", "--p2p", "maybe").output()).contains("on or off, not 'maybe'");
    assertThat(start("dev", "--p2p-port", "70000").output())
        .contains("--p2p-port is at most 65535, not 70000");
    assertThat(start("dev", "--discovery", "v6").output())
        .contains("--discovery is v4, v5, v4,v5 or off, not 'v6'");
    assertThat(start("run", "--block-gossip", "on").output())
        .contains("--block-gossip is auto, announce, full or off, not 'on'");
    assertThat(start("dev", "--p2p-port", "0", "--bootnodes", "nosuch.txt").output())
        .contains("--bootnodes: there is no file 'nosuch.txt'");
    assertThat(start("dev", "--p2p-port", "0", "--trusted-nodes", folder.toString()).output())
        .contains("--trusted-nodes: " + folder + " is not a file that can be read");
    Path nodes = folder.resolve("nodes");
    Files.writeString(nodes, "# mine\nenode://zz@127.0.0.1:30303\n");
    assertThat(start("run", "--static-nodes", nodes.toString()).output())
        .contains("--static-nodes: invalid enode URL 'enode://zz@127.0.0.1:30303' in " + nodes);
    assertThat(start("dev", "--p2p-port", "0", "--bootnodes", "enr:?,x").output())
        .contains("--bootnodes is a list of enode URLs")
        .contains("not 'enr:?'");
    assertThat(start("dev", "--p2p-port", "0", "--max-peers", "1001").output())
        .contains("--max-peers is at most 1000, not 1001");
    assertThat(start("dev", "--network-id", "0").output()).contains("--network-id is at least 1");
    assertThat(start("dev", "--p2p-port", "0", "--netrestrict", "a b").output())
        .contains("--netrestrict is a value such as 10.0.0.0/8,fd00::/8, not 'a b'");
    assertThat(start("dev", "--max-peers", "5").output())
        .contains("--max-peers needs peers, which dev has with --p2p-port N only");
    assertThat(start("run", "--p2p", "off", "--nat", "extip:203.0.113.7").output())
        .contains("--nat needs peers: leave out --nat, or --p2p off");
    assertThat(start("dev", "--network-id", "main").output()).contains("not 'main'");
    Path key = Files.writeString(folder.resolve("key"), "46".repeat(32));
    assertThat(start("dev", "--key", key.toString()).output())
        .contains(
            "--key needs --genesis FILE: the only signer of the development chain is its own");
    assertThat(start("dev", "--first", "1").output()).contains("unknown option --first");
    assertThat(start("dev", "--check-work", "maybe").output()).contains("on or off, not 'maybe'");
    assertThat(Node.launcher(Map.of(), List.of("fly")).output()).contains("unknown command 'fly'");
    assertThat(start("dev", "--http-port", "0").output()).contains("--http-port is 1 to 65535");
    assertThat(start("run", "--engine-port", "70000").output())
        .contains("--engine-port is 1 to 65535, not 70000");
    assertThat(start("dev", "--http-port", "08546", "--ws-port", "8546").output())
        .contains("--http-port and --ws-port are both 8546");
    assertThat(start("run", "--block-period", "5").output())
        .contains("--block-period is for dev: the period of another chain is in its genesis file");
    assertThat(start("dev", "--genesis", key.toString(), "--block-period", "5").output())
        .contains("--block-period does not fit --genesis");
    assertThat(start("dev", "--history=200").output())
        .contains("an option and its value are two words: --history 200");
    for (String command : List.of("stop", "status", "verify")) { // the word is no data directory
      assertThat(start(command, folder.toString()).output())
          .contains("unexpected '" + folder + "'; the data directory is named by --datadir DIR");
    }
    assertThat(start("stop", "-datadir").output()).contains("unknown option -datadir");
    Node.Result nobody =
        Node.launcher(
            Map.of(), List.of("status", "--datadir", folder.resolve("nosuch").toString()));
    assertThat(nobody.status()).isNotZero();
    assertThat(nobody.output()).contains("no node answers");
  }

  /** Each is one line in the log, on the console and in health; the node goes on. */
  @Test
  void wrongConfigurationsAreReported() throws Exception {
    Map<String, String> wrong =
        Map.of(
            "rpc.listener-mine",
            "port = abc|dev.patchbay.rpc.listener~mine: port must be a number between 0 and 65535,"
                + " not 'abc'",
            "rpc.ipc-mine",
            "path =|dev.patchbay.rpc.ipc~mine: path must be a path of at most 103 characters, not ''",
            "rpc.engine",
            "inconsistent.status = yes|dev.patchbay.rpc.engine: inconsistent.status must be true or"
                + " false, not 'yes'",
            "p2p.eth",
            "block.gossip = maybe|dev.patchbay.p2p.eth: block.gossip must be auto, announce, full or"
                + " off, not 'maybe'",
            "p2p.chronos",
            "max.connections = 0|chronos does not start: dev.patchbay.p2p.chronos: max.connections"
                + " must be between 1 and 1000, not 0",
            "tracer.js",
            "seconds = 0|dev.patchbay.tracer.js: seconds must be between 1 and 86400, not 0",
            "txpool",
            "min.tip = 1 gwei|dev.patchbay.txpool: min.tip must be a number between 0 and"
                + " 9223372036854775807, not '1 gwei'");
    try (Node node = new Node(folder.resolve("node")).quick().start()) {
      Path log = node.data.resolve("logs/karaf.log");
      configurationsAreNotWritten(node);
      for (Map.Entry<String, String> entry : wrong.entrySet()) {
        String[] parts = entry.getValue().split("\\|", -1);
        Files.writeString(
            node.data.resolve("etc/dev.patchbay." + entry.getKey() + ".cfg"), parts[0] + "\n");
        Journeys.await(parts[1], () -> Files.readString(log).contains("| " + parts[1] + "\n"));
        Journeys.await(parts[1], () -> node.output().contains("  error: " + parts[1]));
      }
      Node.Result doctor = node.shell("patchbay:doctor");
      assertThat(doctor.status()).isEqualTo(1);
      for (String value : wrong.values()) {
        String message = value.substring(value.indexOf('|') + 1);
        assertThat(doctor.output()).contains(message);
        assertThat(Files.readString(log).lines().filter(line -> line.contains(message))).hasSize(1);
      }
      assertThat(log).content().doesNotContain("\tat ", "InvalidConfigurationException");
      assertThat(node.result("net_version").asText()).as("it goes on").isEqualTo("1337");
      for (String name : wrong.keySet()) {
        Files.delete(node.data.resolve("etc/dev.patchbay." + name + ".cfg"));
      }
      Journeys.await("no finding", () -> node.shell("patchbay:doctor").status() == 0);
      unknownKey(node, log);
    }
  }

  /** A file that the container writes can be read, or left by a kill, without its keys. */
  private static void configurationsAreNotWritten(Node node) throws Exception {
    FileTime started = Files.getLastModifiedTime(node.data.resolve("pid"));
    try (Stream<Path> files = Files.list(node.data.resolve("etc"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".cfg")).toList()) {
        assertThat(Files.getLastModifiedTime(file)).as("%s", file).isLessThan(started);
      }
    }
  }

  private static void unknownKey(Node node, Path log) throws Exception {
    Path listener = node.data.resolve("etc/dev.patchbay.rpc.listener-mine.cfg");
    Files.writeString(listener, "port = 0\nmax.body.byte = 5\n");
    FileTime written = Files.getLastModifiedTime(listener);
    String unknown = "dev.patchbay.rpc.listener~mine: unknown key max.body.byte; known are ";
    Journeys.await(unknown, () -> Files.readString(log).contains(unknown));
    Journeys.await(unknown, () -> node.output().contains("  warning: " + unknown));
    Node.Result doctor = node.shell("patchbay:doctor");
    assertThat(doctor.output())
        .contains("configuration dev.patchbay.rpc.listener~mine: unknown key max.body.byte; known")
        .contains("max.body.bytes", "correct " + listener);
    assertThat(doctor.status()).as("the listener works").isZero();
    assertThat(Files.getLastModifiedTime(listener)).isEqualTo(written);
    node.shell("config:property-set -p dev.patchbay.rpc.listener~mine max.body.bytes 5000");
    Journeys.await(
        "the value of the shell",
        () -> Files.readString(listener).contains("max.body.bytes = 5000"));
  }
}
