// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** With a period, blocks come by the clock, with or without transactions. */
@Isolated
class BlockPeriodIT {
  @TempDir Path folder;

  @Test
  void blocksComeEverySecond() throws Exception {
    try (Node node = new Node(folder.resolve("node")).quick().start("--block-period", "1")) {
      await(node, 2);
      String hash =
          node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 0))).asText();
      long mined = Long.decode(Journeys.receipt(node, hash).get("blockNumber").asText());
      await(node, mined + 2);
      for (long number = mined - 1; number <= mined + 2; number++) {
        JsonNode block = node.result("eth_getBlockByNumber", "0x" + Long.toHexString(number), true);
        JsonNode parent =
            node.result("eth_getBlockByNumber", "0x" + Long.toHexString(number - 1), true);
        assertThat(block.get("transactions").size()).isEqualTo(number == mined ? 1 : 0);
        if (number > 1) {
          assertThat(
                  Long.decode(block.get("timestamp").asText())
                      - Long.decode(parent.get("timestamp").asText()))
              .as("seconds between blocks")
              .isBetween(1L, 3L);
        }
      }
    }
  }

  private static void await(Node node, long head) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (Long.decode(node.result("eth_blockNumber").asText()) < head) {
      assertThat(System.nanoTime()).as("block " + head + " within 60 s").isLessThan(limit);
      LockSupport.parkNanos(50_000_000);
    }
  }
}
