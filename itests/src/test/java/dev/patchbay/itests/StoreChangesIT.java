// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.MigrationIT.migrate;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chain moves from each store to each other one, or stays where a migration fails. */
class StoreChangesIT {
  /** The stages of a migration before the choice of the new store. */
  private static final List<String> STAGES =
      List.of("PREPARE", "COPY", "CATCH_UP", "FENCE", "REPLACE");

  @TempDir Path folder;

  @Test
  void everyStoreMovesToEveryOther() throws Exception {
    try (Node node = new Node(folder.resolve("directions")).quick().start("--storage", "memory")) {
      List<String> hashes = new ArrayList<>();
      for (String to : List.of("mapdb", "rocksdb", "memory", "rocksdb", "mapdb", "memory")) {
        String hash =
            node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, hashes.size())))
                .asText();
        Journeys.receipt(node, hash);
        hashes.add(hash);
        migrate(node, to);
        for (String known : hashes) {
          assertThat(node.result("eth_getTransactionReceipt", known).get("status").asText())
              .isEqualTo("0x1");
        }
      }
    }
  }

  @Test
  void aFailureLeavesTheOldStore() throws Exception {
    String failures = STAGES.stream().map(stage -> stage + ":fail").collect(joining(","));
    Map<String, String> environment =
        Map.of(Node.JAVA_OPTIONS, "-Dpatchbay.migration.fail=" + failures);
    try (Node node = new Node(folder.resolve("failures")).quick().start(environment)) {
      for (int i = 0; i < STAGES.size(); i++) {
        String stage = STAGES.get(i);
        String hash =
            node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 2 * i)))
                .asText();
        Journeys.receipt(node, hash);
        Node.Result result = node.shell("storage:migrate", "memory");
        assertThat(result.status()).as(stage).isNotZero();
        assertThat(result.output()).contains("injected failure at " + stage);
        assertThat(node.shell("storage:list").output()).as(stage).contains("* mapdb");
        String next =
            node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 2 * i + 1)))
                .asText();
        assertThat(Journeys.receipt(node, next).get("status").asText()).as(stage).isEqualTo("0x1");
      }
      migrate(node, "memory");
    }
  }
}
