// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a bundle hands over to the one that replaces it. */
class HandoverTest {
  private static final long EPOCH = 30_000;

  private final KeptInMemory handover = new KeptInMemory();
  private final Map<String, Object> kept = handover.kept;

  private final Validators validators = new Validators(3, 1, 5, EPOCH);

  /** The headers of the chain, from the genesis on. */
  private final List<BlockHeader> chain = new ArrayList<>(List.of(validators.genesis));

  private Voting expected;

  @BeforeEach
  void useThePredecessor() throws Exception {
    Address candidate = validators.addresses.get(3);
    for (int i = 0; i < 20; i++) { // one of three votes for a fourth signer
      chain.add(validators.sealed(head(), i % 3, i == 10 ? candidate : Address.ZERO, true));
    }
    Clique before = new Clique(validators);
    before.setHandover(handover);
    before.propose(candidate, true);
    for (BlockHeader header : chain) {
      expected = before.states.after(header, header.computeHash(), validators, EPOCH);
    }
    before.deactivate();
    assertThat(expected.snapshot().votes()).hasSize(1);
  }

  private BlockHeader head() {
    return chain.get(chain.size() - 1);
  }

  private Clique successor() {
    Clique after = new Clique(validators);
    after.setHandover(handover);
    assertThat(kept).as("what is left").isEmpty();
    return after;
  }

  private Voting votingAtHead(Clique clique) throws Exception {
    validators.read.clear();
    return clique.states.after(head(), head().computeHash(), validators, EPOCH);
  }

  @Test
  void aSuccessorGoesOnWithTheVotesThatWereProposed() {
    assertThat(successor().proposals())
        .containsExactly(Map.entry(validators.addresses.get(3), true));
  }

  @Test
  void aSuccessorReadsNoHeaderForTheStateOfTheHead() throws Exception {
    Voting voting = votingAtHead(successor());
    assertThat(validators.read).isEmpty();
    assertThat(voting.snapshot()).isEqualTo(expected.snapshot());
    assertThat(voting.first()).isEqualTo(expected.first());
    assertThat(voting.toMap()).isEqualTo(expected.toMap());
  }

  @Test
  void aSuccessorComputesWhatAnotherVersionHasHandedOverInAnotherForm() throws Exception {
    for (Object other : List.of(Map.of(), Map.of("signers", "none"), "none", 1L)) {
      kept.put("consensus-poa.voting-1", Map.of(head().computeHash(), other));
      Voting voting = votingAtHead(successor());
      assertThat(validators.read).as(String.valueOf(other)).hasSize(chain.size() - 1);
      assertThat(voting.snapshot()).isEqualTo(expected.snapshot());
    }
  }
}
