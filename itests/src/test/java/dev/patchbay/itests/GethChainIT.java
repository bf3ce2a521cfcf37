// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A consensus client names the newest block of geth's test chain, and the node gets the chain from
 * a peer that has imported it. Run by {@code -Pgeth}: the chain is in geth's module.
 */
class GethChainIT {
  private static final int BLOCKS = 600;

  @TempDir Path folder;

  @Test
  void theChainOfGethIsDownloadedToTheNamedHead() throws Exception {
    assumeTrue(Npm.works("go", "version"), "SKIPPED: the test chain is in a module of Go");
    Path chain = GethSuitesIT.Release.CURRENT.chain();
    String genesis = chain.resolve("genesis.json").toString();
    JsonNode request = Node.json(Files.readString(chain.resolve("headfcu.json")));
    String method = request.get("method").asText();
    JsonNode state = request.at("/params/0");
    try (Node source = new Node(folder.resolve("source"), "run");
        Node node = new Node(folder.resolve("node"), "run")) {
      source.start(
          options("--genesis", genesis, "--import", chain.resolve("chain.rlp").toString()));
      String url = source.result("admin_nodeInfo").get("enode").asText();
      node.start(options("--genesis", genesis, "--static-nodes", url));
      EngineClient client = EngineClient.of(node);
      assertThat(EngineDriver.status(client.call(method, state, null))).isEqualTo("SYNCING");
      Journeys.await(
          "the head that the client names",
          () -> EngineDriver.status(client.call(method, state, null)).equals("VALID"));
      JsonNode head = node.result("eth_getBlockByNumber", "latest", true);
      assertThat(head.get("hash")).isEqualTo(state.get("headBlockHash"));
      assertThat(head).isEqualTo(source.result("eth_getBlockByNumber", "latest", true));
      assertThat(node.result("eth_getBlockByNumber", "finalized", true)).isEqualTo(head);
      assertThat(node.shell("chain:head").output())
          .as("each block is executed once")
          .contains("number        " + BLOCKS)
          .contains("executed      " + BLOCKS + " blocks since the start");
      Journeys.await("the rate in the log", () -> !rate(node).isEmpty());
      System.out.println("geth's test chain, engine-driven: " + rate(node));
    }
  }

  private static String[] options(String... more) {
    List<String> out = new ArrayList<>(List.of(more));
    out.addAll(List.of("--namespaces", "eth,net,admin"));
    out.addAll(List.of("--p2p-port", "0", "--p2p-host", "127.0.0.1", "--discovery", "off"));
    return out.toArray(String[]::new);
  }

  /** Returns what the log says of the download; empty before its end. */
  private static String rate(Node node) throws Exception {
    return Files.readAllLines(node.data.resolve("logs/karaf.log")).stream()
        .filter(line -> line.contains(" blocks up to ") && line.endsWith(" a second"))
        .map(line -> line.substring(line.lastIndexOf(" | ") + 3))
        .findFirst()
        .orElse("");
  }
}
