// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Hex;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that keeps the states of the last 128 blocks only, and later their bodies, too. */
class HistoryIT {
  private static final String RECEIVER = "0x00000000000000000000000000000000000000aa";
  private static final int WINDOW = 128;

  @TempDir private static Path folder;

  @Test
  void statesOutsideOfTheWindowAreForgotten() throws Exception {
    List<String> hashes = new ArrayList<>();
    try (Node node = new Node(folder.resolve("data")).quick().start("--history", "" + WINDOW)) {
      for (int i = 0; i < WINDOW + 12; i++) {
        String raw = Accounts.raw(Accounts.transfer(0, i));
        hashes.add(node.result("eth_sendRawTransaction", raw).asText());
        Journeys.receipt(node, hashes.get(i));
      }
      verify(node, hashes);
      assertThat(node.shell("storage:migrate", "rocksdb").output()).contains("done:");
      verify(node, hashes);
    }
    try (Node node = new Node(folder.resolve("data")).quick().start()) {
      verify(node, hashes);
    }
    // before this start nothing of the first 13 blocks was pruned but their states
    try (Node node =
        new Node(folder.resolve("data"))
            .quick()
            .start("--history", "" + WINDOW, "--history-blocks", "" + WINDOW)) {
      assertThat(node.result("eth_getBlockByNumber", "0x1", false).get("transactions")).hasSize(1);
      String raw = Accounts.raw(Accounts.transfer(0, hashes.size()));
      hashes.add(node.result("eth_sendRawTransaction", raw).asText());
      Journeys.receipt(node, hashes.get(hashes.size() - 1));
      verifyPruned(node, hashes);
      assertThat(node.shell("storage:migrate", "mapdb").output()).contains("done:");
      verifyPruned(node, hashes);
      assertThat(node.shell("chain:verify").output()).contains("the store is whole");
      verifyExport(node, hashes.size());
    }
  }

  private static void verifyPruned(Node node, List<String> hashes) throws Exception {
    int oldest = hashes.size() - WINDOW + 1;
    String first = Hex.quantity(oldest);
    String past = Hex.quantity(oldest - 1);
    String hash = node.result("eth_getHeaderByNumber", past).get("hash").asText();
    assertThat(node.result("eth_getHeaderByHash", hash).get("number").asText()).isEqualTo(past);
    assertThat(node.result("debug_getRawHeader", past).asText()).startsWith("0xf9");
    String reason =
        "pruned history unavailable: block "
            + (oldest - 1)
            + " has been pruned, blocks are available from block "
            + oldest
            + " on";
    Map<String, Object> tracer = Map.of("tracer", "callTracer");
    Map<String, Object> range = Map.of("fromBlock", past, "toBlock", first);
    for (JsonNode answer :
        List.of(
            node.call("eth_getBlockByNumber", past, true),
            node.call("eth_getBlockByHash", hash, false),
            node.call("eth_getBlockReceipts", past),
            node.call("eth_getBlockTransactionCountByNumber", past),
            node.call("eth_getTransactionByBlockNumberAndIndex", past, "0x0"),
            node.call("eth_getTransactionByBlockHashAndIndex", hash, "0x0"),
            node.call("eth_getLogs", range),
            node.call("eth_getLogs", Map.of("blockHash", hash)),
            node.call("eth_feeHistory", "0x2", first, List.of(50)),
            node.call("debug_getRawBlock", past),
            node.call("debug_getRawReceipts", past),
            node.call("debug_traceBlockByNumber", past, tracer),
            node.call("debug_traceBlockByHash", hash, tracer),
            node.call("debug_intermediateRoots", hash),
            node.call("debug_executionWitness", past),
            node.call("trace_block", past),
            node.call("trace_replayBlockTransactions", past, List.of("trace")),
            node.call("trace_filter", range))) {
      assertThat(answer.at("/error/code").asInt()).as(answer.toString()).isEqualTo(4444);
      assertThat(answer.at("/error/message").asText()).isEqualTo(reason);
    }
    String gone = hashes.get(oldest - 2);
    assertThat(node.result("eth_getTransactionByHash", gone).isNull()).isTrue();
    assertThat(node.result("eth_getTransactionReceipt", gone).isNull()).isTrue();
    assertThat(trace(node, gone).at("/error/message").asText()).isEqualTo("transaction not found");
    assertThat(node.result("eth_feeHistory", "0x2", first, List.of()).get("gasUsedRatio"))
        .hasSize(2);
    // the state after the block that was pruned last is there
    assertThat(Integer.decode(node.result("eth_getBalance", RECEIVER, past).asText()))
        .isEqualTo(oldest - 1);
    assertThat(node.result("eth_call", Map.of("to", RECEIVER), past).asText()).isEqualTo("0x");

    String kept = hashes.get(oldest - 1);
    assertThat(node.result("eth_getBlockByNumber", first, true).get("transactions")).hasSize(1);
    assertThat(node.result("eth_getTransactionReceipt", kept).get("blockNumber").asText())
        .isEqualTo(first);
    assertThat(trace(node, kept).at("/result/type").asText()).isEqualTo("CALL");
    assertThat(node.result("trace_block", first)).isNotEmpty();
    assertThat(node.result("eth_getLogs", Map.of("fromBlock", "earliest"))).isEmpty();
    assertThat(node.result("eth_getBlockByNumber", "earliest", false).get("number").asText())
        .isEqualTo("0x0");
    JsonNode capabilities = node.result("eth_capabilities");
    for (String part : List.of("blocks", "receipts", "logs", "tx")) {
      assertThat(capabilities.at("/" + part + "/oldestBlock").asText()).as(part).isEqualTo(first);
    }
  }

