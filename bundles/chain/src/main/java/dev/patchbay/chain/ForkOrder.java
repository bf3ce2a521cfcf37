// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The order in which forks must happen, as geth's {@code CheckConfigForkOrder} has it. One case is
 * allowed besides, the short form of Besu: a fork at 0 includes the forks before it that are not
 * named.
 */
final class ForkOrder {
  /** Forks in order; those of {@link #OPTIONAL} may be missing below a later fork. */
  static final List<String> FORKS =
      List.of(
          "homesteadBlock",
          "daoForkBlock",
          "eip150Block",
          "eip155Block",
          "eip158Block",
          "byzantiumBlock",
          "constantinopleBlock",
          "petersburgBlock",
          "istanbulBlock",
          "muirGlacierBlock",
          "berlinBlock",
          "londonBlock",
          "arrowGlacierBlock",
          "grayGlacierBlock",
          "mergeNetsplitBlock",
          "shanghaiTime",
          "cancunTime",
          "pragueTime",
          "osakaTime",
          "bpo1Time",
          "bpo2Time",
          "bpo3Time",
          "bpo4Time",
          "bpo5Time",
          "amsterdamTime");

  private static final Set<String> OPTIONAL =
      Set.of(
          "daoForkBlock",
          "muirGlacierBlock",
          "arrowGlacierBlock",
          "grayGlacierBlock",
          "mergeNetsplitBlock",
          "cancunTime",
          "pragueTime",
          "osakaTime",
          "bpo1Time",
          "bpo2Time",
          "bpo3Time",
          "bpo4Time",
          "bpo5Time",
          "amsterdamTime");

  /** Forks of the OP Stack, in order; each is optional. */
  static final List<String> ROLLUP_FORKS =
      List.of(
          "regolithTime",
          "canyonTime",
          "ecotoneTime",
          "fjordTime",
          "graniteTime",
          "holoceneTime",
          "isthmusTime",
          "jovianTime",
          "karstTime",
          "interopTime");

  private ForkOrder() {}

  /**
   * Returns when the forks happen that a {@code config} object names: block numbers and timestamps,
   * by field, in order.
   */
  static Map<String, Long> read(JsonNode config) {
    Map<String, Long> out = new LinkedHashMap<>();
    List<String> all = new ArrayList<>(FORKS);
    all.addAll(ROLLUP_FORKS);
    for (String name : all) {
      Long from = GenesisFile.fork(config, name);
      if (from != null) {
        out.put(name, from);
      }
    }
    return out;
  }

  /**
   * Checks the order.
   *
   * @param rollup whether the chain is a rollup of the OP Stack: its own forks bring those of
   *     Ethereum from Shanghai on
   * @throws IllegalArgumentException when a fork comes before an earlier one, or an earlier one is
   *     missing; the message names both
   */
  static void check(Map<String, Long> forks, boolean rollup) {
    check(forks, FORKS, rollup);
    if (rollup) {
      check(forks, ROLLUP_FORKS, true);
    }
    Long replay = forks.get("eip155Block");
    Long clearing = forks.get("eip158Block");
    if (replay != null && (clearing == null ? replay != 0 : !replay.equals(clearing))) {
      throw new IllegalArgumentException(
          "fields config.eip155Block and config.eip158Block must be the same: they are "
              + replay
              + " and "
              + (clearing == null ? "missing" : clearing));
    }
  }

  private static void check(Map<String, Long> forks, List<String> order, boolean rollup) {
    String earlier = null; // the latest fork so far that is there
    String missing = null; // the latest fork so far that must be there and is not
    for (String name : order) {
      Long from = forks.get(name);
      if (from == null) {
        boolean optional = OPTIONAL.contains(name) || order == ROLLUP_FORKS;
        missing = optional || (rollup && !isBlock(name)) ? missing : name;
        continue;
      }
      if (missing != null && from != 0) {
        throw new IllegalArgumentException(
            "forks out of order: config." + missing + " is missing, but " + shown(name, from));
      }
      Long before = earlier == null ? null : forks.get(earlier);
      if (earlier != null && before != null && isBlock(earlier) == isBlock(name) && before > from) {
        throw new IllegalArgumentException(
            "forks out of order: " + shown(earlier, before) + ", but " + shown(name, from));
      }
      earlier = name;
      missing = null;
    }
  }

  private static String shown(String name, long from) {
    return "config." + name + " is " + (isBlock(name) ? "block " : "time ") + from;
  }

  /** Returns whether a fork happens at a block number; at a timestamp otherwise. */
  static boolean isBlock(String name) {
    return name.endsWith("Block");
  }
}
