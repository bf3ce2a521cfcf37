// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.trie.Roots;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which body is that of a header. */
class BodiesTest {
  private static final List<Withdrawal> WITHDRAWALS =
      List.of(new Withdrawal(1, 2, Address.ZERO, 3));

  private final Bodies bodies = new Bodies(config(null));
  private final Bodies rollup = new Bodies(config(new ChainConfig.Rollup(6, 50, 250, Map.of())));

  private static ChainConfig config(ChainConfig.@Nullable Rollup rollup) {
    return new ChainConfig(
        UInt256.ONE,
        Map.of(),
        Map.of(),
        null,
        new TreeMap<>(),
        null,
        null,
        null,
        null,
        false,
        rollup);
  }

  private static BlockHeader header(@Nullable Hash withdrawalsRoot) {
    return BlockHeader.builder().withdrawalsRoot(withdrawalsRoot).build();
  }

  @Test
  void withdrawalsBelongToAHeaderByTheirRoot() {
    BlockHeader before = header(null);
    BlockHeader none = header(Account.EMPTY_ROOT);
    BlockHeader some = header(Roots.ofWithdrawals(WITHDRAWALS));
    BlockBody body = new BlockBody(List.of(), List.of(), WITHDRAWALS);
    assertThat(bodies.match(List.of(before, none, some), List.of(body)))
        .extracting(Block::header)
        .containsExactly(some);
    assertThat(bodies.match(List.of(before, none), List.of(body))).isNull();
    assertThat(bodies.emptyBlock(before)).isNotNull();
    assertThat(bodies.emptyBlock(none)).isNotNull();
    assertThat(bodies.emptyBlock(some)).isNull();
  }

  /** From Isthmus on the header of a rollup has the root of a storage in that place. */
  @Test
  void aRollupHasNoWithdrawalsWhateverItsHeaderShows() {
    BlockHeader isthmus = header(Hash.keccak(new byte[] {1}));
    BlockBody none = new BlockBody(List.of(), List.of(), List.of());
    assertThat(bodies.match(List.of(isthmus), List.of(none))).isNull();
    assertThat(rollup.match(List.of(isthmus), List.of(none))).hasSize(1);
    assertThat(rollup.belongTogether(new Block(isthmus, List.of(), List.of(), List.of()))).isTrue();
    BlockBody some = new BlockBody(List.of(), List.of(), WITHDRAWALS);
    assertThat(rollup.match(List.of(isthmus), List.of(some))).isNull();
    assertThat(rollup.match(List.of(header(null)), List.of(none)))
        .as("before Canyon there is no list")
        .isNull();
  }
}
