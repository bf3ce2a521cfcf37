// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The gas limit of the first London block starts from twice the parent's (EIP-1559). */
class LondonGasLimitTest {
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.LONDON);

  private static long built(@Nullable UInt256 parentBaseFee, long target) {
    Block parent =
        new Block(
            BlockHeader.builder()
                .number(4)
                .timestamp(4)
                .gasLimit(10_240_000)
                .baseFeePerGas(parentBaseFee)
                .build(),
            List.of(),
            List.of(),
            null);
    Builder builder =
        new Builder(
            Stubs.of(ChainReader.class, Map.of("config", args -> CONFIG)),
            Stubs.of(
                ProtocolSchedule.class,
                Map.of(
                    "config",
                    args -> CONFIG,
                    "rules",
                    args ->
                        Stubs.of(ConsensusRules.class, Map.of("nextBaseFee", a -> UInt256.ONE)))),
            Stubs.states(),
            Stubs.executor(tx -> {}),
            Stubs.of(TransactionPool.class, Map.of("pending", args -> Map.of())),
            target);
    BlockSealer.Template template =
        new BlockSealer.Template(5, Address.ZERO, UInt256.ONE, Bytes.EMPTY, 0, Address.ZERO);
    return builder.build(parent, template).header().gasLimit();
  }

  @Test
  void theFirstLondonBlockMovesFromTwiceTheLimit() {
    assertThat(built(null, 20_480_000)).isEqualTo(20_480_000);
    assertThat(built(null, 60_000_000)).isEqualTo(20_480_000 + 19_999);
    assertThat(built(null, 10_240_000)).isEqualTo(20_480_000 - 19_999);
  }

  @Test
  void laterBlocksMoveFromTheLimitOfTheirParent() {
    assertThat(built(UInt256.ONE, 60_000_000)).isEqualTo(10_240_000 + 9_999);
  }
}
