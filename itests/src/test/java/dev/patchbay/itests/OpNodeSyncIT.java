// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * op-node, as it is published, syncs a node by its execution layer: it is given a late block of the
 * rollup and nothing before it, and the node gets the rest from its peer. Run by {@code -Pop-node},
 * which needs op-node and anvil.
 */
class OpNodeSyncIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** More than a batch of headers. */
  private static final int BLOCKS = 600;

  @TempDir Path folder;

  @Test
  void theRestComesFromAPeer() throws Exception {
    try (OpStack stack = new OpStack(folder, BLOCKS + 100);
        Node source = new Node(folder.resolve("source"), "run").quick();
        Node node = new Node(folder.resolve("node"), "run").quick()) {
      Path genesis = stack.genesis();
      source.start(options(genesis));
      OpStack.OpNode sequencer =
          stack.start("sequencer", source, "--sequencer.enabled", "--sequencer.l1-confs", "0");
      Journeys.awaitNumber("blocks of the sequencer", () -> number(source), BLOCKS);
      sequencer.stop();
      JsonNode head = block(source, "latest");
      long last = Long.decode(head.get("number").asText());

      String url = source.result("admin_nodeInfo").get("enode").asText();
      node.start(options(genesis, "--static-nodes", url));
      OpStack.OpNode follower =
          stack.start("follower", node, "--syncmode", "execution-layer", "--rpc.enable-admin");
      // a payload that op-node has seen is not handed over again: the last one ends the sync
      follower.result("admin_postUnsafePayload", envelope(source, last - 1));
      Journeys.awaitNumber("blocks by devp2p", () -> number(node), last - 1);
      assertThat(follower.output()).contains("Starting EL sync");
      follower.result("admin_postUnsafePayload", envelope(source, last));
      Journeys.await("the end of the sync", () -> follower.output().contains("Finished EL sync"));
      assertThat(block(node, "latest")).isEqualTo(head);
      assertThat(follower.result("optimism_syncStatus").at("/unsafe_l2/hash"))
          .isEqualTo(head.get("hash"));
      assertThat(node.shell("chain:head").output())
          .as("each block is executed once")
          .contains("executed      " + last + " blocks since the start");
      System.out.printf("op-node: %d blocks by the execution layer%n", last);
    }
  }

  private static String[] options(Path genesis, String... more) {
    List<String> out = new ArrayList<>(List.of("--genesis", genesis.toString()));
    out.addAll(List.of("--namespaces", "eth,net,admin,debug", "--debug", "on"));
    out.addAll(List.of("--p2p-port", "0", "--p2p-host", "127.0.0.1", "--discovery", "off"));
    out.addAll(List.of(more));
    return out.toArray(String[]::new);
  }

  private static long number(Node node) throws Exception {
    return Long.decode(node.result("eth_blockNumber").asText());
  }

  private static JsonNode block(Node node, String number) throws Exception {
    return node.result("eth_getBlockByNumber", number, false);
  }

  /** Returns a block as op-nodes send it to each other. */
  private static ObjectNode envelope(Node node, long number) throws Exception {
    JsonNode block = block(node, "0x" + Long.toHexString(number));
    ObjectNode payload = JSON.createObjectNode();
    Map.of(
            "blockNumber", "number",
            "blockHash", "hash",
            "feeRecipient", "miner",
            "prevRandao", "mixHash")
        .forEach((to, from) -> payload.set(to, block.get(from)));
    for (String same :
        List.of(
            "parentHash",
            "stateRoot",
            "receiptsRoot",
            "logsBloom",
            "gasLimit",
            "gasUsed",
            "timestamp",
            "extraData",
            "baseFeePerGas",
            "withdrawals",
            "blobGasUsed",
            "excessBlobGas",
            "withdrawalsRoot")) {
      payload.set(same, block.get(same));
    }
    ArrayNode transactions = payload.putArray("transactions");
    for (JsonNode hash : block.get("transactions")) {
      transactions.add(node.result("debug_getRawTransaction", hash.asText()));
    }
    ObjectNode out = JSON.createObjectNode();
    out.set("parentBeaconBlockRoot", block.get("parentBeaconBlockRoot"));
    out.set("executionPayload", payload);
    return out;
  }
}
