// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.ZERO;
import static dev.patchbay.itests.EngineDriver.altered;
import static dev.patchbay.itests.EngineDriver.attributes;
import static dev.patchbay.itests.EngineDriver.hash;
import static dev.patchbay.itests.EngineDriver.status;
import static dev.patchbay.itests.EngineDriver.timeOf;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A consensus client's day, by script: blocks over all forks after the merge, built, handed over,
 * made the head, reorganised and finalized, every message twice, with kills in between.
 */
class EngineFlowIT {
  @TempDir Path folder;

  @Test
  void theFlowGoesOverAllForksAndKills() throws Exception {
    try (Node node = new Node(folder.resolve("node"), "run").quick()) {
      node.start("--genesis", EngineDriver.genesis(folder).toString());
      EngineDriver driver = EngineDriver.of(node);
      assertThat(node.shell("patchbay:status").output()).contains("not told by a consensus client");
      List<String> chain = new ArrayList<>();
      List<ObjectNode> envelopes = new ArrayList<>();
      long nonce = 0;
      List<Long> times = new ArrayList<>();
      for (long time = 52; time <= EngineDriver.OSAKA + 60; time += 12) {
        times.add(time);
      }
      for (long time = EngineDriver.AMSTERDAM; times.size() < 40; time += 12) {
        times.add(time);
      }
      for (long time : times) {
        String sent = node.send(Accounts.transfer(0, nonce++));
        ObjectNode attributes = attributes(time);
        String id = driver.start(attributes);
        assertThat(driver.start(attributes)).isEqualTo(id);
        ObjectNode envelope = filled(driver, id, time);
        if (chain.size() == 9) { // built, and not handed over yet
          node.kill();
          node.start();
          driver = resumed(node, driver);
          Journeys.awaitTransaction(node, sent);
          envelope = filled(driver, driver.start(attributes), time);
          assertThat(envelope.at("/executionPayload/transactions"))
              .as("what a client has sent survives a kill")
              .hasSize(1);
        }
        for (int twice = 0; twice < 2; twice++) {
          JsonNode inserted = driver.insert(envelope);
          assertThat(status(inserted)).as("" + inserted).isEqualTo("VALID");
        }
        assertThat(head(node)).isEqualTo(driver.head);
        if (chain.size() == 20) { // handed over, and not the head yet
          node.kill();
          node.start();
          driver = resumed(node, driver);
        }
        ObjectNode side = altered(envelope, p -> p.put("extraData", "0x51de"));
        assertThat(status(driver.insert(side))).isEqualTo("VALID");
        String before = driver.head;
        driver.setHead(hash(side), timeOf(side));
        assertThat(head(node)).isEqualTo(hash(side));
        driver.head = before;
        for (int twice = 0; twice < 2; twice++) { // a reorganisation to the block beside it
          driver.setHead(hash(envelope), timeOf(envelope));
          assertThat(head(node)).isEqualTo(hash(envelope));
        }
        boolean mined = envelope.at("/executionPayload/transactions").size() > 0;
        if (mined) {
          assertThat(node.result("eth_getTransactionReceipt", sent).get("blockHash").asText())
              .isEqualTo(driver.head);
        }
        chain.add(driver.head);
        envelopes.add(envelope);
        if (chain.size() > 4) {
          driver.safe = chain.get(chain.size() - 2);
          driver.finalized = chain.get(chain.size() - 4);
          driver.setHead(driver.head, driver.time);
        }
      }
      assertThat(tag(node, "safe")).isEqualTo(driver.safe);
      assertThat(tag(node, "finalized")).isEqualTo(driver.finalized);
      assertThat(node.shell("patchbay:status").output())
          .contains("safe       ", driver.safe, "finalized  ", driver.finalized);
      assertThat(node.output()).contains(driver.head); // the launcher shows each new head
      node.kill();
      node.start();
      driver = resumed(node, driver);
      assertThat(head(node)).isEqualTo(driver.head);
      assertThat(tag(node, "safe")).isEqualTo(driver.safe);
      assertThat(tag(node, "finalized")).isEqualTo(driver.finalized);
      for (ObjectNode envelope : envelopes) {
        assertThat(status(driver.insert(envelope))).isEqualTo("VALID");
      }
      assertThat(head(node)).isEqualTo(driver.head);
      bodies(driver, envelopes);
      System.out.printf("engine flow: %d blocks over 6 forks%n", chain.size());
    }
  }

