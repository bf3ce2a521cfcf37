// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

  /** Returns a header with the second valid seal, which needs no key. */
  private BlockHeader twin(BlockHeader header) {
    byte[] extra = header.extraData().toArray();
    int at = extra.length - Extra.SEAL + 32;
    BigInteger s = new BigInteger(1, Arrays.copyOfRange(extra, at, at + 32));
    byte[] other = Secp256k1.N.subtract(s).toByteArray();
    Arrays.fill(extra, at, at + 32, (byte) 0);
    int length = Math.min(32, other.length);
    System.arraycopy(other, other.length - length, extra, at + 32 - length, length);
    extra[at + 32] ^= 1;
    return validators.add(header.toBuilder().extraData(Bytes.wrap(extra)).build());
  }

  /** The head does not depend on the order in which the blocks come. */
  @Test
  void theOrderIsTotal() {
    BlockHeader parent = inTurn(7);
    List<BlockHeader> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) { // of one signer, and of another one
      BlockHeader sealed = validators.sealed(parent, 2 + i % 2);
      BlockHeader later = sealed.toBuilder().timestamp(sealed.timestamp() + i).build();
      all.add(validators.add(Extra.withSeal(later, validators.keys.get(2 + i % 2))));
      all.add(twin(all.get(all.size() - 1)));
    }
    all.add(validators.sealed(validators.sealed(parent, 1), 2));
    Clique rules = new Clique(validators);
    boolean[][] wins = new boolean[all.size()][all.size()];
    for (int a = 0; a < wins.length; a++) {
      for (int b = 0; b < wins.length; b++) {
        wins[a][b] = rules.winsTie(all.get(a), all.get(b), validators, validators.config);
      }
    }
    for (int a = 0; a < wins.length; a++) {
      for (int b = 0; b < wins.length; b++) {
        assertThat(wins[a][b]).isEqualTo(a != b && !wins[b][a]);
        for (int c = 0; c < wins.length; c++) {
          assertThat(wins[a][b] && wins[b][c] && !wins[a][c]).as("a cycle").isFalse();
        }
      }
    }
  }

  /** Anyone can make a second valid seal out of the first one, and so another hash. */
  @Test
  void theSealOfTheSignerIsChosenOverTheOneThatAnyoneCanMake() {
    BlockHeader head = inTurn(4);
    for (int number = 5; number <= 12; number++) { // hashes in either order
      head = validators.sealed(head, number % 8);
      BlockHeader twin = twin(head);
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
