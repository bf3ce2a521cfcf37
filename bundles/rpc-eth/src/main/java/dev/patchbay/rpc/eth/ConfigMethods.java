// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hex;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Methods about what the node follows and keeps: EIP-7910 and {@code eth_capabilities}. */
final class ConfigMethods {
  private record Precompile(String name, int address, Fork since) {}

  private static final Precompile[] PRECOMPILES = {
    new Precompile("ECREC", 0x01, Fork.FRONTIER),
    new Precompile("SHA256", 0x02, Fork.FRONTIER),
    new Precompile("RIPEMD160", 0x03, Fork.FRONTIER),
    new Precompile("ID", 0x04, Fork.FRONTIER),
    new Precompile("MODEXP", 0x05, Fork.BYZANTIUM),
    new Precompile("BN254_ADD", 0x06, Fork.BYZANTIUM),
    new Precompile("BN254_MUL", 0x07, Fork.BYZANTIUM),
    new Precompile("BN254_PAIRING", 0x08, Fork.BYZANTIUM),
    new Precompile("BLAKE2F", 0x09, Fork.ISTANBUL),
    new Precompile("KZG_POINT_EVALUATION", 0x0a, Fork.CANCUN),
    new Precompile("BLS12_G1ADD", 0x0b, Fork.PRAGUE),
    new Precompile("BLS12_G1MSM", 0x0c, Fork.PRAGUE),
    new Precompile("BLS12_G2ADD", 0x0d, Fork.PRAGUE),
    new Precompile("BLS12_G2MSM", 0x0e, Fork.PRAGUE),
    new Precompile("BLS12_PAIRING_CHECK", 0x0f, Fork.PRAGUE),
    new Precompile("BLS12_MAP_FP_TO_G1", 0x10, Fork.PRAGUE),
    new Precompile("BLS12_MAP_FP2_TO_G2", 0x11, Fork.PRAGUE),
    new Precompile("P256VERIFY", 0x100, Fork.OSAKA),
  };

  private final ChainReader chain;
  private final StateProvider states;

  ConfigMethods(ChainReader chain, StateProvider states) {
    this.chain = chain;
    this.states = states;
  }

  Map<String, RpcMethod> methods() {
    return Map.of(
        "eth_config", (p, s) -> config(),
        "eth_capabilities", (p, s) -> capabilities());
  }

  private Object config() {
    long now = chain.head().header().timestamp();
    SortedSet<Long> times = chain.config().forkTimestamps();
    SortedSet<Long> past = times.headSet(now + 1);
    SortedSet<Long> future = times.tailSet(now + 1);
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("current", at(past.isEmpty() ? 0 : past.last()));
    out.put("next", future.isEmpty() ? null : at(future.first()));
    out.put("last", future.isEmpty() ? null : at(future.last()));
    return out;
  }

  private Map<String, Object> at(long time) {
    ChainConfig config = chain.config();
    long number = Math.max(chain.head().number(), lastBlockFork(config));
    Fork fork = config.forkAt(time == 0 ? chain.head().number() : number, time);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("activationTime", time);
    if (fork.includes(Fork.CANCUN)) {
      BlobSchedule blobs = config.blobScheduleAt(time);
      Map<String, Object> schedule = new LinkedHashMap<>();
      schedule.put("target", blobs.target());
      schedule.put("max", blobs.max());
      schedule.put("baseFeeUpdateFraction", blobs.baseFeeUpdateFraction());
      out.put("blobSchedule", schedule);
    }
    out.put("chainId", config.chainId().toHex());
    out.put(
        "forkId",
        ForkId.of(chain.genesis(), config, time == 0 ? chain.head().number() : number, time)
            .hashHex());
    Map<String, Object> precompiles = new TreeMap<>();
    for (Precompile precompile : PRECOMPILES) {
      if (fork.includes(precompile.since)) {
        precompiles.put(precompile.name, String.format("0x%040x", precompile.address));
      }
    }
    out.put("precompiles", precompiles);
    out.put("systemContracts", systemContracts(fork, config));
    return out;
  }

  private static long lastBlockFork(ChainConfig config) {
    SortedSet<Long> numbers = config.forkBlockNumbers();
    return numbers.isEmpty() ? 0 : numbers.last();
  }

  private static Map<String, Object> systemContracts(Fork fork, ChainConfig config) {
    Map<String, Object> out = new TreeMap<>();
    if (fork.includes(Fork.CANCUN)) {
      out.put("BEACON_ROOTS_ADDRESS", "0x000f3df6d732807ef1319fb7b8bb8522d0beac02");
    }
    if (fork.includes(Fork.PRAGUE)) {
      out.put("HISTORY_STORAGE_ADDRESS", "0x0000f90827f1c53a10cb7a02335b175320002935");
      out.put("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", "0x00000961ef480eb55e80d19ad83579a64c007002");
      out.put(
          "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", "0x0000bbddc7ce488642fb579f8b00f3a590007251");
      Address deposits = config.depositContract();
      if (deposits != null) {
        out.put("DEPOSIT_CONTRACT_ADDRESS", deposits.toString());
      }
    }
    return out;
  }

  private Object capabilities() {
    Block head = chain.head();
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("head", Map.of("number", Hex.quantity(head.number()), "hash", head.hash().toString()));
    StateProvider.StateRetention history = states.retention();
    out.put("state", kept(history.oldestBlock(), history.blocks()));
    BlockRetention blocks = chain.retention();
    out.put("tx", kept(blocks.oldestIndexed(), blocks.indexed()));
    for (String name : new String[] {"logs", "receipts", "blocks"}) {
      out.put(name, kept(blocks.oldestBlock(), blocks.blocks()));
    }
    out.put("stateproofs", kept(history.oldestBlock(), history.blocks()));
    return out;
  }

  private static Map<String, Object> kept(long oldest, @Nullable Long window) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("disabled", false);
    out.put("oldestBlock", Hex.quantity(oldest));
    if (window != null) {
      out.put("deleteStrategy", Map.of("type", "window", "retentionBlocks", Hex.quantity(window)));
    }
    return out;
  }
}
