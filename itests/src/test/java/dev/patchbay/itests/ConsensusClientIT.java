// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lodestar, a consensus client as it is published, drives the node over the Engine API until epochs
 * are finalized, while transactions arrive, the chain moves to another store, the node is restarted
 * and a tracer is exchanged: no proposal is missed. A second node joins late, and gets the blocks
 * that it lacks from the first one. It takes about five minutes, and is run by {@code
 * -Pconsensus-client}.
 */
class ConsensusClientIT {
  private static final String NAMESPACES = "eth,net,web3,rpc,txpool,admin";
  private static final int SLOT_SECONDS = 6;
  private static final int SLOTS_PER_EPOCH = 8;
  private static final int FINALIZED_EPOCH = 3;
  private static final int LAST_SLOT = SLOTS_PER_EPOCH * (FINALIZED_EPOCH + 2) + 2;

  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  @TempDir Path folder;
  private final int rest = Node.freePort();
  private long genesisTime;

  @Test
  void epochsAreFinalizedWithoutAMissedProposal() throws Exception {
    Path project = Npm.install("lodestar", java.util.Map.of());
    Path node22 = Npm.node22(project);
    Node node = new Node(folder.resolve("node"), "run");
    Node late = new Node(folder.resolve("late"), "run");
    Process lodestar = null;
    String genesis = EngineDriver.shanghaiGenesis(folder).toString();
    String[] peers = {
      "--p2p-port", "" + Node.freePort(), "--p2p-host", "127.0.0.1", "--discovery", "off"
    };
    try (EngineRelay relay = new EngineRelay(node.enginePort)) {
      node.start(Journeys.with(peers, "--genesis", genesis, "--namespaces", NAMESPACES));
      EngineClient.of(node);
      lodestar = start(project, node22, node, relay.port);
      AtomicInteger mined = new AtomicInteger();
      Thread sender = new Thread(() -> send(node, mined), "transactions");
      sender.setDaemon(true);
      sender.start();
      afterSlot(9);
      assertThat(node.shell("storage:migrate", "mapdb").output()).contains("done");
      afterSlot(13);
      node.close();
      node.start(Journeys.with(peers, "--namespaces", NAMESPACES));
      afterSlot(18);
      new Swaps(node).round("tracer-call");
      Files.createDirectories(late.data);
      Files.copy(node.data.resolve("jwt.hex"), late.data.resolve("jwt.hex"));
      late.start(
          "--genesis",
          genesis,
          "--p2p-port",
          "0",
          "--p2p-host",
          "127.0.0.1",
          "--discovery",
          "off",
          "--bootnodes",
          node.result("admin_nodeInfo").get("enode").asText());
      assertThat(late.result("eth_blockNumber").asText()).isEqualTo("0x0");
      relay.copyTo(late.enginePort);
      afterSlot(LAST_SLOT);
      sender.interrupt();
      List<Integer> missed = new ArrayList<>();
      for (int slot = 1; slot <= LAST_SLOT; slot++) {
        if (beacon("/eth/v1/beacon/headers/" + slot).statusCode() != 200) {
          missed.add(slot);
        }
      }
      JsonNode checkpoints =
          Node.json(beacon("/eth/v1/beacon/states/head/finality_checkpoints").body());
      int epoch = checkpoints.at("/data/finalized/epoch").asInt();
      JsonNode finalized = node.result("eth_getBlockByNumber", "finalized", false);
      System.out.printf(
          "consensus client: %d slots, missed %s, finalized epoch %d (block %s), %d transactions%n",
          LAST_SLOT, missed, epoch, finalized.get("number").asText(), mined.get());
      System.out.println("the late node has replied " + relay.statuses);
      assertThat(relay.statuses).containsOnly("SYNCING", "VALID").endsWith("VALID");
      for (String block : List.of("latest", "finalized")) {
        Journeys.await(
            "the " + block + " block of the first node",
            () ->
                late.result("eth_getBlockByNumber", block, true)
                    .equals(node.result("eth_getBlockByNumber", block, true)));
      }
      assertThat(missed).isEmpty();
      assertThat(epoch).isGreaterThanOrEqualTo(FINALIZED_EPOCH);
      assertThat(Long.decode(finalized.get("number").asText()))
          .isBetween(1L, (long) LAST_SLOT - SLOTS_PER_EPOCH);
      long head = Long.decode(node.result("eth_blockNumber").asText());
      assertThat(head).isGreaterThanOrEqualTo(LAST_SLOT);
      assertThat(mined.get()).isGreaterThan(LAST_SLOT);
    } finally {
      if (lodestar != null) {
        lodestar.destroyForcibly();
      }
      late.close();
      node.close();
    }
  }

