// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.Reward;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Yellow Paper, section 11.3; EIP-649 and EIP-1234 lessen the rewards. */
class RewardsTest {
  private static final Address MINER =
      Address.fromHex("0x05a56e2d52c817161883f50c441c3228cfe54d9f");
  private static final Address OTHER =
      Address.fromHex("0x00000000000000000000000000000000000000ff");

  private static BlockHeader header(long number, Address coinbase) {
    return BlockHeader.builder().coinbase(coinbase).difficulty(UInt256.ONE).number(number).build();
  }

  private static List<Reward> rewards(Fork fork, long number, BlockHeader... ommers) {
    Block block = new Block(header(number, MINER), List.of(), List.of(ommers), null);
    return new EngineRules().rewards(block, ChainConfig.of(UInt256.ONE, fork));
  }

  private static UInt256 milliEther(double amount) {
    return UInt256.of((long) (amount * 1e6)).multiply(UInt256.of(1_000_000_000L));
  }

  @Test
  void eachOmmerHasARewardOfItsOwn() {
    assertThat(rewards(Fork.FRONTIER, 5, header(4, MINER), header(3, OTHER)))
        .containsExactly(
            new Reward(MINER, milliEther(4_375), true),
            new Reward(OTHER, milliEther(3_750), true),
            new Reward(MINER, milliEther(5_312.5), false));
  }

  @Test
  void theyBecomeLessAndEnd() {
    assertThat(rewards(Fork.BYZANTIUM, 5))
        .containsExactly(new Reward(MINER, milliEther(3_000), false));
    assertThat(rewards(Fork.CONSTANTINOPLE, 5, header(4, OTHER)))
        .containsExactly(
            new Reward(OTHER, milliEther(1_750), true),
            new Reward(MINER, milliEther(2_062.5), false));
    assertThat(rewards(Fork.PARIS, 5)).isEmpty();
    assertThat(rewards(Fork.FRONTIER, 0)).isEmpty();
  }
}
