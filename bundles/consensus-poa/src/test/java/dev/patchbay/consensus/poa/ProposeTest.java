// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.BlockHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A vote after which the chain needs a signer that was never seen is warned of. */
class ProposeTest {
  /** Returns the votes after blocks that the first {@code live} of {@code signers} have sealed. */
  private static Voting play(Validators validators, int live) throws Exception {
    BlockHeader head = validators.genesis;
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 2 * live; i++) {
      order.add(i % live);
    }
    for (int validator : order) {
      head = validators.sealed(head, validator);
    }
    return new VotingStates().after(head, head.computeHash(), validators, 30_000);
  }

  /** Of N signers, N/2 + 1 have to seal. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 2 of 2 signers have to seal, and only 1 has", // 1 to 2 signers
    "2, 2, ", // 2 to 3: 2 of 3 have to seal, as before
    "3, 3, ", // 3 to 4: 3 of 4
    "3, 2, 3 of 4 signers have to seal, and only 2 have",
    "4, 3, ", // 4 to 5: 3 of 5
    "5, 4, ", // 5 to 6: 4 of 6
    "5, 3, 4 of 6 signers have to seal, and only 3 have",
  })
  void authorizingASignerIsWarnedOfWhenItIsNeeded(int signers, int live, String warning)
      throws Exception {
    Validators validators = new Validators(signers, 1, 5, 30_000);
    Voting voting = play(validators, live);
    Optional<String> given = voting.warning(validators.addresses.get(signers), true);
    if (warning == null) {
      assertThat(given).isEmpty();
    } else {
      assertThat(given.orElseThrow())
          .contains(warning, validators.addresses.get(signers).toChecksumString());
    }
  }

  @Test
  void aSignerThatIsRemovedMayLeaveThoseThatWereNeverSeen() throws Exception {
    Validators validators = new Validators(3, 0, 5, 30_000);
    Voting voting = play(validators, 2); // the third was never seen
    assertThat(voting.warning(validators.addresses.get(1), false).orElseThrow())
        .contains("2 of 2 signers", "only 1 has", validators.addresses.get(2).toChecksumString());
    assertThat(voting.warning(validators.addresses.get(2), false)).isEmpty();
  }

  @Test
  void aVoteThatChangesNothingIsNotWarnedOf() throws Exception {
    Validators validators = new Validators(1, 1, 5, 30_000);
    Voting voting = play(validators, 1);
    assertThat(voting.warning(validators.addresses.get(0), true)).isEmpty();
    assertThat(voting.warning(validators.addresses.get(1), false)).isEmpty();
    assertThat(voting.warning(validators.addresses.get(0), false)).isEmpty(); // none is left
  }

  @Test
  void aProposalIsMadeWithItsWarningAndWithoutAChain() throws Exception {
    Validators validators = new Validators(1, 1, 5, 30_000);
    Clique clique = new Clique(validators);
    assertThat(clique.propose(validators.addresses.get(1), true)).isEmpty();
    clique.chain = validators.chain(() -> validators.genesis);
    assertThat(clique.propose(validators.addresses.get(1), true)).isPresent();
    assertThat(clique.proposals()).containsEntry(validators.addresses.get(1), true);
  }
}
