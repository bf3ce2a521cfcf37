// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Attack: a signer seals a checkpoint that lists other signers than the votes have made. */
class CheckpointTest {
  private static final int EPOCH = 4;

  /** Three signers, and one address that was never voted in. */
  private final Validators validators = new Validators(3, 1, 1, EPOCH);

  private final Clique clique = new Clique(validators);

  private void verify(BlockHeader header, BlockHeader parent) throws InvalidBlockException {
    clique.verifyHeader(header, parent, validators, validators.config);
  }

  @Test
  void aCheckpointWithAFalseSignerListIsInvalid() {
    BlockHeader parent = validators.genesis;
    for (int number = 1; number < EPOCH; number++) {
      parent = validators.sealed(parent, number % 3);
    }
    validators.millis += 60_000;
    BlockHeader before = parent;
    int signer = EPOCH % 3;
    BlockHeader checkpoint = validators.sealed(before, signer);
    assertThatCode(() -> verify(checkpoint, before)).doesNotThrowAnyException();
    Address one = validators.addresses.get(0);
    Address two = validators.addresses.get(1);
    Address three = validators.addresses.get(2);
    Address attacker = validators.addresses.get(3);
    for (List<Address> listed :
        List.of(
            List.of(one, two, three, attacker),
            List.of(two),
            List.of(one, two),
            List.of(three, two, one),
            List.of(one, one, two, three),
            List.<Address>of())) {
      BlockHeader unsealed =
          checkpoint.toBuilder().extraData(Extra.of(new byte[0], listed)).build();
      BlockHeader forged = Extra.withSeal(unsealed, validators.keys.get(signer));
      assertThatThrownBy(() -> verify(forged, before))
          .isInstanceOf(InvalidBlockException.class)
          .hasMessageContaining("the checkpoint lists " + listed.size() + " signers, expected 3; ");
    }
    List<Address> many = new ArrayList<>(List.of(one, two, three));
    many.addAll(Collections.nCopies(100_000, attacker));
    BlockHeader longer = checkpoint.toBuilder().extraData(Extra.of(new byte[0], many)).build();
    assertThatThrownBy(() -> verify(longer, before))
        .hasMessage(
            "extraData: the checkpoint lists 100003 signers, expected 3; signer 4 is "
                + attacker
                + ", expected none");
  }
}
