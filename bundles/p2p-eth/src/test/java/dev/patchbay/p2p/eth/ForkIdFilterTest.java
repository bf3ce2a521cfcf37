// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.eth.ForkIdFilter.Verdict;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cases of EIP-2124 and EIP-6122 on mainnet up to Cancun. */
class ForkIdFilterTest {
  private static final Hash MAINNET =
      Hash.fromHex("0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
  private static final List<Long> BLOCKS =
      List.of(
          1_150_000L,
          1_920_000L,
          2_463_000L,
          2_675_000L,
          4_370_000L,
          7_280_000L,
          9_069_000L,
          9_200_000L,
          12_244_000L,
          12_965_000L,
          13_773_000L,
          15_050_000L);
  private static final List<Long> TIMES = List.of(1_681_338_455L, 1_710_338_135L);

  private final ForkIdFilter filter = new ForkIdFilter(MAINNET, BLOCKS, TIMES);

  @ParameterizedTest
  @CsvSource({
    // the same fork on both sides, and the same next one, or none that is known
    "7987396, 0, 668db0af, 0, COMPATIBLE",
    "7279999, 0, a00bc324, 7280000, COMPATIBLE",
    "7279999, 0, a00bc324, 0, COMPATIBLE",
    "0, 0, fc64ec04, 1150000, COMPATIBLE",
    "15050000, 0, f0afd0e3, 1681338455, COMPATIBLE",
    "15050000, 1681338454, f0afd0e3, 1681338455, COMPATIBLE",
    "20000000, 1681338455, dce96c2d, 1710338135, COMPATIBLE",
    "20000000, 1710338135, 9f3d2254, 0, COMPATIBLE",
    // the peer expects a fork that is unknown here, and has not passed
    "7279999, 0, a00bc324, 18446744073709551615, COMPATIBLE",
    "20000000, 1710338135, 9f3d2254, 18446744073709551615, COMPATIBLE",
    // the peer expects a fork that this node has passed without forking
    "8000000, 0, 668db0af, 7999999, INCOMPATIBLE",
    "20000000, 1710338140, 9f3d2254, 1710338139, INCOMPATIBLE",
    "20000000, 1710338140, 9f3d2254, 1710338140, INCOMPATIBLE",
    "20000000, 1710338140, 9f3d2254, 1710338141, COMPATIBLE",
    // the peer is behind, and expects the right fork
    "7987396, 0, 3edd5b10, 4370000, COMPATIBLE",
    "20000000, 1681338455, f0afd0e3, 1681338455, COMPATIBLE",
    // the peer is behind, and does not expect the fork that came
    "7987396, 0, a00bc324, 7280001, REMOTE_STALE",
    "7987396, 0, 3edd5b10, 0, REMOTE_STALE",
    "20000000, 1681338455, f0afd0e3, 0, REMOTE_STALE",
    // this node is behind
    "4369999, 0, a00bc324, 7280000, COMPATIBLE",
    "7279999, 0, 668db0af, 9069000, COMPATIBLE",
    "15050000, 0, 9f3d2254, 0, COMPATIBLE",
    // another chain
    "7987396, 0, 5cddc0e1, 0, INCOMPATIBLE",
    "7279999, 0, afec6b27, 0, INCOMPATIBLE"
  })
  void judgesAForkId(String number, String time, String hash, String next, Verdict verdict) {
    ForkId remote = new ForkId(Integer.parseUnsignedInt(hash, 16), Long.parseUnsignedLong(next));
    assertThat(filter.check(Long.parseLong(number), Long.parseLong(time), remote))
        .isEqualTo(verdict);
  }

  @Test
  void blockNumbersAreNotTakenForTimestamps() {
    ForkIdFilter none = new ForkIdFilter(MAINNET, List.of(), List.of());
    ForkId remote = new ForkId(0xfc64ec04, 1_150_000);
    assertThat(none.check(1_000, 1_700_000_000, remote)).isEqualTo(Verdict.COMPATIBLE);
    assertThat(none.check(1_150_000, 1_700_000_000, remote)).isEqualTo(Verdict.INCOMPATIBLE);
  }

  /** A genesis hash of 32 times 0x11: the checksum that ethereumjs computes. */
  @Test
  void aChainWhoseForksAreAllAtGenesisHasTheChecksumOfGenesis() {
    Hash genesis = Hash.fromHex("0x" + "11".repeat(32));
    ForkIdFilter none = new ForkIdFilter(genesis, List.of(), List.of());
    assertThat(none.check(5, 5, new ForkId(0xbc4920d8, 0))).isEqualTo(Verdict.COMPATIBLE);
  }

  @Test
  void forksUpToTheTimeOfGenesisDoNotCount() {
    Block genesis = FakeChain.child(FakeChain.child(null, "x"), "late"); // at 10 seconds
    ChainConfig base = ChainConfig.of(UInt256.ONE, Fork.LONDON);
    ChainConfig config =
        new ChainConfig(
            UInt256.ONE,
            base.forkBlocks(),
            java.util.Map.of(Fork.SHANGHAI, 10L, Fork.CANCUN, 11L),
            null,
            new java.util.TreeMap<>(),
            null,
            null,
            null,
            null,
            true,
            null);
    ForkIdFilter filter = ForkIdFilter.of(genesis, config);
    ForkId before = ForkId.of(genesis, config, 1, 10);
    ForkId after = ForkId.of(genesis, config, 1, 11);
    assertThat(before.next()).isEqualTo(11);
    assertThat(filter.check(1, 10, before)).isEqualTo(Verdict.COMPATIBLE);
    assertThat(filter.check(1, 10, after)).isEqualTo(Verdict.COMPATIBLE);
    assertThat(filter.check(1, 11, before)).isEqualTo(Verdict.COMPATIBLE);
    assertThat(filter.check(1, 11, new ForkId(before.hash(), 12))).isEqualTo(Verdict.REMOTE_STALE);
  }
}
