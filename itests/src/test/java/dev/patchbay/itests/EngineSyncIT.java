// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node that a consensus client drives and that has missed blocks gets them from a peer: the
 * client names the head, the rest comes by eth. The chain goes through all forks from Paris on.
 */
class EngineSyncIT {
  /** More than one batch of headers. */
  private static final int BLOCKS = 700;

  /** Where the follower is killed. */
  private static final int KILLED_AT = 30;

  /** What is replaced while the follower downloads. */
  private static final List<String> REPLACED =
      List.of("sync", "p2p-eth", "p2p-devp2p", "peers", "consensus-engine", "rpc-engine", "chain");

  @TempDir static Path folder;
  private static Path genesis;
  private static Node source;
  private static EngineDriver driver;
  private static String url;
  private static long nonce;

  @BeforeAll
  static void start() throws Exception {
    genesis = EngineDriver.genesis(folder);
    source = new Node(folder.resolve("source"), "run").quick();
    source.start(options());
    url = source.result("admin_nodeInfo").get("enode").asText();
    driver = EngineDriver.of(source);
    for (int i = 0; i < BLOCKS; i++) {
      grow();
    }
  }

  @AfterAll
  static void stop() throws Exception {
    source.close();
  }

  private static String[] options(String... more) {
    List<String> out = new ArrayList<>();
    out.addAll(List.of("--genesis", genesis.toString(), "--namespaces", "eth,net,admin,txpool"));
    out.addAll(List.of("--p2p-port", "0", "--p2p-host", "127.0.0.1", "--discovery", "off"));
    out.addAll(List.of(more));
    return out.toArray(String[]::new);
  }

  private static JsonNode grow() throws Exception {
    source.send(Accounts.transfer(0, nonce++));
    return driver.grow();
  }

  private static String update(EngineDriver follower) throws Exception {
    return EngineDriver.status(
        follower.update(driver.time, driver.head, EngineDriver.ZERO, EngineDriver.ZERO, null));
  }

  private static void awaitValid(EngineDriver follower) throws Exception {
    Journeys.await("the head that the client names", () -> update(follower).equals("VALID"));
  }

  private static JsonNode head(Node node) throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false);
  }

  /** Seed: a fork choice whose head is not here has the node sync from its peers. */
  @Test
  void aHeadThatIsNotHereIsDownloaded() throws Exception {
    try (Node node = new Node(folder.resolve("follower"), "run").quick()) {
      node.start(options("--static-nodes", url));
      EngineDriver follower = EngineDriver.of(node);
      JsonNode last = grow();
      assertThat(EngineDriver.status(follower.insert(last))).isEqualTo("SYNCING");
      assertThat(update(follower)).isEqualTo("SYNCING");
      awaitValid(follower);
      assertThat(head(node)).isEqualTo(head(source));
      assertThat(EngineDriver.status(follower.insert(last))).isEqualTo("VALID");
      assertThat(node.result("eth_syncing").asBoolean(true)).isFalse();
      assertThat(node.result("eth_getBlockReceipts", "0x20"))
          .isEqualTo(source.result("eth_getBlockReceipts", "0x20"));

      Swaps swaps = new Swaps(node);
      for (String replaced : REPLACED) {
        for (int i = 0; i < 40; i++) {
          grow();
        }
        update(follower);
        swaps.shell("bundle:update dev.patchbay." + replaced.replace('-', '.'));
        awaitValid(follower);
        assertThat(head(node)).as(replaced).isEqualTo(head(source));
        swaps.oldLoadersAreCollected("dev.patchbay." + replaced.replace('-', '.'));
      }
      swaps.shell("storage:migrate mapdb");
      grow();
      grow();
      awaitValid(follower);
      assertThat(node.shell("chain:verify").output()).contains("the store is whole");
    }
  }

  @Test
  void aDownloadGoesOnAfterAKill() throws Exception {
    try (Node node = new Node(folder.resolve("killed"), "run").quick()) {
      node.start(options("--static-nodes", url));
      EngineDriver first = EngineDriver.of(node);
      Journeys.await(
          "some blocks",
          () -> {
            update(first);
            return Long.decode(head(node).get("number").asText()) >= KILLED_AT;
          });
      node.kill();
      node.start(options("--static-nodes", url));
      assertThat(Long.decode(head(node).get("number").asText())).isGreaterThanOrEqualTo(KILLED_AT);
      awaitValid(EngineDriver.of(node));
      assertThat(head(node)).isEqualTo(head(source));
      assertThat(node.shell("chain:verify").output()).contains("the store is whole");
    }
  }
}
