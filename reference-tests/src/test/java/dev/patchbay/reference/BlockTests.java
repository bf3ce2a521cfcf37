// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.Difficulty;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import org.junit.jupiter.api.Test;

/** The block suites: chains with valid and invalid blocks, imported through the chain itself. */
class BlockTests {
  @Test
  void ethereumTests() throws Exception {
    runPack("BlockchainTests");
  }

  @Test
  void legacyTests() throws Exception {
    runPack("legacy-state");
  }

  @Test
  void executionSpecTests() throws Exception {
    runPack("eest-blockchain");
  }

  private static void runPack(String pack) throws Exception {
    Tally tally = new Tally(pack + " blocks");
    int[] count = {0};
    String only = System.getProperty("reference.only", "");
    Vectors.forEach(
        pack,
        name ->
            (!pack.equals("legacy-state") || name.contains("BlockchainTests"))
                && (count[0]++ % Vectors.sample()) == 0
                && name.contains(only),
        (name, content) ->
            content
                .fields()
                .forEachRemaining(
                    test -> {
                      if (test.getValue().has("blocks")) {
                        tally.run(name + " " + test.getKey(), () -> runCase(test.getValue()));
                      }
                    }));
    tally.close();
  }

  private static void runCase(JsonNode test) {
    Chains.Wired chain =
        Chains.of(
            Networks.genesis(test), Chains.memory(), new DefaultEvmEngine(), new EngineRules());
    assertThat(chain.reader().genesis().hash())
        .as("genesis")
        .isEqualTo(Hash.fromHex(test.at("/genesisBlockHeader/hash").asText()));
    int index = 0;
    for (JsonNode item : test.get("blocks")) {
      String refusal = importBlock(chain, item);
      String expected = item.path("expectException").asText("");
      assertThat(refusal != null)
          .as("block " + index + " refused: " + refusal + "; expected: " + expected)
          .isEqualTo(!expected.isEmpty());
      index++;
    }
    assertThat(chain.reader().head().hash())
        .as("head")
        .isEqualTo(Hash.fromHex(test.get("lastblockhash").asText()));
  }

  /** Imports a block; returns why it was refused, or null. */
  private static String importBlock(Chains.Wired chain, JsonNode item) {
    Block block;
    try {
      block = Block.decode(Bytes.fromHex(item.get("rlp").asText()).toArray());
    } catch (IllegalArgumentException malformed) {
      return malformed.getMessage();
    }
    ImportResult result = chain.importer().importBlock(block);
    if (result instanceof ImportResult.Invalid invalid) {
      return invalid.reason();
    }
    return result instanceof ImportResult.UnknownParent ? "unknown parent" : null;
  }

  @Test
  void difficulties() throws Exception {
    Tally tally = new Tally("DifficultyTests");
    Vectors.forEach(
        "DifficultyTests",
        name -> true,
        (name, content) ->
            content
                .fields()
                .forEachRemaining(
                    suite ->
                        suite
                            .getValue()
                            .fields()
                            .forEachRemaining(
                                network -> {
                                  if (network.getValue().isObject()
                                      && !network.getKey().equals("_info")) {
                                    network
                                        .getValue()
                                        .fields()
                                        .forEachRemaining(
                                            test ->
                                                tally.run(
                                                    name + " " + test.getKey(),
                                                    () ->
                                                        difficulty(
                                                            network.getKey(), test.getValue())));
                                  }
                                })));
    tally.close();
  }

  private static void difficulty(String network, JsonNode test) {
    Fork fork =
        java.util.Arrays.stream(Fork.values())
            .filter(f -> f.title().equals(network))
            .findFirst()
            .orElseThrow(() -> new AssertionError("unknown network " + network));
    assertThat(
            Difficulty.of(
                fork,
                TestState.number(test.get("currentBlockNumber").asText()).longValue(),
                TestState.number(test.get("currentTimestamp").asText()).longValue(),
                TestState.number(test.get("parentDifficulty").asText()),
                TestState.number(test.get("parentTimestamp").asText()).longValue(),
                !TestState.number(test.path("parentUncles").asText("0x0")).isZero()))
        .isEqualTo(TestState.number(test.get("currentDifficulty").asText()));
  }
}
