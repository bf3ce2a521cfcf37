// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.itests.UpdateLoad.Request;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bundles are updated while clients use them: no request fails, no event is missed. */
class UpdateIT {
  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  /** JUMPDEST, PUSH0, JUMP: until the gas is used. */
  private static final Map<String, Object> OVERRIDES =
      Map.of("stateOverrides", Map.of(SECOND, Map.of("code", "0x5b5f56")));

  @TempDir Path folder;

  private static Request traced(String tracer, Map<String, Object> config) {
    return Request.of(
        "debug_traceBlockByNumber", "latest", Map.of("tracer", tracer, "tracerConfig", config));
  }

  private static List<Request> requests() {
    Map<String, Object> transfer = Map.of("from", Accounts.FIRST, "to", SECOND, "value", "0x1");
    return List.of(
        Request.of("eth_getBalance", Accounts.FIRST, "latest"),
        Request.of("eth_getBlockByNumber", "latest", true),
        Request.of("eth_call", transfer, "latest"),
        Request.of("eth_estimateGas", transfer),
        Request.of("eth_getLogs", Map.of("fromBlock", "latest")),
        Request.of("eth_feeHistory", "0x4", "latest", List.of(25, 75)),
        Request.of("eth_getTransactionCount", Accounts.FIRST, "pending"),
        Request.of("eth_simulateV1", Map.of("blockStateCalls", List.of(Map.of())), "latest"),
        Request.of("eth_getProof", Accounts.FIRST, List.of(), "latest"),
        Request.of("net_version"),
        Request.of("web3_clientVersion"),
        Request.of("rpc_modules"),
        Request.of("txpool_status"),
        Request.of("txpool_content"),
        Request.of("admin_nodeInfo"),
        Request.of("miner_setGasPrice", "0x0"),
        Request.of("clique_status"),
        Request.of("clique_getSigners", "latest"),
        Request.of("trace_block", "latest"),
        Request.of("debug_getRawBlock", "latest"),
        Request.of("debug_traceBlockByNumber", "latest", Map.of()),
        Request.of("debug_traceCall", Map.of("to", SECOND, "gas", "0x186a0"), "latest", OVERRIDES),
        traced("callTracer", Map.of()),
        traced("flatCallTracer", Map.of()),
        traced("prestateTracer", Map.of()),
        traced("4byteTracer", Map.of()),
        traced("noopTracer", Map.of()),
        traced("muxTracer", Map.of("callTracer", Map.of(), "4byteTracer", Map.of())),
        traced("erc7562Tracer", Map.of()),
        traced("callTracerLegacy", Map.of()));
  }

  @Test
  void clientsOfACliqueChainNoticeNothing() throws Exception {
    List<String> bundles =
        List.of(
            "rpc-eth",
            "rpc-net",
            "rpc-debug",
            "rpc-txpool",
            "rpc-trace",
            "rpc-admin",
            "rpc-miner",
            "rpc-clique",
            "tracers",
            "tracer-struct",
            "tracer-call",
            "tracer-flat",
            "tracer-prestate",
            "tracer-fourbyte",
            "tracer-noop",
            "tracer-mux",
            "tracer-erc7562",
            "tracer-js",
            "log-index",
            "consensus-poa",
            "evm-engine",
            "execution",
            "payload",
            "txpool",
            "chain",
            "storage",
            "storage-rocksdb",
            "shell");
    try (Node node = new Node(folder.resolve("node"))) {
      node.start(
          "--storage",
          "rocksdb",
          "--namespaces",
          "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique");
      Swaps swaps = new Swaps(node);
      List<String> lines = new ArrayList<>();
      List<String> failures;
      try (UpdateLoad load = new UpdateLoad(node, requests())) {
        load.sendTransfers().followHeads().awaitHead(2).start();
        load.awaitRequests(500); // code is compiled, caches are filled
        for (int i = 0; i < Integer.getInteger("it.updates", 1); i++) {
          for (String name : bundles) {
            load.during(name);
            String command = "bundle:update dev.patchbay." + name.replace('-', '.');
            if (name.equals("shell")) { // it ends under the command
              node.shell(command);
            } else {
              swaps.shell(command);
            }
            load.awaitRequests(100);
          }
        }
        load.during("");
        load.awaitRequests(100);
        failures = load.failures();
        for (String name : bundles) {
          UpdateLoad.Seen seen = load.seen(name);
          lines.add(
              String.format(
                  "| `%s` | %d | 0 | %d | %.0f |",
                  name, seen.requests(), seen.longestMillis(), seen.p999Millis()));
        }
      }
      lines.forEach(System.out::println);
      assertThat(failures).as(node.warnings()).isEmpty();
    }
  }
}
