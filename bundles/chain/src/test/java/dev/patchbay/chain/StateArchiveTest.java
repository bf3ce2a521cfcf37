// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.state.StateProof;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Tries of old states: right, computed once, and not changed by what a request does with them. */
class StateArchiveTest extends ChainFixture {
  private static final int DEPTH = 300;

  private Hash root(Block block) {
    return chain.states().computeStateRoot(block.hash(), StateChanges.NONE);
  }

  @Test
  void theTriesOfAnOldStateAreComputedOnce() {
    open(Long.MAX_VALUE);
    extend(DEPTH + 10);
    Block old = canonical(10);
    int first = readsOf(() -> assertThat(root(old)).isEqualTo(old.header().stateRoot()));
    assertThat(first).as("each change set is read").isGreaterThan(DEPTH);
    int again = readsOf(() -> assertThat(root(old)).isEqualTo(old.header().stateRoot()));
    assertThat(again).isLessThan(20);
    int proof =
        readsOf(
            () -> {
              StateProof proven = chain.states().prove(old.hash(), ACCOUNT, List.of());
              assertThat(proven).isNotNull();
              assertThat(proven.account().balance())
                  .isEqualTo(UInt256.of(old.header().timestamp()));
            });
    assertThat(proof).isLessThan(20);
  }

  @Test
  void aRequestThatChangesAnOldStateChangesItForNoOther() {
    open(Long.MAX_VALUE);
    extend(DEPTH + 10);
    Block old = canonical(10);
    StateChanges changes = BalanceBlocks.changes(canonical(200).header());
    for (int i = 0; i < 2; i++) {
      assertThat(chain.states().witness(old.hash(), Map.of(ACCOUNT, Set.of(UInt256.ONE)), changes))
          .isNotEmpty();
      assertThat(chain.states().computeStateRoot(old.hash(), changes))
          .isEqualTo(canonical(200).header().stateRoot());
      assertThat(root(old)).isEqualTo(old.header().stateRoot());
    }
  }

  @Test
  void theTriesOfAnOldStateFollowTheHeadAndReorgs() {
    open(Long.MAX_VALUE);
    extend(DEPTH + 10);
    Block old = canonical(10);
    for (int i = 0; i < 3; i++) {
      assertThat(root(old)).isEqualTo(old.header().stateRoot());
      importer.setHead(chain.head().number() - 1);
      assertThat(root(old)).isEqualTo(old.header().stateRoot());
      extend(2);
    }
    assertThat(root(chain.head())).isEqualTo(chain.head().header().stateRoot());
  }

  @Test
  void theAccountsThatABlockChangedAreKnownAsLongAsItsChangeSet() {
    open(4);
    extend(10);
    assertThat(chain.states().changedAccounts(chain.head().hash()))
        .containsExactly(ACCOUNT.keccak());
    assertThat(chain.states().changedAccounts(canonical(2).hash())).as("pruned").isNull();
    assertThat(chain.states().changedAccounts(Hash.ZERO)).as("not canonical").isNull();
  }
}
