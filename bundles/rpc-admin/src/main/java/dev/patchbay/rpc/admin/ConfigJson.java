// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.admin;

import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The configuration of a chain with the names of a genesis in geth's format. */
final class ConfigJson {
  private ConfigJson() {}

  /** Returns the chain id, when each fork begins, and the parameters of the consensus. */
  static Map<String, Object> of(ChainConfig config) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("chainId", AdminNamespace.number(config.chainId()));
    new EnumMap<>(withoutFrontier(config.forkBlocks()))
        .forEach((fork, block) -> putBlock(out, fork, block));
    if (config.daoForkBlock() != null) {
      out.put("daoForkBlock", config.daoForkBlock());
      out.put("daoForkSupport", true);
    }
    if (config.mergeNetsplitBlock() != null) {
      out.put("mergeNetsplitBlock", config.mergeNetsplitBlock());
    }
    config.forkTimes().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> out.put(name(entry.getKey()) + "Time", entry.getValue()));
    if (config.rollup() != null) {
      config.rollup().forkTimes().forEach((name, time) -> out.put(name + "Time", time));
    }
    if (config.terminalTotalDifficulty() != null) {
      out.put("terminalTotalDifficulty", AdminNamespace.number(config.terminalTotalDifficulty()));
    }
    if (config.depositContract() != null) {
      out.put("depositContractAddress", config.depositContract().toString());
    }
    if (config.clique() != null) {
      out.put(
          "clique", Map.of("period", config.clique().period(), "epoch", config.clique().epoch()));
    }
    return out;
  }

  private static Map<Fork, Long> withoutFrontier(Map<Fork, Long> blocks) {
    Map<Fork, Long> out = new EnumMap<>(Fork.class);
    blocks.forEach(
        (fork, block) -> {
          if (fork != Fork.FRONTIER && fork != Fork.PARIS) { // a genesis does not name them
            out.put(fork, block);
          }
        });
    return out;
  }

  private static void putBlock(Map<String, Object> out, Fork fork, long block) {
    switch (fork) {
      case SPURIOUS_DRAGON -> {
        out.put("eip155Block", block);
        out.put("eip158Block", block);
      }
      case PETERSBURG -> out.put("petersburgBlock", block);
      default -> out.put(name(fork) + "Block", block);
    }
  }

  /** Returns the name of a fork as keys of a genesis have it, such as {@code muirGlacier}. */
  private static String name(Fork fork) {
    String name = fork.title();
    return switch (fork) {
      case TANGERINE_WHISTLE -> "eip150";
      default -> name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
    };
  }
}
