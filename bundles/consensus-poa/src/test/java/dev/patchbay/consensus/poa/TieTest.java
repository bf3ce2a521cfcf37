// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import java.math.BigInteger;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Which of two blocks of equal total difficulty becomes the head (EIP-3436). */
class TieTest {
  private final Validators validators = new Validators(8, 0, 5, 30_000);

  private boolean wins(BlockHeader candidate, BlockHeader head) {
    // each node computes it by itself, in any order
    return new Clique(validators).winsTie(candidate, head, validators, validators.config);
  }

  private void assertChosen(BlockHeader better, BlockHeader worse) {
    assertThat(wins(better, worse)).isTrue();
    assertThat(wins(worse, better)).isFalse();
    assertThat(wins(better, better)).isFalse();
  }

  /** Seals blocks in turn up to a number. */
  private BlockHeader inTurn(int number) {
    BlockHeader head = validators.genesis;
    for (int i = 1; i <= number; i++) {
      head = validators.sealed(head, i % 8);
    }
    return head;
  }

  @Test
  void theShorterBranchIsChosen() {
    BlockHeader parent = inTurn(7);
    BlockHeader shorter = validators.sealed(parent, 0);
    BlockHeader longer = validators.sealed(validators.sealed(parent, 1), 2);
    assertChosen(shorter, longer);
  }

  /** Block 8 is of signer 0 in turn: signer 3 was in turn five blocks before it, 2 six blocks. */
  @Test
  void theSignerThatWasInTurnLastIsChosen() {
    BlockHeader parent = inTurn(7);
    assertChosen(validators.sealed(parent, 3), validators.sealed(parent, 2));
    assertChosen(validators.sealed(parent, 3), validators.sealed(parent, 1));
    assertChosen(validators.sealed(parent, 2), validators.sealed(parent, 1));
  }

  @Test
  void theLowerHashIsChosenOfOneSigner() {
    BlockHeader parent = inTurn(7);
    BlockHeader one = validators.sealed(parent, 2);
    BlockHeader other =
        validators.add(
            Extra.withSeal(
                one.toBuilder().timestamp(one.timestamp() + 1).build(), validators.keys.get(2)));
    boolean lower = one.computeHash().compareTo(other.computeHash()) < 0;
    assertChosen(lower ? one : other, lower ? other : one);
  }

  /** Anyone can make a second valid seal out of the first one, and so another hash. */
  @Test
  void theSealOfTheSignerIsChosenOverTheOneThatAnyoneCanMake() {
    BlockHeader head = inTurn(4);
    for (int number = 5; number <= 12; number++) { // hashes in either order
      head = validators.sealed(head, number % 8);
      byte[] extra = head.extraData().toArray();
      int at = extra.length - Extra.SEAL + 32;
      BigInteger s = new BigInteger(1, Arrays.copyOfRange(extra, at, at + 32));
      byte[] other = Secp256k1.N.subtract(s).toByteArray();
      Arrays.fill(extra, at, at + 32, (byte) 0);
      int length = Math.min(32, other.length);
      System.arraycopy(other, other.length - length, extra, at + 32 - length, length);
      extra[at + 32] ^= 1;
      BlockHeader twin = validators.add(head.toBuilder().extraData(Bytes.wrap(extra)).build());
      assertThat(Extra.signer(twin)).isEqualTo(validators.addresses.get(number % 8));
      assertChosen(head, twin);
    }
  }

  @Test
  void aBlockThatIsInvalidIsNotChosen() {
    BlockHeader parent = inTurn(7);
    BlockHeader head = validators.sealed(parent, 1);
    BlockHeader better = validators.sealed(parent, 3);
    assertThat(wins(better.toBuilder().extraData(Bytes.EMPTY).build(), head)).isFalse();
    BlockHeader recent =
        Extra.withSeal(better.toBuilder().build(), validators.keys.get(7)); // block 7 is of 7
    assertThat(wins(recent, head)).isFalse();
  }
}
