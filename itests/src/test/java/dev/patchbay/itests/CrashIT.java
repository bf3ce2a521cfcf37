// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 at random moments under load: what a client was told stays true. */
class CrashIT {
  @TempDir Path folder;

  @Test
  void reportedBlocksSurviveKills() throws Exception {
    int kills = Integer.getInteger("it.kills", 5);
    Random random = new Random(kills);
    Node node = new Node(folder.resolve("node")).quick();
    Map<String, String> reported = new LinkedHashMap<>();
    for (int round = 0; round < kills; round++) {
      node.start();
      for (Map.Entry<String, String> entry : reported.entrySet()) {
        JsonNode receipt = node.result("eth_getTransactionReceipt", entry.getKey());
        assertThat(receipt.path("blockHash").asText())
            .as("block of %s", entry.getKey())
            .isEqualTo(entry.getValue());
      }
      reported.putAll(load(node, 300 + random.nextInt(1500)));
      node.kill();
    }
    node.start();
    assertThat(reported).hasSizeGreaterThan(kills);
    long before = Long.decode(node.result("eth_blockNumber").asText());
    load(node, 500);
    assertThat(Long.decode(node.result("eth_blockNumber").asText())).isGreaterThan(before);
    System.out.println(
        "kills: " + kills + ", transactions reported and found again: " + reported.size());
    node.close();
    damage(node);
  }

  /**
   * Sends transfers for some milliseconds; returns the hashes whose receipts were seen, with their
   * blocks.
   */
  private static Map<String, String> load(Node node, int millis) throws Exception {
    Map<String, String> seen = new ConcurrentHashMap<>();
    long nonce =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (System.nanoTime() < end) {
      String hash =
          node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce++)))
              .asText();
      JsonNode receipt = Journeys.receipt(node, hash);
      seen.put(hash, receipt.get("blockHash").asText());
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    return seen;
  }

  /** A damaged store is refused with advice, and never becomes an empty chain. */
  private static void damage(Node node) throws Exception {
    Path file = node.copyOf("mapdb").resolve("chain.mapdb");
    Files.write(file, new byte[4096], StandardOpenOption.WRITE);
    Node.Result refused =
        Node.launcher(
            Map.of(),
            List.of(
                "dev",
                "--datadir",
                node.data.toString(),
                "--http-port",
                "" + node.httpPort,
                "--ws-port",
                "" + node.wsPort));
    assertThat(refused.status()).isNotZero();
    assertThat(refused.output()).contains("damaged").contains("backup");
  }
}