  private Process start(Path project, Path node22, Node node, int engine) throws Exception {
    String genesis = node.result("eth_getBlockByNumber", "0x0", false).get("hash").asText();
    genesisTime = Instant.now().getEpochSecond() + 15;
    List<String> line = new ArrayList<>();
    line.add(node22.resolve("node").toString());
    line.add(
        project
            .resolve("node_modules/@chainsafe/lodestar/lib/index.js")
            .toAbsolutePath()
            .toString());
    line.addAll(List.of("dev", "--preset", "minimal", "--reset"));
    line.addAll(List.of("--dataDir", folder.resolve("lodestar").toString()));
    line.addAll(List.of("--genesisValidators", "8", "--startValidators", "0..7"));
    line.addAll(List.of("--genesisEth1Hash", genesis, "--genesisTime", "" + genesisTime));
    for (String fork : List.of("ALTAIR", "BELLATRIX", "CAPELLA")) {
      line.addAll(List.of("--params." + fork + "_FORK_EPOCH", "0"));
    }
    line.addAll(List.of("--params.TERMINAL_TOTAL_DIFFICULTY", "0"));
    line.addAll(List.of("--params.SECONDS_PER_SLOT", "" + SLOT_SECONDS));
    line.addAll(List.of("--execution.urls", "http://127.0.0.1:" + engine));
    line.addAll(List.of("--jwt-secret", node.data.resolve("jwt.hex").toString()));
    line.addAll(List.of("--eth1", "false", "--rest.port", "" + rest));
    line.addAll(List.of("--beaconNodes", "http://127.0.0.1:" + rest));
    line.addAll(List.of("--port", "" + Node.freePort()));
    line.addAll(List.of("--network.connectToDiscv5Bootnodes", "false"));
    line.addAll(List.of("--suggestedFeeRecipient", "0x" + "00".repeat(19) + "fe"));
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .directory(folder.toFile()) // it writes a file where it runs
            .redirectErrorStream(true)
            .redirectOutput(Path.of("target", "lodestar.log").toFile());
    builder.environment().put("NODE_BACKEND", "js"); // no native BLS
    return builder.start();
  }

  private HttpResponse<String> beacon(String path) throws IOException, InterruptedException {
    return HTTP.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + rest + path))
            .timeout(Duration.ofSeconds(20))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Waits until the block of a slot is proposed, about: a sixth of the slot is over. */
  private void afterSlot(int slot) {
    long at = (genesisTime + (long) slot * SLOT_SECONDS + SLOT_SECONDS / 6) * 1_000;
    for (long left = at - System.currentTimeMillis();
        left > 0;
        left = at - System.currentTimeMillis()) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(left));
    }
  }

  /** Sends a transaction each second, again what the restart made the pool forget. */
  private static void send(Node node, AtomicInteger mined) {
    while (!Thread.currentThread().isInterrupted()) {
      try {
        long next =
            Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
        node.send(Accounts.transfer(0, next));
        long done =
            Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "latest").asText());
        mined.set((int) done);
        Thread.sleep(1_000);
      } catch (InterruptedException ended) {
        return;
      } catch (Exception | AssertionError away) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200)); // the node restarts
      }
    }
  }
}
