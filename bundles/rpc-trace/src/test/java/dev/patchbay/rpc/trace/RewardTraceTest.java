// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.Reward;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RewardTraceTest {
  private static final Address MINER =
      Address.fromHex("0x05a56e2d52c817161883f50c441c3228cfe54d9f");
  private static final UInt256 WEI = UInt256.of(5_000_000_000_000_000_000L);

  private static final Block BLOCK =
      new Block(
          BlockHeader.builder().coinbase(MINER).difficulty(UInt256.ONE).number(7).build(),
          List.of(),
          List.of(),
          null);

  @Test
  void isToldAsOpenEthereumDoes() {
    assertThat(TraceNamespace.trace(BLOCK, new Reward(MINER, WEI, false)))
        .containsEntry(
            "action",
            Map.of(
                "author", MINER.toString(), "rewardType", "block", "value", "0x4563918244f40000"))
        .containsEntry("blockHash", BLOCK.hash().toString())
        .containsEntry("blockNumber", 7L)
        .containsEntry("result", null)
        .containsEntry("subtraces", 0)
        .containsEntry("traceAddress", List.of())
        .containsEntry("transactionHash", null)
        .containsEntry("transactionPosition", null)
        .containsEntry("type", "reward");
    assertThat(TraceNamespace.trace(BLOCK, new Reward(MINER, WEI, true)).get("action").toString())
        .contains("rewardType=uncle");
  }

  @Test
  void isFoundByItsReceiverAndByNoSender() {
    Object trace = TraceNamespace.trace(BLOCK, new Reward(MINER, WEI, false));
    Set<String> miner = Set.of(MINER.toString());
    assertThat(TraceFilter.matches(trace, Set.of(), Set.of())).isTrue();
    assertThat(TraceFilter.matches(trace, Set.of(), miner)).isTrue();
    assertThat(TraceFilter.matches(trace, miner, Set.of())).isFalse();
    assertThat(TraceFilter.matches(trace, Set.of(), Set.of("0x" + "00".repeat(20)))).isFalse();
  }
}
