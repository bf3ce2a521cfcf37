// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The environment by which hive, the end-to-end test system of Ethereum clients, tells a client
 * when forks happen: variables like {@code HIVE_FORK_BERLIN} and {@code HIVE_CANCUN_TIMESTAMP}.
 * They become fields of the {@code config} object of a genesis.
 */
final class ForkEnvironment {
  private static final String PREFIX = "HIVE_";

  /** Digits of the largest number of 256 bits. */
  private static final int MAX_DIGITS = 78;

  private static final Map<String, List<String>> NUMBERS = new HashMap<>();
  private static final List<String> TIMED =
      List.of(
          "SHANGHAI",
          "CANCUN",
          "PRAGUE",
          "OSAKA",
          "BPO1",
          "BPO2",
          "BPO3",
          "BPO4",
          "BPO5",
          "AMSTERDAM");

  private static final Map<String, String> BLOB_FIELDS =
      Map.of("TARGET", "target", "MAX", "max", "BASE_FEE_UPDATE_FRACTION", "baseFeeUpdateFraction");

  /** Variables that are read here and are no numbers, and those that are near to a known one. */
  private static final List<String> OTHERS =
      List.of(
          PREFIX + "FORK_DAO_VOTE",
          PREFIX + "DEPOSIT_CONTRACT_ADDRESS",
          PREFIX + "TERMINAL_TOTAL_DIFFICULTY_PASSED",
          PREFIX + "NETWORK_ID");

  private static final Set<String> KNOWN = new HashSet<>();

  static {
    put("CHAIN_ID", "chainId");
    put("FORK_HOMESTEAD", "homesteadBlock");
    put("FORK_DAO_BLOCK", "daoForkBlock");
    put("FORK_TANGERINE", "eip150Block");
    put("FORK_SPURIOUS", "eip155Block", "eip158Block");
    put("FORK_BYZANTIUM", "byzantiumBlock");
    put("FORK_CONSTANTINOPLE", "constantinopleBlock");
    put("FORK_PETERSBURG", "petersburgBlock");
    put("FORK_ISTANBUL", "istanbulBlock");
    put("FORK_MUIR_GLACIER", "muirGlacierBlock");
    put("FORK_BERLIN", "berlinBlock");
    put("FORK_LONDON", "londonBlock");
    put("FORK_ARROW_GLACIER", "arrowGlacierBlock");
    put("FORK_GRAY_GLACIER", "grayGlacierBlock");
    put("MERGE_BLOCK_ID", "mergeNetsplitBlock");
    put("TERMINAL_TOTAL_DIFFICULTY", "terminalTotalDifficulty");
    for (String fork : TIMED) {
      put(fork + "_TIMESTAMP", fork.toLowerCase(Locale.ROOT) + "Time");
      BLOB_FIELDS.keySet().forEach(suffix -> KNOWN.add(PREFIX + fork + "_BLOB_" + suffix));
    }
    KNOWN.addAll(NUMBERS.keySet());
    KNOWN.addAll(OTHERS);
  }

  private ForkEnvironment() {}

  private static void put(String variable, String... fields) {
    NUMBERS.put(PREFIX + variable, Arrays.asList(fields));
  }

  /**
   * Writes what the variables say into the {@code config} of a genesis, over what it says itself.
   *
   * @param environment an object of strings; variables about anything but forks are left alone
   * @throws IllegalArgumentException when a value is not a number, or a variable is misspelt; the
   *     message names the variable
   */
  static void apply(JsonNode environment, ObjectNode genesis) {
    if (!environment.isObject()) {
      throw new IllegalArgumentException("it must be an object of variables and values");
    }
    environment.fieldNames().forEachRemaining(ForkEnvironment::checkName);
    ObjectNode config = genesis.withObjectProperty("config");
    NUMBERS.forEach(
        (variable, fields) -> {
          if (environment.has(variable)) {
            BigInteger value = number(environment, variable);
            fields.forEach(field -> config.put(field, value));
          }
        });
    if (environment.has(PREFIX + "FORK_DAO_VOTE")) {
      config.put("daoForkSupport", number(environment, PREFIX + "FORK_DAO_VOTE").signum() > 0);
    }
    if (environment.has(PREFIX + "DEPOSIT_CONTRACT_ADDRESS")) {
      config.put(
          "depositContractAddress", environment.get(PREFIX + "DEPOSIT_CONTRACT_ADDRESS").asText());
    }
    for (String fork : TIMED) {
      blobs(environment, config, fork);
    }
  }

  private static void checkName(String variable) {
    if (!variable.startsWith(PREFIX) || KNOWN.contains(variable)) {
      return;
    }
    String closest = GenesisFields.closest(variable, KNOWN);
    if (GenesisFields.isNear(
        variable.substring(PREFIX.length()), closest.substring(PREFIX.length()))) {
      throw new IllegalArgumentException(
          "variable " + variable + " is not known; the closest known variable is " + closest);
    }
  }

  private static void blobs(JsonNode environment, ObjectNode config, String fork) {
    List<String> missing = new ArrayList<>();
    Map<String, BigInteger> values = new HashMap<>();
    BLOB_FIELDS.forEach(
        (suffix, field) -> {
          String variable = PREFIX + fork + "_BLOB_" + suffix;
          if (environment.has(variable)) {
            values.put(field, number(environment, variable));
          } else {
            missing.add(variable);
          }
        });
    if (values.isEmpty()) {
      return;
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException("variable " + missing.get(0) + " is missing");
    }
    ObjectNode schedule =
        config.withObjectProperty("blobSchedule").putObject(fork.toLowerCase(Locale.ROOT));
    values.forEach(schedule::put);
  }

  private static BigInteger number(JsonNode environment, String variable) {
    String text = environment.get(variable).asText();
    if (text.length() > MAX_DIGITS) {
      throw new IllegalArgumentException("variable " + variable + " is out of range");
    }
    try {
      return UInt256.fromDecimal(text).toBigInteger();
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException(
          "variable " + variable + " is not a number: " + Hex.shown(text));
    }
  }
}
