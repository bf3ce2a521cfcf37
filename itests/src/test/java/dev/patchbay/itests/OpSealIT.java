// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A block of a rollup fetched, handed over and made the head in one call, as op-bnb does it. */
class OpSealIT {
  private static final String GET = "sealApiGetPayloadErrStage";
  private static final String NEW = "sealApiNewPayloadErrStage";
  private static final String UPDATE = "sealApiForkchoiceUpdatedErrStage";

  @TempDir Path folder;

  private static String head(Node node) throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false).get("hash").asText();
  }

  private static void assertFails(JsonNode reply, int code, String stage) {
    assertThat(reply.at("/error/code").asInt()).as("" + reply).isEqualTo(code);
    assertThat(reply.at("/error/message").asText()).as("" + reply).contains(stage);
  }

  @Test
  void everyStageAnswers() throws Exception {
    try (Node node = new Node(folder.resolve("node"), "run").quick()) {
      node.start("--genesis", OpDriver.genesis(folder).toString());
      OpDriver driver = OpDriver.of(node);
      assertThat(driver.client.result("engine_exchangeCapabilities", List.of()).toString())
          .contains("engine_opSealPayloadV2", "engine_opSealPayloadV3", "engine_getPayloadV4");
      long[] times = {20, OpDriver.begin("canyon"), OpDriver.begin("ecotone"), 650};
      for (long time : times) {
        for (long at : new long[] {time, time + 20}) {
          boolean shows = at == time;
          String before = driver.head;
          String id = driver.start(driver.attributes(at, false));
          // op-bnb gossips the block while it is sealed
          FutureTask<JsonNode> gossip = new FutureTask<>(() -> driver.fetch(id, at));
          new Thread(gossip, "seal-gossip").start();
          JsonNode reply = driver.seal(id, at, EngineDriver.ZERO, shows);
          JsonNode sealed = reply.get("result");
          assertThat(sealed).as("" + reply).isNotNull();
          assertThat(sealed.get("errStage").asText()).as("" + reply).isEmpty();
          assertThat(sealed.at("/payloadStatus/status").asText()).isEqualTo("VALID");
          JsonNode gossiped = gossip.get(10, TimeUnit.SECONDS);
          String hash = sealed.at("/payloadStatus/latestValidHash").asText();
          assertThat(EngineDriver.hash(gossiped)).isEqualTo(hash).isNotEqualTo(before);
          assertThat(sealed.get("payload").isNull()).isEqualTo(!shows);
          if (shows) {
            assertThat(sealed.get("payload")).isEqualTo(gossiped);
          }
          assertThat(head(node)).isEqualTo(hash);
          // once more changes nothing
          assertThat(driver.seal(id, at, EngineDriver.ZERO, false).at("/result/errStage").asText())
              .isEmpty();
          assertThat(head(node)).isEqualTo(hash);
          driver.standsAt(hash, at);
        }
      }
      long at = driver.time + 20;
      assertFails(driver.seal("0x0300000000000000", at, EngineDriver.ZERO, true), -38001, GET);
      assertThat(driver.seal("0x03", at, EngineDriver.ZERO, true).at("/error/code").asInt())
          .isIn(-38001, -32602);
      String id = driver.start(driver.attributes(at, true));
      assertFails(driver.seal(id, at, "0x" + "ab".repeat(32), true), -38002, UPDATE);
      assertThat(driver.client.call("engine_opSealPayloadV3", id).at("/error/code").asInt())
          .isEqualTo(-32602);
      assertFails(driver.seal(id, OpDriver.begin("canyon"), EngineDriver.ZERO, true), -38005, GET);
      String[][] away = {
        {"dev.patchbay.op.consensus", "-32000", GET},
        {"dev.patchbay.storage.rocksdb", "-32010", NEW}
      };
      for (String[] bundle : away) {
        node.shell("bundle:stop " + bundle[0]);
        assertFails(
            driver.seal(id, at, EngineDriver.ZERO, true), Integer.parseInt(bundle[1]), bundle[2]);
        node.shell("bundle:start " + bundle[0]);
      }
      assertThat(driver.seal(id, at, EngineDriver.ZERO, true).at("/result/errStage").asText())
          .isEmpty();
      // a payload of a fork that this way of sealing does not know
      long isthmus = OpDriver.begin("isthmus");
      driver.standsAt(head(node), at);
      String later = driver.start(driver.attributes(isthmus, true));
      assertFails(driver.seal(later, isthmus, EngineDriver.ZERO, true), -38005, GET);
      Node.Result installed = node.shell("feature:install patchbay-op"); // all of it is there
      assertThat(installed.status()).as(installed.output()).isZero();
      String signal = "0x" + "00".repeat(16) + "0000000a" + "00".repeat(12);
      assertThat(
              driver
                  .client
                  .result(
                      "engine_signalSuperchainV1",
                      Map.of("recommended", signal, "required", signal))
                  .asText())
          .hasSize(66);
    }
  }

  /** A block of a rollup comes about twice a second while what makes it is exchanged. */
  @Test
  void blocksAreSealedWhileTheRulesAreExchanged() throws Exception {
    try (Node node = new Node(folder.resolve("swapped"), "run")) {
      node.start("--genesis", OpDriver.genesis(folder).toString());
      OpDriver driver = OpDriver.of(node);
      Swaps swaps = new Swaps(node);
      Sequencer sequencer = new Sequencer(driver);
      Thread thread = new Thread(sequencer, "swap-sequencer");
      thread.start();
      List<Long> threads = new ArrayList<>();
      try {
        for (int i = 0; i < Integer.getInteger("it.swaps", 1); i++) {
          for (String name : List.of("op-consensus", "op-engine")) {
            swaps.round(name);
            sequencer.awaitTwoBlocks();
            swaps.oldLoadersAreCollected("dev.patchbay." + name.replace('-', '.'));
          }
          threads.add(swaps.threadCount());
        }
      } finally {
        sequencer.running = false;
        thread.join(30_000);
      }
      assertThat(sequencer.wrong).isEmpty();
      assertThat(head(node)).isEqualTo(driver.head);
      assertThat(threads.get(threads.size() - 1) - threads.get(0))
          .as("threads do not grow: " + threads)
          .isLessThan(16);
      System.out.printf(
          "rollup: %d blocks sealed, %d refusals while bundles were away%n",
          sequencer.blocks, sequencer.refusals);
    }
  }

  /** Builds and seals blocks; what a bundle that is away makes impossible it does again. */
  private static final class Sequencer implements Runnable {
    private static final Set<Integer> DOCUMENTED = Set.of(-32601, -32000);

    final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private final OpDriver driver;
    volatile boolean running = true;
    volatile int blocks;
    int refusals;

    Sequencer(OpDriver driver) {
      this.driver = driver;
    }

    void awaitTwoBlocks() {
      int before = blocks;
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (blocks < before + 2 && System.nanoTime() < limit) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
    }

    @Override
    public void run() {
      long at = OpDriver.begin("ecotone");
      while (running) {
        try {
          JsonNode started = driver.update(driver.head, driver.attributes(at, true));
          JsonNode id = started.at("/result/payloadId");
          JsonNode reply =
              id.isTextual() ? driver.seal(id.asText(), at, EngineDriver.ZERO, false) : started;
          JsonNode status = reply.at("/result/payloadStatus");
          if (id.isTextual() && status.path("status").asText().equals("VALID")) {
            driver.standsAt(status.get("latestValidHash").asText(), at);
            at++;
            blocks++;
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(400));
          } else if (DOCUMENTED.contains(reply.at("/error/code").asInt())) {
            refusals++;
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
          } else {
            wrong.add(started + " " + reply);
          }
        } catch (Exception failure) {
          wrong.add("" + failure);
        }
      }
    }
  }
}
