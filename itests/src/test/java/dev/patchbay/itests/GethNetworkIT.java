// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Hex;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Three validators of geth 1.13.15 vote a Patchbay in, and the four seal for ten minutes, with
 * transactions at each. Then one of each kind is killed, and the Patchbay is separated; in the end
 * its clock is two seconds ahead. Run by {@code -Pgeth}, which needs the program.
 */
@Isolated
class GethNetworkIT {
  private static final int GETHS = 3;
  private static final int VALIDATORS = GETHS + 1;
  private static final int BLOCKS = 600;

  /** Of a quarter of the blocks, a tenth more or less. */
  private static final int SHARE = BLOCKS / VALIDATORS;

  private static final int SEPARATED_BLOCKS = 30;

  /** By how much the clock of the Patchbay is ahead in the end, and for how many blocks. */
  private static final int AHEAD_SECONDS = 2;

  private static final int AHEAD_BLOCKS = 30;

  /** The keys of the validators, the last one of the Patchbay. */
  private static final List<String> KEYS =
      List.of("a1".repeat(32), "a2".repeat(32), "a3".repeat(32), "a4".repeat(32));

  @TempDir Path folder;
  private String program;
  private Path genesis;
  private final int[] ports = new int[GETHS];
  private final Geth[] geths = new Geth[GETHS];
  private final List<Relay> relays = new ArrayList<>();
  private Node node;
  private final List<String> urls = new ArrayList<>();

  @Test
  void fourValidatorsOfTwoKindsKeepOneChain() throws Exception {
    program = GethPeersIT.Release.CLIQUE.program();
    genesis = genesis();
    try {
      for (int i = 0; i < GETHS; i++) {
        ports[i] = Node.freePort();
        startGeth(i);
        relays.add(new Relay(ports[i]));
        urls.add(enode(i));
      }
      connectGeths();
      await("each geth has block 2", this::gethsSeal);
      node = new Node(folder.resolve("node"), "run").withoutConsensusClient();
      startNode();
      awaitBlocks(1);
      for (Geth geth : geths) {
        geth.result("clique_propose", address(GETHS), true);
      }
      await("four signers", () -> node.result("clique_getSigners").size() == VALIDATORS);
      List<Sender> senders = new ArrayList<>();
      for (int i = 0; i < VALIDATORS; i++) {
        int index = i;
        senders.add(new Sender((method, params) -> call(index, method, params), i));
      }
      senders.forEach(Sender::start);
      eachSealsItsShare();
      theNodeIsKilled();
      aGethIsKilled();
      theNodeIsSeparated();
      theNodeIsAhead();
      for (Sender sender : senders) {
        sender.stop();
      }
      thereIsOneChain();
      noPeerIsLost();
      noTransactionIsLost(senders);
    } finally {
      close();
    }
  }

  // ---- the journey

  /**
   * A geth does not try again to seal a block that it could not seal while its account was locked.
   */
  private boolean gethsSeal() throws Exception {
    for (int i = 0; i < GETHS; i++) {
      geths[i].seal(address(i));
    }
    return number(0) > 1 && number(1) > 1 && number(2) > 1;
  }

  private void eachSealsItsShare() throws Exception {
    long first = number(GETHS) + 2;
    awaitNumber(first + BLOCKS);
    Map<String, Integer> shares = new TreeMap<>();
    for (long i = first; i < first + BLOCKS; i++) {
      shares.merge(signer(i), 1, Integer::sum);
    }
    System.out.printf("shares of %d blocks, Patchbay is %s: %s%n", BLOCKS, address(GETHS), shares);
    assertThat(shares.values())
        .hasSize(VALIDATORS)
        .allSatisfy(share -> assertThat(share).isBetween(SHARE * 9 / 10, SHARE * 11 / 10));
  }

  private void theNodeIsKilled() throws Exception {
    node.kill();
    awaitNumber(number(0) + 2 * VALIDATORS, 0, 1, 2);
    startNode();
    awaitOwnBlock(GETHS);
  }

  /** The clock of the node is ahead from now on. The geths wait for its blocks. */
  private void theNodeIsAhead() throws Exception {
    node.kill();
    node.withClockAhead(AHEAD_SECONDS);
    startNode();
    awaitEarlyBlock();
    awaitOwnBlock(GETHS);
    awaitBlocks(AHEAD_BLOCKS);
  }

  /** Waits for a block that the node seals before its time by the clock of the geths. */
  private void awaitEarlyBlock() throws Exception {
    await(
        "a block from the future",
        () -> {
          JsonNode head = block(GETHS, number(GETHS));
          return head != null
              && Long.decode(head.get("timestamp").asText()) > Instant.now().getEpochSecond()
              && signer(Long.decode(head.get("number").asText())).equals(address(GETHS));
        });
  }

  private void aGethIsKilled() throws Exception {
    geths[1].kill();
    awaitNumber(number(0) + 2 * VALIDATORS, 0, 2, GETHS);
    startGeth(1);
    connectGeths();
    geths[1].seal(address(1));
    awaitOwnBlock(1);
  }

  private void theNodeIsSeparated() throws Exception {
    for (Relay relay : relays) {
      relay.cut();
    }
    await("no peers", () -> node.result("net_peerCount").asText().equals("0x0"));
    long before = Math.max(number(0), Math.max(number(1), number(2)));
    awaitNumber(before + SEPARATED_BLOCKS, 0, 1, 2);
    assertThat(number(GETHS)).as("one of three blocks").isLessThanOrEqualTo(before + 1);
    relays.forEach(Relay::restore);
    awaitOwnBlock(GETHS);
  }

