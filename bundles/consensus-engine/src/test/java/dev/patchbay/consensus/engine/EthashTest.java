// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The first block of mainnet, with its work. */
class EthashTest {
  private static final Instant THEN = Instant.ofEpochSecond(1_438_269_988);
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.FRONTIER);
  private static final HeaderReader NO_HEADERS =
      new HeaderReader() {
        @Override
        public @Nullable BlockHeader header(Hash hash) {
          return null;
        }

        @Override
        public @Nullable BlockHeader header(long number) {
          return null;
        }

        @Override
        public @Nullable UInt256 totalDifficulty(Hash hash) {
          return UInt256.of(17_179_869_184L);
        }
      };

  private static final String MIX =
      "0x969b900de27b6ac6a67742365dd65f55a0526c41fd18e1b16f1a1215c2e66f59";
  private static final long NONCE = 0x539bd4979fef1ec4L;

  private static BlockHeader header(
      Hash parent,
      String root,
      String extra,
      long number,
      long difficulty,
      long time,
      String mix,
      long nonce) {
    return BlockHeader.builder()
        .parentHash(parent)
        .coinbase(
            number == 0
                ? Address.ZERO
                : Address.fromHex("0x05a56e2d52c817161883f50c441c3228cfe54d9f"))
        .stateRoot(Hash.fromHex(root))
        .difficulty(UInt256.of(difficulty))
        .number(number)
        .gasLimit(5000)
        .timestamp(time)
        .extraData(Bytes.fromHex(extra))
        .mixHash(Hash.fromHex(mix))
        .nonce(nonce)
        .build();
  }

  private static final BlockHeader GENESIS =
      header(
          Hash.ZERO,
          "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
          "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
          0,
          17_179_869_184L,
          0,
          "0x" + "00".repeat(32),
          0x42);

  private static BlockHeader first(String mix, long nonce) {
    return header(
        GENESIS.computeHash(),
        "0xd67e4d450343046425ae4271474353857ab860dbc0a1dde64b41b5cd3a532bf3",
        "0x476574682f76312e302e302f6c696e75782f676f312e342e32",
        1,
        17_171_480_576L,
        1_438_269_988,
        mix,
        nonce);
  }

  private static void verify(BlockHeader header, Instant now) throws InvalidBlockException {
    new EngineRules(true, () -> now).verifyHeader(header, GENESIS, NO_HEADERS, CONFIG);
  }

  @Test
  void theWorkOfMainnetsFirstBlockHolds() throws Exception {
    BlockHeader header = first(MIX, NONCE);
    assertThat(header.computeHash())
        .isEqualTo(
            Hash.fromHex("0x88e96d4537bea4d9c05d12549907b32561d3bf31f45aae734cdc119f13406cb6"));
    verify(header, THEN);
  }

  @Test
  void wrongWorkIsNamed() {
    assertThatThrownBy(() -> verify(first(MIX, NONCE + 1), THEN))
        .isInstanceOf(InvalidBlockException.class)
        .hasMessageStartingWith("mixHash is " + MIX + ", expected 0x");
    Hash other = new Ethash().of(first(MIX, NONCE + 1)).mixHash();
    assertThatThrownBy(() -> verify(first(other.toString(), NONCE + 1), THEN))
        .isInstanceOf(InvalidBlockException.class)
        .hasMessage("nonce 0x539bd4979fef1ec5 is no work for difficulty 17171480576");
  }

  @Test
  void aBlockFromTheFutureIsRefused() throws Exception {
    verify(first(MIX, NONCE), THEN.minusSeconds(15));
    assertThatThrownBy(() -> verify(first(MIX, NONCE), THEN.minusSeconds(16)))
        .isInstanceOf(FutureBlockException.class)
        .hasMessage("timestamp 1438269988 is in the future, now is 1438269972");
  }

  /** Sizes of the Yellow Paper's appendix J for the first epochs and a late one. */
  @Test
  void sizesGrowByEpoch() {
    assertThat(Ethash.cacheBytes(0)).isEqualTo(16_776_896);
    assertThat(Ethash.dataBytes(0)).isEqualTo(1_073_739_904);
    assertThat(Ethash.cacheBytes(1)).isEqualTo(16_907_456);
    assertThat(Ethash.dataBytes(1)).isEqualTo(1_082_130_304);
    assertThat(Ethash.cacheBytes(2047)).isEqualTo(285_081_536);
    assertThat(Ethash.dataBytes(2047)).isEqualTo(18_245_220_736L);
  }
}
