// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The networks of the block suites as geth genesis configurations. */
final class Networks {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Each fork of the suites and what a genesis calls its start. */
  private static final String[][] FORKS = {
    {"Frontier"},
    {"Homestead", "homesteadBlock"},
    {"Dao", "daoForkBlock"},
    {"EIP150", "eip150Block"},
    {"EIP158", "eip155Block", "eip158Block"},
    {"Byzantium", "byzantiumBlock"},
    {"Constantinople", "constantinopleBlock"},
    {"ConstantinopleFix", "petersburgBlock"},
    {"Istanbul", "istanbulBlock"},
    {"Berlin", "berlinBlock"},
    {"London", "londonBlock"},
    {"ArrowGlacier", "arrowGlacierBlock"},
    {"Paris", "terminalTotalDifficulty"},
    {"Shanghai", "shanghaiTime"},
    {"Cancun", "cancunTime"},
    {"Prague", "pragueTime"},
    {"Osaka", "osakaTime"},
    {"BPO1", "bpo1Time"},
    {"BPO2", "bpo2Time"},
    {"BPO3", "bpo3Time"},
    {"BPO4", "bpo4Time"}
  };

  private static final Pattern TRANSITION =
      Pattern.compile("(.+)To(.+)At(Time15k|Diff[0-9A-F]+|[0-9]+)");

  private Networks() {}

  /** Returns the genesis of a block test. */
  static ObjectNode genesis(JsonNode test) {
    JsonNode header = test.get("genesisBlockHeader");
    ObjectNode genesis = JSON.createObjectNode();
    genesis.set("config", config(test));
    genesis.set("alloc", test.get("pre"));
    for (String field :
        List.of(
            "difficulty",
            "gasLimit",
            "gasUsed",
            "timestamp",
            "extraData",
            "mixHash",
            "nonce",
            "baseFeePerGas",
            "blobGasUsed",
            "excessBlobGas",
            "parentHash",
            "coinbase")) {
      if (header.has(field)) {
        genesis.set(field, header.get(field));
      }
    }
    return genesis;
  }

  private static ObjectNode config(JsonNode test) {
    ObjectNode config = JSON.createObjectNode();
    String network = test.get("network").asText();
    config.set("chainId", JSON.getNodeFactory().textNode(test.at("/config/chainid").asText("0x1")));
    Matcher transition = TRANSITION.matcher(network);
    boolean changes = transition.matches();
    String from = changes ? transition.group(1) : network;
    boolean found = false;
    for (String[] fork : FORKS) {
      boolean dao = fork[0].equals("Dao");
      if (!dao) {
        start(config, fork, "0");
      }
      if (fork[0].equals(from)) {
        found = true;
        break;
      }
    }
    if (!found) {
      throw new IllegalArgumentException("unknown network " + network);
    }
    if (changes) {
      String at = transition.group(3);
      String start =
          at.equals("Time15k")
              ? "15000"
              : at.startsWith("Diff") ? Long.toString(Long.parseLong(at.substring(4), 16)) : at;
      List<String[]> into = new ArrayList<>();
      for (String[] fork : FORKS) {
        if (fork[0].equals(transition.group(2))) {
          into.add(fork);
        }
      }
      if (into.isEmpty()) {
        throw new IllegalArgumentException("unknown network " + network);
      }
      if (transition.group(2).equals("ConstantinopleFix")) {
        config.put("constantinopleBlock", start);
      }
      start(config, into.get(0), start);
      if (transition.group(2).equals("Dao")) {
        config.put("daoForkSupport", true);
      }
    }
    config.put("depositContractAddress", "0x00000000219ab540356cbb839cbe05303d7705fa");
    ObjectNode blobs = JSON.createObjectNode();
    Iterator<Map.Entry<String, JsonNode>> schedules = test.at("/config/blobSchedule").fields();
    schedules.forEachRemaining(
        entry -> blobs.set(entry.getKey().toLowerCase(Locale.ROOT), entry.getValue()));
    config.set("blobSchedule", blobs);
    return config;
  }

  private static void start(ObjectNode config, String[] fork, String at) {
    for (int i = 1; i < fork.length; i++) {
      config.put(fork[i], at);
    }
  }
}