  private void thereIsOneChain() throws Exception {
    awaitBlocks(1);
    long number = number(0);
    awaitNumber(number + 2 * VALIDATORS, 0, 1, 2, GETHS);
    JsonNode expected = block(GETHS, number).get("hash");
    for (int i = 0; i < GETHS; i++) {
      assertThat(block(i, number).get("hash"))
          .as("block %d of geth %d", number, i)
          .isEqualTo(expected);
    }
  }

  /** The geths do not blame the node for blocks from the future. */
  private void noPeerIsLost() throws Exception {
    assertThat(node.result("net_peerCount").asText()).isEqualTo("0x" + GETHS);
    for (Geth geth : geths) {
      assertThat(geth.result("net_peerCount").asText()).isEqualTo("0x" + GETHS);
    }
  }

  private void noTransactionIsLost(List<Sender> senders) throws Exception {
    int count = 0;
    for (Sender sender : senders) {
      for (String hash : sender.hashes()) {
        String block = Journeys.receipt(node, hash).get("blockHash").asText();
        for (int i = 0; i < GETHS; i++) {
          int index = i;
          await(
              hash + " in block " + block + " of geth " + i,
              () ->
                  call(index, "eth_getTransactionReceipt", hash)
                      .at("/result/blockHash")
                      .asText()
                      .equals(block));
        }
        count++;
      }
    }
    System.out.println(count + " transactions are in the chain of each");
  }

  // ---- steps

  /** The development chain as geth 1.13.15 seals it: at London, with three signers. */
  private Path genesis() throws Exception {
    Path dev = Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json");
    ObjectNode out = (ObjectNode) new ObjectMapper().readTree(Files.readString(dev));
    ObjectNode config = (ObjectNode) out.get("config");
    config.remove(
        List.of(
            "arrowGlacierBlock",
            "grayGlacierBlock",
            "shanghaiTime",
            "cancunTime",
            "pragueTime",
            "osakaTime",
            "blobSchedule"));
    ((ObjectNode) config.get("clique")).put("period", 1);
    StringBuilder extra = new StringBuilder("0x" + "0".repeat(64));
    KEYS.stream()
        .limit(GETHS)
        .map(GethNetworkIT::address)
        .sorted()
        .forEach(a -> extra.append(a, 2, 42));
    out.put("extraData", extra + "0".repeat(130));
    return Files.writeString(folder.resolve("genesis.json"), out.toString());
  }

  private static String address(int index) {
    return address(KEYS.get(index));
  }

  private static String address(String key) {
    byte[] secret = java.util.HexFormat.of().parseHex(key);
    return Hex.encode(Secp256k1.address(Secp256k1.publicKey(secret)));
  }

  private void startGeth(int index) throws Exception {
    geths[index] =
        Geth.validator(
            program,
            folder,
            "geth" + index,
            genesis,
            ports[index],
            KEYS.get(index),
            address(index));
  }

  private String enode(int index) throws Exception {
    return geths[index].result("admin_nodeInfo").get("enode").asText();
  }

  private void connectGeths() throws Exception {
    for (int i = 0; i < GETHS; i++) {
      for (int j = 0; j < i; j++) {
        geths[i].result("admin_addPeer", urls.get(j));
        geths[j].result("admin_addPeer", urls.get(i));
      }
    }
    for (Geth geth : geths) {
      await("geths as peers", () -> geth.result("admin_peers").size() >= GETHS - 1);
    }
  }

  private void startNode() throws Exception {
    List<String> through = new ArrayList<>();
    for (int i = 0; i < GETHS; i++) {
      through.add(urls.get(i).replaceAll("@.*", "@127.0.0.1:" + relays.get(i).port));
    }
    Path key = Files.writeString(folder.resolve("node.key"), KEYS.get(GETHS));
    node.start(
        "--genesis",
        genesis.toString(),
        "--key",
        key.toString(),
        "--namespaces",
        "eth,net,clique,txpool",
        "--p2p-port",
        "" + Node.freePort(),
        "--p2p-host",
        "127.0.0.1",
        "--discovery",
        "off",
        "--static-nodes",
        String.join(",", through));
  }

  private JsonNode call(int index, String method, Object... params) throws Exception {
    return index == GETHS ? node.call(method, params) : geths[index].call(method, params);
  }

  private long number(int index) throws Exception {
    return Long.decode(call(index, "eth_blockNumber").get("result").asText());
  }

  private JsonNode block(int index, long number) throws Exception {
    return call(index, "eth_getBlockByNumber", "0x" + Long.toHexString(number), false)
        .get("result");
  }

  private String signer(long number) throws Exception {
    return node.call("clique_getSigner", "0x" + Long.toHexString(number)).path("result").asText();
  }

  /** Waits until a validator has sealed after this moment, in the chain of the node. */
  private void awaitOwnBlock(int index) throws Exception {
    long from = number(0) + 1;
    await(
        "a block of " + address(index),
        () -> {
          long to = number(GETHS);
          for (long number = from; number <= to; number++) {
            if (signer(number).equals(address(index))) {
              return true;
            }
          }
          return false;
        });
  }

  private void awaitBlocks(int count) throws Exception {
    awaitNumber(number(0) + count, 0, 1, 2, GETHS);
  }

  private void awaitNumber(long number, int... validators) throws Exception {
    for (int index : validators.length == 0 ? new int[] {GETHS} : validators) {
      await("block " + number + " of validator " + index, () -> number(index) >= number);
    }
  }

  /** Waits for an event of a network that runs for ten minutes and more. */
  private static void await(String what, Callable<Boolean> condition) throws Exception {
    long limit = System.nanoTime() + TimeUnit.MINUTES.toNanos(20);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as(what).isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
  }

  private void close() throws Exception {
    if (node != null) {
      node.close();
    }
    for (Geth geth : geths) {
      if (geth != null) {
        geth.close();
      }
    }
    for (Relay relay : relays) {
      relay.close();
    }
  }
}