  private static void verifyExport(Node node, int head) throws Exception {
    int oldest = head - WINDOW + 1;
    Path file = folder.resolve("blocks.rlp");
    List<String> command = List.of("export", "--datadir", node.data.toString(), file.toString());
    Node.Result refused = Node.launcher(Map.of(), command);
    assertThat(refused.status()).isNotZero();
    assertThat(refused.output()).contains("The first block that can be exported is " + oldest);
    assertThat(folder.toFile().list()).doesNotContain("blocks.rlp", "blocks.rlp.part");
    List<String> from = new ArrayList<>(command);
    from.addAll(List.of("--first", "" + oldest));
    Node.Result exported = Node.launcher(Map.of(), from);
    assertThat(exported.status()).as(exported.output()).isZero();
    assertThat(exported.output()).contains("exported blocks " + oldest + " to " + head);
  }

  /** Each block gives the receiver 1 wei more: what is read at a block is as much as its number. */
  @Test
  void aStateIsThatOfItsBlockWhileOthersCome() throws Exception {
    try (Node node = new Node(folder.resolve("coming")).quick().start()) {
      AtomicBoolean running = new AtomicBoolean(true);
      AtomicInteger compared = new AtomicInteger();
      ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
      List<Thread> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        int back = i; // of the head, which stops to be it at any moment, and of those below
        Thread reader =
            new Thread(
                () -> {
                  while (running.get()) {
                    try {
                      long head = Long.decode(node.result("eth_blockNumber").asText());
                      String block = Hex.quantity(Math.max(0, head - back));
                      String balance = node.result("eth_getBalance", RECEIVER, block).asText();
                      if (!balance.equals(block)) {
                        wrong.add(balance + " at block " + block);
                      }
                      compared.incrementAndGet();
                    } catch (Exception | AssertionError failure) {
                      wrong.add(failure.toString());
                    }
                  }
                });
        reader.start();
        readers.add(reader);
      }
      for (int i = 0; i < 300; i++) {
        node.result("eth_sendRawTransactionSync", Accounts.raw(Accounts.transfer(0, i)));
      }
      running.set(false);
      for (Thread reader : readers) {
        reader.join();
      }
      assertThat(wrong).isEmpty();
      assertThat(compared.get()).isGreaterThan(300);
    }
  }

  private static void verify(Node node, List<String> hashes) throws Exception {
    int head = Integer.decode(node.result("eth_blockNumber").asText());
    assertThat(head).isEqualTo(hashes.size());
    int first = head - WINDOW;
    for (int number : new int[] {head, head - 1, first + 1, first}) {
      String block = Hex.quantity(number);
      assertThat(Integer.decode(node.result("eth_getBalance", RECEIVER, block).asText()))
          .isEqualTo(number);
    }
    assertThat(node.result("eth_getProof", RECEIVER, List.of(), Hex.quantity(first)).has("balance"))
        .isTrue();
    assertThat(trace(node, hashes.get(first)).at("/result/type").asText()).isEqualTo("CALL");

    String past = Hex.quantity(first - 1);
    String reason =
        "the state after block "
            + (first - 1)
            + " is not kept: the first is that after block "
            + first;
    Map<String, Object> call = Map.of("to", RECEIVER);
    for (JsonNode answer :
        List.of(
            node.call("eth_getBalance", RECEIVER, past),
            node.call("eth_getProof", RECEIVER, List.of(), past),
            node.call("eth_call", call, past),
            node.call("eth_estimateGas", call, past),
            trace(node, hashes.get(first - 1)))) {
      assertThat(answer.at("/error/code").asInt()).as(answer.toString()).isEqualTo(-32000);
      assertThat(answer.at("/error/message").asText()).isEqualTo(reason);
    }
    assertThat(node.result("eth_getBlockByNumber", "0x1", false).get("transactions")).hasSize(1);
    assertThat(node.result("eth_getTransactionReceipt", hashes.get(0)).get("status").asText())
        .isEqualTo("0x1");
  }

  private static JsonNode trace(Node node, String hash) throws Exception {
    return node.call("debug_traceTransaction", hash, Map.of("tracer", "callTracer"));
  }
}
