// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 at random moments under load: what a client was told stays true. */
class CrashIT {
  @TempDir Path folder;

  private static final int TRANSACTIONS_PER_SECOND = 50;

  /** Both durable backends at the same time, as a start leaves the machine idle for a part. */
  @Test
  void reportedBlocksSurviveKills() throws Exception {
    int kills = Integer.getInteger("it.kills", 5);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Future<Killed>> nodes = new ArrayList<>();
      for (String backend : List.of("mapdb", "rocksdb")) {
        nodes.add(threads.submit(() -> killed(backend, kills)));
      }
      Killed mapdb = nodes.get(0).get();
      damage(mapdb.node(), mapdb.transaction());
      nodes.get(1).get();
    } finally {
      threads.shutdown();
    }
  }

  /** A node that is stopped, and a transaction of its chain. */
  private record Killed(Node node, String transaction) {}

  /** Kills a node many times under load; returns it, stopped. */
  private Killed killed(String backend, int kills) throws Exception {
    Random random = new Random(kills);
    Node node = new Node(folder.resolve(backend)).quick();
    Map<String, String> all = new LinkedHashMap<>();
    Map<String, String> latest = Map.of();
    int sent = 0;
    long nanos = 0;
    node.start("--storage", backend);
    for (int round = 0; round < kills; round++) {
      TransactionLoad load = TransactionLoad.start(node, TRANSACTIONS_PER_SECOND).awaitFirst();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(1_000)));
      load.kill();
      assertThat(load.failures()).isEmpty();
      latest = load.reported();
      all.putAll(latest);
      sent += load.sent();
      nanos += load.nanos();
      node.start();
      assertStand(node, latest);
    }
    assertStand(node, all);
    assertThat(all).hasSizeGreaterThan(kills);
    long before = Long.decode(node.result("eth_blockNumber").asText());
    TransactionLoad load = TransactionLoad.start(node, TRANSACTIONS_PER_SECOND).awaitFirst();
    load.stop();
    assertThat(load.failures()).isEmpty();
    assertThat(Long.decode(node.result("eth_blockNumber").asText())).isGreaterThan(before);
    assertThat(node.shell("storage:list").output()).contains("* " + backend);
    System.out.printf(
        "kills of %s: %d, at %.0f transactions a second; transactions reported and found again: %d%n",
        backend, kills, sent * 1e9 / nanos, all.size());
    node.close();
    return new Killed(node, all.keySet().iterator().next());
  }

  /** Checks that transactions are in the blocks that were reported. */
  private static void assertStand(Node node, Map<String, String> reported) throws Exception {
    for (Map.Entry<String, String> entry : reported.entrySet()) {
      JsonNode receipt = node.result("eth_getTransactionReceipt", entry.getKey());
      assertThat(receipt.path("blockHash").asText())
          .as("block of %s", entry.getKey())
          .isEqualTo(entry.getValue());
    }
  }

  /** A damaged store is refused with advice, and never becomes an empty chain. */
  private static void damage(Node node, String transaction) throws Exception {
    Path file = node.copyOf("mapdb").resolve("chain.mapdb");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, changed(whole, transaction));
    Node.Result verified =
        Node.launcher(Map.of(), List.of("verify", "--datadir", node.data.toString()));
    assertThat(verified.status()).as(verified.output()).isNotZero();
    assertThat(verified.output()).contains("damaged", "backup").doesNotContain("store is whole");
    Files.write(file, whole);
    Files.write(file, new byte[4096], StandardOpenOption.WRITE);
    byte[] damaged = Files.readAllBytes(file);
    assertThat(Journeys.refusal(node)).contains("damaged").contains("backup");
    verified = Node.launcher(Map.of(), List.of("verify", "--datadir", node.data.toString()));
    assertThat(verified.status()).isNotZero();
    assertThat(verified.output()).contains("damaged", file.getParent().toString());
    assertThat(Files.readAllBytes(file)).as("nothing was changed").isEqualTo(damaged);
  }

  /** Changes a bit of a transaction hash wherever it is: MapDB has no checksums. */
  private static byte[] changed(byte[] whole, String hash) {
    byte[] key = HexFormat.of().parseHex(hash.substring(2));
    byte[] out = whole.clone();
    int places = 0;
    for (int i = 0; i + key.length <= whole.length; i++) {
      if (Arrays.equals(whole, i, i + key.length, key, 0, key.length)) {
        out[i + 8] ^= 1;
        places++;
      }
    }
    assertThat(places).as("places of a transaction hash").isPositive();
    return out;
  }
}