  /** Fetches a payload once it has what the pool holds. */
  private static ObjectNode filled(EngineDriver driver, String id, long time) throws Exception {
    Thread.sleep(120);
    return driver.fetch(id, time);
  }

  private static EngineDriver resumed(Node node, EngineDriver before) throws Exception {
    EngineDriver driver = new EngineDriver(EngineClient.of(node), before.head, before.time);
    driver.safe = before.safe;
    driver.finalized = before.finalized;
    return driver;
  }

  private static String head(Node node) throws Exception {
    return tag(node, "latest");
  }

  private static String tag(Node node, String tag) throws Exception {
    return node.result("eth_getBlockByNumber", tag, false).get("hash").asText();
  }

  private static void bodies(EngineDriver driver, List<ObjectNode> envelopes) throws Exception {
    String count = "0x" + Integer.toHexString(envelopes.size() + 5);
    JsonNode range = driver.client.result("engine_getPayloadBodiesByRangeV1", "0x1", count);
    assertThat(range).hasSize(envelopes.size()); // no nulls after the head
    for (int i = 0; i < envelopes.size(); i++) {
      JsonNode payload = envelopes.get(i).get("executionPayload");
      assertThat(range.get(i).get("transactions")).isEqualTo(payload.get("transactions"));
      JsonNode withdrawals = range.get(i).get("withdrawals");
      assertThat(withdrawals.isNull()).isEqualTo(!payload.has("withdrawals"));
      if (payload.has("withdrawals")) {
        assertThat(withdrawals).isEqualTo(payload.get("withdrawals"));
      }
    }
    ObjectNode last = envelopes.get(envelopes.size() - 1);
    String list = last.at("/executionPayload/blockAccessList").asText();
    assertThat(
            driver
                .client
                .result("engine_getPayloadBodiesByHashV2", List.of(hash(last)))
                .at("/0/blockAccessList")
                .asText())
        .isEqualTo(list);
    List<String> hashes = List.of(hash(envelopes.get(0)), ZERO);
    JsonNode byHash = driver.client.result("engine_getPayloadBodiesByHashV1", hashes);
    assertThat(byHash.get(0)).isEqualTo(range.get(0));
    assertThat(byHash.get(1).isNull()).isTrue();
    JsonNode second = driver.client.result("engine_getPayloadBodiesByHashV2", hashes).get(0);
    assertThat(second.get("blockAccessList").isNull()).isTrue();
    assertThat(second.get("transactions")).isEqualTo(range.get(0).get("transactions"));
    assertThat(driver.client.result("engine_getPayloadBodiesByRangeV2", "0x1", "0x2").get(0))
        .isEqualTo(second);
    for (String[] wrong : new String[][] {{"0x0", "0x1"}, {"0x1", "0x0"}}) {
      assertThat(
              driver
                  .client
                  .call("engine_getPayloadBodiesByRangeV1", wrong[0], wrong[1])
                  .at("/error/code")
                  .asInt())
          .isEqualTo(-32602);
    }
    assertThat(
            driver
                .client
                .call("engine_getPayloadBodiesByRangeV1", "0x1", "0x401")
                .at("/error/code")
                .asInt())
        .isEqualTo(-38004);
  }

