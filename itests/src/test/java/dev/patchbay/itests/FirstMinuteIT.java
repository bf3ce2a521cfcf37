// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user does in the first minutes, and what a careless or hostile one may do. */
class FirstMinuteIT {
  @TempDir static Path folder;
  private static Node node;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).start();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  @Test
  void theLauncherShowsWhatAUserNeeds() throws Exception {
    assertThat(node.output())
        .contains("http://127.0.0.1:" + node.httpPort)
        .contains("ws://127.0.0.1:" + node.wsPort)
        .contains("chain id   1337")
        .contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        .contains("test test test test test test test test test test test junk");
    assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
    assertThat(node.result("eth_getBalance", Accounts.FIRST, "latest").asText())
        .isNotEqualTo("0x0");
  }

  @Test
  void aTransferIsMinedAtOnceAndTraced() throws Exception {
    long nonce =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    Transaction transfer = Accounts.transfer(0, nonce);
    String hash = node.result("eth_sendRawTransaction", Accounts.raw(transfer)).asText();
    JsonNode receipt = Journeys.receipt(node, hash);
    assertThat(receipt.get("status").asText()).isEqualTo("0x1");
    JsonNode calls = node.result("debug_traceTransaction", hash, Map.of("tracer", "callTracer"));
    assertThat(calls.get("type").asText()).isEqualTo("CALL");
    assertThat(node.result("debug_traceTransaction", hash).get("structLogs")).isEmpty();
    assertThat(
            node.call("debug_traceTransaction", hash, Map.of("tracer", "nosuch"))
                .at("/error/message")
                .asText())
        .contains("nosuch")
        .contains("callTracer");
  }

  @Test
  void theShellAnswers() throws Exception {
    Node.Result status = node.shell("patchbay:status");
    assertThat(status.status()).isZero();
    assertThat(status.output()).contains("chain id   1337").contains("mapdb").contains("clique");
    assertThat(status.output()).startsWith("health     HEALTHY");
    Node.Result healthy = node.shell("patchbay:doctor");
    assertThat(healthy.output())
        .startsWith("the node is healthy: ")
        .containsPattern("\\d+ health checks, \\d+ components, \\d+ bundles, \\d+ features");
    assertThat(healthy.output().strip().lines()).hasSize(1);
    assertThat(healthy.status()).isZero();
    assertThat(node.shell("tracer:list").output()).contains("callTracer").contains("structLogger");
    assertThat(node.shell("rpc:list").output()).contains("eth").contains("debug");
    assertThat(node.shell("txpool:status").output()).contains("pending");
    assertThat(node.shell("chain:head").output()).contains("state root");
    assertThat(node.shell("clique:status").output()).contains("signer");
    Node.Result unknown = node.shell("no:such");
    assertThat(unknown.status()).isNotZero();
    assertThat(node.shell("storage:migrate", "nosuch").output())
        .contains("there is no backend 'nosuch'");
  }

  /** One cause is one finding, the next step that it names ends it, and the status says so. */
  @Test
  void theDoctorNamesTheCause() throws Exception {
    Path misspelt = node.data.resolve("etc/dev.patchbay.rpc.listenr-mine.cfg");
    faultIsFound(
        () -> node.shell("feature:stop patchbay-evm-engine"),
        () -> node.shell("feature:start patchbay-evm-engine"),
        "execution: the EVM 'patchbay' of bundle dev.patchbay.evm.engine is not installed");
    faultIsFound(
        () -> node.shell("feature:uninstall patchbay-storage-mapdb"),
        () -> node.shell("feature:install patchbay-storage-mapdb"),
        "storage.chain: the chosen backend 'mapdb' of bundle dev.patchbay.storage.mapdb is not installed",
        "also waits: chain");
    faultIsFound(
        () -> node.shell("feature:uninstall patchbay-consensus-poa"),
        () -> node.shell("feature:install patchbay-consensus-poa"),
        "chain: the consensus rules 'clique' of bundle dev.patchbay.consensus.poa are not installed");
    faultIsFound(
        () -> node.shell("bundle:stop dev.patchbay.chain"),
        () -> node.shell("bundle:start dev.patchbay.chain"),
        "bundle dev.patchbay.chain: the bundle is stopped (feature patchbay-kernel)",
        "next: bundle:start ",
        "also waits: ");
    faultIsFound(
        () -> node.shell("bundle:uninstall dev.patchbay.rpc.net"),
        () -> node.shell("feature:install patchbay-rpc-net"),
        "feature patchbay-rpc-net: a bundle of the feature is not installed: dev.patchbay.rpc.net",
        "next: feature:install patchbay-rpc-net",
        "also waits: rpc.listener~");
    faultIsFound(
        () -> Files.writeString(misspelt, "port = 0\n"),
        () -> {
          Files.delete(misspelt);
          return misspelt;
        },
        "configuration dev.patchbay.rpc.listenr: no component accepts " + misspelt);
  }

  private interface Step {
    Object run() throws Exception;
  }

  private static void faultIsFound(Step fault, Step repair, String... finding) throws Exception {
    fault.run();
    Journeys.await(finding[0], () -> node.shell("patchbay:doctor").output().contains(finding[0]));
    Node.Result result = node.shell("patchbay:doctor");
    assertThat(result.output()).contains(finding).contains("1 finding: ");
    assertThat(result.status()).isEqualTo(1);
    assertThat(node.shell("patchbay:status").output())
        .containsPattern("^health +(UNAVAILABLE|FAILED): " + Pattern.quote(finding[0]));
    repair.run();
    Journeys.await("a healthy node", () -> node.shell("patchbay:doctor").status() == 0);
    assertThat(node.shell("patchbay:doctor").output()).startsWith("the node is healthy");
  }

  @Test
  void badRequestsGetClearErrors() throws Exception {
    assertThat(code("{")).isEqualTo(-32700);
    assertThat(code("[]")).isEqualTo(-32600);
    assertThat(code("1")).isEqualTo(-32600);
    assertThat(code("{\"jsonrpc\":\"2.0\",\"id\":1}")).isEqualTo(-32600);
    assertThat(code("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_nosuch\"}")).isEqualTo(-32601);
    assertThat(code("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":{}}"))
        .isEqualTo(-32602);
    assertThat(code("[".repeat(1000) + "]".repeat(1000))).isEqualTo(-32700);
    assertThat(node.call("eth_getBalance", 5).at("/error/code").asInt()).isEqualTo(-32602);
    assertThat(node.call("eth_getBalance", "0x12", "latest").at("/error/message").asText())
        .contains("20 bytes");
    assertThat(node.call("eth_sendRawTransaction", "0x02ff").at("/error/code").asInt())
        .isEqualTo(-32602);
    List<Map<String, Object>> batch = new ArrayList<>();
    for (int i = 0; i < 1001; i++) {
      batch.add(Map.of("jsonrpc", "2.0", "id", i, "method", "eth_chainId"));
    }
    String text = new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(batch);
    assertThat(code(text)).isEqualTo(-32005);
    assertThat(node.post("x".repeat(6_000_000)).statusCode()).isEqualTo(413);
    assertThat(node.post("{}", "Content-Type", "text/plain").statusCode()).isEqualTo(415);
    assertThat(
            node.post("{}", "Content-Type", "application/json", "Origin", "https://evil.example")
                .headers()
                .firstValue("access-control-allow-origin"))
        .isEmpty();
    assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
  }

  private static int code(String body) throws Exception {
    return Node.json(node.post(body).body()).at("/error/code").asInt();
  }

  @Test
  void aForeignHostNameIsRefused() throws Exception {
    try (java.net.Socket socket = new java.net.Socket("127.0.0.1", node.httpPort)) {
      socket
          .getOutputStream()
          .write(
              "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                  .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      assertThat(
              new String(
                  socket.getInputStream().readAllBytes(),
                  java.nio.charset.StandardCharsets.US_ASCII))
          .startsWith("HTTP/1.1 403");
    }
  }

  @Test
  void theSecondNodeOnADataDirectoryOrPortIsRefused() throws Exception {
    Node.Result same =
        Node.launcher(
            Map.of(),
            List.of(
                "dev",
                "--datadir",
                node.data.toString(),
                "--http-port",
                "" + Node.freePort(),
                "--ws-port",
                "" + Node.freePort()));
    assertThat(same.status()).isNotZero();
    assertThat(same.output()).contains("in use by another node");
    Node.Result port =
        Node.launcher(
            Map.of(),
            List.of(
                "dev",
                "--datadir",
                folder.resolve("other").toString(),
                "--http-port",
                "" + node.httpPort));
    assertThat(port.status()).isNotZero();
    assertThat(port.output())
        .contains("port " + node.httpPort + " is in use")
        .contains("--http-port");
  }

  @Test
  void onlyTheTwoListenersAreOpenAndOnLoopbackOnly() throws Exception {
    Path sockets = Path.of("/proc/" + node.pid() + "/net/tcp");
    assumeTrue(Files.exists(sockets), "SKIPPED: /proc is not there");
    List<String> inodes;
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + node.pid() + "/fd"))) {
      inodes =
          descriptors
              .map(FirstMinuteIT::target)
              .filter(t -> t.startsWith("socket:["))
              .map(t -> t.substring(8, t.length() - 1))
              .toList();
    }
    List<String> open = new ArrayList<>();
    for (String file : new String[] {"tcp", "tcp6"}) {
      for (String line : Files.readAllLines(Path.of("/proc/" + node.pid() + "/net/" + file))) {
        String[] columns = line.strip().split("\\s+");
        if (columns.length > 9 && columns[3].equals("0A") && inodes.contains(columns[9])) {
          open.add(columns[1]);
        }
      }
    }
    List<String> loopback = List.of("0100007F", "0000000000000000FFFF00000100007F");
    assertThat(open)
        .allMatch(address -> loopback.contains(address.substring(0, address.indexOf(':'))));
    assertThat(
            open.stream().map(a -> Integer.parseInt(a.substring(a.indexOf(':') + 1), 16)).toList())
        .containsExactlyInAnyOrder(node.httpPort, node.wsPort);
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (java.io.IOException gone) {
      return "";
    }
  }

  @Test
  void keysAndSocketArePrivate() throws Exception {
    for (String file : new String[] {"validator.key", "shell.sock"}) {
      assertThat(
              PosixFilePermissions.toString(Files.getPosixFilePermissions(node.data.resolve(file))))
          .isEqualTo("rw-------");
    }
  }
}
