// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** EIP-3675: the terminal block reaches the terminal total difficulty, and its parent does not. */
class TerminalBlockTest {
  private static final Hash PARENT = Hash.keccak(new byte[] {1});

  private static ChainConfig config(@Nullable Long terminal) {
    return new ChainConfig(
        UInt256.ONE,
        terminal != null && terminal == 0 ? Map.of(Fork.PARIS, 0L) : Map.of(Fork.LONDON, 0L),
        Map.of(),
        terminal == null ? null : UInt256.of(terminal),
        new TreeMap<>(),
        null,
        null,
        null,
        null,
        false,
        null);
  }

  private record Difficulties(Map<Hash, UInt256> byHash) implements HeaderReader {
    @Override
    public @Nullable BlockHeader header(Hash hash) {
      return null;
    }

    @Override
    public @Nullable BlockHeader header(long number) {
      return null;
    }

    @Override
    public @Nullable UInt256 totalDifficulty(Hash blockHash) {
      return byHash.get(blockHash);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // number, difficulty, total difficulty of the parent, terminal, may be the head
    "5, 10, 40, 50, true",
    "5, 10, 49, 50, true",
    "5, 10, 39, 50, false",
    "5, 10, 50, 50, false",
    "5, 10, 60, 50, false",
    "5, 10, 40, , false",
    "5, 0, 50, 50, true",
    "5, 0, 90, 50, true",
    "0, 50, , 50, true",
    "0, 49, , 50, false",
    "0, 0, , 50, false",
    "0, 0, , 0, true",
    "0, 10, , 0, true"
  })
  void aBlockOfProofOfWorkIsAHeadOnlyWhenItIsTheTerminalOne(
      long number, long difficulty, Long before, Long terminal, boolean allowed) {
    BlockHeader header =
        BlockHeader.builder()
            .number(number)
            .parentHash(number == 0 ? Hash.ZERO : PARENT)
            .difficulty(UInt256.of(difficulty))
            .build();
    Map<Hash, UInt256> known = new HashMap<>();
    if (before != null) {
      known.put(PARENT, UInt256.of(before));
    }
    known.put(header.computeHash(), UInt256.of(difficulty + (before == null ? 0 : before)));
    boolean rejected = false;
    try {
      new EngineRules().verifyHead(header, new Difficulties(known), config(terminal));
    } catch (InvalidBlockException broken) {
      rejected = true;
      assertThat(broken).hasMessageContaining("is not the terminal block");
    }
    assertThat(rejected).isEqualTo(!allowed);
  }
}