  /** A blob of zeros, whose commitment and proofs are the point at infinity. */
  @Test
  void blobsTravelFromThePoolIntoTheBundle() throws Exception {
    String infinity = "0xc0" + "00".repeat(47);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Bytes.fromHex(infinity).toArray());
    digest[0] = 1;
    Hash hash = Hash.wrap(digest);
    try (Node node = new Node(folder.resolve("blobs"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
      EngineDriver driver = EngineDriver.of(node);
      long nonce = 0;
      for (long fork : List.of(EngineDriver.CANCUN, EngineDriver.OSAKA)) {
        driver.adopt(driver.build(fork));
        int version = fork == EngineDriver.OSAKA ? 1 : 0;
        String sent =
            node.result("eth_sendRawTransaction", blobTransaction(nonce++, version, hash, infinity))
                .asText();
        long time = fork + 12;
        String id = driver.start(attributes(time));
        Thread.sleep(1_500);
        ObjectNode envelope = driver.fetch(id, time);
        JsonNode bundle = envelope.get("blobsBundle");
        assertThat(bundle.get("blobs")).hasSize(1);
        assertThat(bundle.get("commitments").get(0).asText()).isEqualTo(infinity);
        assertThat(bundle.get("proofs")).hasSize(version == 0 ? 1 : 128);
        assertThat(bundle.get("proofs").get(0).asText()).isEqualTo(infinity);
        Object[] others = EngineDriver.params(envelope);
        others[1] = List.of();
        JsonNode refused = driver.client.call(EngineDriver.method(envelope), others);
        assertThat(status(refused)).as("without the versioned hash").isEqualTo("INVALID");
        driver.adopt(envelope);
        assertThat(node.result("eth_getTransactionReceipt", sent).get("status").asText())
            .isEqualTo("0x1");
        List<String> asked = List.of(hash.toString(), "0x01" + "ab".repeat(31));
        JsonNode old = driver.client.call("engine_getBlobsV1", asked);
        JsonNode all = driver.client.result("engine_getBlobsV2", asked);
        JsonNode one = driver.client.result("engine_getBlobsV2", asked.subList(0, 1));
        JsonNode some = driver.client.result("engine_getBlobsV3", asked);
        assertThat(all.isNull()).isTrue();
        if (version == 0) {
          assertThat(old.at("/result/0/proof").asText()).isEqualTo(infinity);
          assertThat(old.at("/result/1").isNull()).isTrue();
          assertThat(one.isNull()).as("a proof of the old kind").isTrue();
        } else {
          assertThat(old.at("/error/code").asInt()).isEqualTo(-38005);
          assertThat(one.at("/0/proofs")).hasSize(128);
          assertThat(some.at("/0/blob").asText()).isEqualTo("0x" + "00".repeat(131_072));
          assertThat(some.get(1).isNull()).isTrue();
          cells(driver, asked, infinity);
        }
      }
    }
  }

  /** Columns 0, 9 and 127: bits of bytes 0, 1 and 15. */
  private static void cells(EngineDriver driver, List<String> asked, String infinity)
      throws Exception {
    String columns = "0x0102" + "00".repeat(13) + "80";
    JsonNode some = driver.client.result("engine_getBlobsV4", asked, columns);
    String cell = "0x" + "00".repeat(2_048);
    assertThat(some.at("/0/blob_cells")).hasSize(3).allMatch(c -> c.asText().equals(cell));
    assertThat(some.at("/0/proofs")).hasSize(3).allMatch(p -> p.asText().equals(infinity));
    assertThat(some.get(1).isNull()).isTrue();
    for (Object wrong : new Object[] {"0x01", "0x" + "00".repeat(17), 1}) {
      assertThat(driver.client.call("engine_getBlobsV4", asked, wrong).at("/error/code").asInt())
          .isEqualTo(-32602);
    }
    assertThat(driver.client.call("engine_getBlobsV4", asked).at("/error/code").asInt())
        .isEqualTo(-32602);
    List<String> many = Collections.nCopies(129, asked.get(0));
    assertThat(driver.client.call("engine_getBlobsV4", many, columns).at("/error/code").asInt())
        .isEqualTo(-38004);
  }

  /** Returns a blob transaction as it is sent, with one blob of zeros. */
  private static String blobTransaction(long nonce, int version, Hash hash, String infinity) {
    Transaction transaction =
        Accounts.transaction(TransactionType.BLOB, nonce)
            .gasLimit(21_000)
            .to(Address.fromHex(Accounts.FIRST))
            .maxFeePerBlobGas(UInt256.of(1_000_000_000))
            .blobVersionedHashes(List.of(hash))
            .sign(Accounts.KEYS[0]);
    byte[] encoded = transaction.encode();
    byte[] body = Arrays.copyOfRange(encoded, 1, encoded.length);
    byte[] point = Bytes.fromHex(infinity).toArray();
    RlpWriter writer = new RlpWriter();
    writer.list(
        w -> {
          w.raw(body);
          if (version == 1) {
            w.number(1);
          }
          w.list(blobs -> blobs.bytes(new byte[131_072]));
          w.list(commitments -> commitments.bytes(point));
          w.list(
              proofs -> {
                for (int i = 0; i < (version == 0 ? 1 : 128); i++) {
                  proofs.bytes(point);
                }
              });
        });
    return "0x03" + Hex.encode(writer.toArray()).substring(2);
  }

  @Test
  void tokensAsHiveChecksThem() throws Exception {
    try (Node node = new Node(folder.resolve("jwt"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
      EngineClient client = EngineClient.of(node);
      String request = Node.request("engine_exchangeCapabilities", List.of());
      long now = Instant.now().getEpochSecond();
      assertThat(client.post(request, null).statusCode()).as("no token").isEqualTo(401);
      assertThat(client.post(request, "{}").statusCode()).as("no time").isEqualTo(401);
      assertThat(answered(client, request, now - 5)).as("5 s behind").isEqualTo(200);
      assertThat(answered(client, request, now + 5)).as("5 s ahead").isEqualTo(200);
      assertThat(answered(client, request, now - 70)).as("70 s behind").isEqualTo(401);
      assertThat(answered(client, request, now + 70)).as("70 s ahead").isEqualTo(401);
      String other = "Bearer " + Tokens.signed(new byte[32], "{\"iat\":" + now + "}");
      assertThat(client.postWith(request, other).statusCode()).as("other secret").isEqualTo(401);
      HttpResponse<String> good = client.post(request, "{\"iat\":" + now + ",\"id\":\"cl\"}");
      assertThat(good.statusCode()).isEqualTo(200);
      assertThat(good.body())
          .contains("engine_newPayloadV4")
          .doesNotContain("engine_exchangeCapabilities");
      assertThat(node.call("engine_exchangeCapabilities", List.of()).at("/error/code").asInt())
          .as("the public port serves no engine")
          .isEqualTo(-32601);
      JsonNode version = client.result("engine_getClientVersionV1", java.util.Map.of("code", "XX"));
      assertThat(version.get(0).get("code").asText()).isEqualTo("PB");
      assertThat(version.get(0).get("commit").asText()).matches("0x[0-9a-f]{8}");
      for (String method :
          List.of("eth_blockNumber", "eth_chainId", "eth_syncing", "eth_getLogs")) {
        Object[] params =
            method.equals("eth_getLogs") ? new Object[] {java.util.Map.of()} : new Object[0];
        client.result(method, params);
      }
      Path listener = node.data.resolve("etc/dev.patchbay.rpc.listener-open.cfg");
      Files.writeString(listener, "port = 0\nnamespaces = engine\n");
      Path file = node.data.resolve("logs/karaf.log");
      String refusal = "served to those alone who have a secret";
      Journeys.await(refusal, () -> Files.readString(file).contains(refusal));
      String log = Files.readString(file);
      assertThat(log).doesNotContain(Files.readString(node.data.resolve("jwt.hex")).strip());
    }
  }

  private static int answered(EngineClient client, String request, long issued) throws Exception {
    return client.post(request, "{\"iat\":" + issued + "}").statusCode();
  }
}
