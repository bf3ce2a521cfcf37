// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules of the design, read off the running node and the repository. */
class ArchitectureIT {
  private static final Set<String> LIBRARIES =
      Set.of(
          "api",
          "primitives",
          "crypto",
          "trie",
          "evm",
          "binding",
          "rpc-codec",
          "tracing",
          "rocksdb-native");

  @TempDir static Path folder;
  private static Node node;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick().start();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static Set<String> folders() throws Exception {
    try (Stream<Path> all = Files.list(Node.ROOT.resolve("bundles"))) {
      return all.filter(Files::isDirectory)
          .map(p -> p.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void theLayoutPageNamesEveryBundleAndNoOther() throws Exception {
    Set<String> named = new TreeSet<>();
    Matcher rows =
        Pattern.compile("(?m)^\\| `([a-z0-9-]+)` \\|")
            .matcher(Files.readString(Node.ROOT.resolve("docs/layout.md")));
    while (rows.find()) {
      named.add(rows.group(1));
    }
    assertThat(named).isEqualTo(folders());
    for (String name : folders()) {
      assertThat(Node.ROOT.resolve("bundles/" + name + "/README.md"))
          .as("a page of " + name)
          .exists();
    }
  }

  @Test
  void implementationsExportNothingAndImportContractsOnly() throws Exception {
    String list = node.shell("bundle:list -t 0 -s --no-format").output();
    for (String name : folders()) {
      String bundle = "dev.patchbay." + name.replace('-', '.');
      if (!list.contains(bundle) || LIBRARIES.contains(name)) {
        continue;
      }
      String headers = node.shell("bundle:headers --no-uses " + bundle).output();
      assertThat(headers).as(bundle).contains("Import-Package").doesNotContain("Export-Package");
      Matcher imports =
          Pattern.compile("dev\\.patchbay\\.([a-z]+)(\\.[a-z.]+)?")
              .matcher(headers.substring(headers.indexOf("Import-Package")));
      while (imports.find()) {
        String root =
            imports.group(1)
                + (imports.group(1).equals("rpc") ? "-" + imports.group(2).substring(1) : "");
        assertThat(LIBRARIES).as(bundle + " imports " + imports.group()).contains(root);
      }
    }
  }

  @Test
  void aThirdPartyTracerIsInstalledUsedAndRemoved() throws Exception {
    String url = Examples.build("tracer-opcount");
    assertThat(node.shell("bundle:install -s " + url).status()).isZero();
    JsonNode counts =
        node.result(
            "debug_traceCall",
            Map.of(
                "to",
                "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",
                "data",
                "0x" + "00".repeat(32),
                "from",
                Accounts.FIRST),
            "latest",
            Map.of("tracer", "opcountTracer"));
    assertThat(counts.path("CALLER").asInt()).isEqualTo(1);
    assertThat(node.shell("tracer:list").output()).contains("opcountTracer");
    assertThat(node.shell("bundle:uninstall com.example.tracer.opcount").status()).isZero();
    assertThat(
            node.call(
                    "debug_traceCall",
                    Map.of("to", Accounts.FIRST),
                    "latest",
                    Map.of("tracer", "opcountTracer"))
                .at("/error/message")
                .asText())
        .contains("not installed");
  }

  @Test
  void aThirdPartyOrderFillsBlocks() throws Exception {
    String url = Examples.build("ordering-smallest");
    try (Node driven = new Node(folder.resolve("ordering"), "run").quick()) {
      driven.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
      EngineDriver driver = EngineDriver.of(driven);
      driver.adopt(driver.build(EngineDriver.OSAKA));
      Transaction.Builder dear = Accounts.transaction(TransactionType.FEE_MARKET, 0);
      String large =
          driven.send(
              dear.maxPriorityFeePerGas(UInt256.of(9_000_000_000L))
                  .gasLimit(100_000)
                  .to(Address.fromHex(Accounts.FIRST))
                  .sign(Accounts.KEYS[0]));
      String small = driven.send(Accounts.transfer(1, 0));
      assertThat(next(driver)).containsExactly(large, small);
      assertThat(driven.shell("bundle:install -s " + url).status()).isZero();
      assertThat(next(driver)).containsExactly(small, large);
      assertThat(driven.shell("bundle:uninstall com.example.ordering.smallest").status()).isZero();
      assertThat(next(driver)).containsExactly(large, small);
    }
  }

  /** Returns the transactions of a payload that is built on the head. */
  private static List<String> next(EngineDriver driver) throws Exception {
    ObjectNode attributes = EngineDriver.attributes(driver.time + 12);
    attributes.put("prevRandao", String.format("0x%064x", System.nanoTime())); // another payload
    String id = driver.start(attributes);
    Thread.sleep(1_000);
    List<String> out = new ArrayList<>();
    for (JsonNode raw : driver.fetch(id, driver.time + 12).at("/executionPayload/transactions")) {
      out.add(Hash.keccak(Bytes.fromHex(raw.asText()).toArray()).toString());
    }
    return out;
  }
}
