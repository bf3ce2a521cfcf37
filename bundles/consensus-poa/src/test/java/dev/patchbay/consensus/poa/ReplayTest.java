// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The state of the votes is computed from the headers of an epoch, as after a restart. */
class ReplayTest {
  private static final int EPOCH = 30_000;
  private static final int BLOCKS = 3 * VotingStates.REPLAYED;

  private final Validators validators = new Validators(3, 3, 1, EPOCH);

  /** The signer of each block, from block 1 on. */
  private final List<Integer> signers = new ArrayList<>();

  /** A block whose seal is valid, or is not one. */
  private BlockHeader block(BlockHeader parent, int signer, Address target, long vote, boolean ok) {
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent.computeHash())
            .number(parent.number() + 1)
            .timestamp(parent.timestamp() + 1)
            .gasLimit(parent.gasLimit())
            .coinbase(target)
            .difficulty(UInt256.ONE)
            .extraData(ok ? Extra.of(new byte[0], List.of()) : Bytes.of(new byte[97]))
            .nonce(vote)
            .build();
    signers.add(signer);
    return validators.add(ok ? Extra.withSeal(header, validators.keys.get(signer)) : header);
  }

  @Test
  void theStateIsThatAfterApplyingEachBlock() throws Exception {
    Random random = new Random(7);
    Voting applied = Voting.atCheckpoint(0, validators.addresses.subList(0, 3), java.util.Map.of());
    BlockHeader head = validators.genesis;
    for (int number = 1; number <= BLOCKS; number++) {
      List<Address> eligible = applied.eligible(number);
      int signer = validators.addresses.indexOf(eligible.get(random.nextInt(eligible.size())));
      boolean votes = random.nextInt(50) == 0;
      Address target = // also the zero address, for which an ordinary block counts as a vote
          votes
              ? random.nextInt(20) == 0 ? Address.ZERO : validators.addresses.get(random.nextInt(6))
              : Address.ZERO;
      boolean authorize = votes && (random.nextBoolean() || applied.signers().size() < 3);
      head = block(head, signer, target, authorize ? Voting.AUTHORIZE : Voting.DROP, true);
      applied = applied.apply(head, validators.addresses.get(signer), EPOCH);
    }
    assertThat(applied.signers()).as("votes have passed").hasSizeGreaterThan(3);

    Voting replayed = new VotingStates().after(head, head.computeHash(), validators, EPOCH);

    assertThat(replayed.snapshot()).isEqualTo(applied.snapshot());
    assertThat(replayed.first()).isPositive();
    for (Address signer : applied.signers()) {
      assertThat(replayed.hasSealed(signer))
          .isEqualTo(
              signers.lastIndexOf(validators.addresses.indexOf(signer)) + 1 >= replayed.first());
    }
  }

  private List<BlockHeader> verified(VotingStates states, boolean votes) throws Exception {
    List<BlockHeader> chain = new ArrayList<>(List.of(validators.genesis));
    for (int number = 1; number <= 1_500; number++) {
      Address target = Address.fromHex(String.format("0x%040x", number));
      boolean isVote = votes && number % 2 == 0;
      BlockHeader next =
          block(
              chain.get(number - 1),
              number % 2,
              isVote ? target : Address.ZERO,
              isVote ? Voting.AUTHORIZE : Voting.DROP,
              true);
      states.after(next, next.computeHash(), validators, EPOCH);
      chain.add(next);
    }
    return chain;
  }

  /** Returns how many headers are read for the state after a block. */
  private int headersRead(VotingStates states, BlockHeader block) throws Exception {
    validators.read.clear();
    states.after(block, block.computeHash(), validators, EPOCH);
    return validators.read.size();
  }

  @Test
  void theStatesOfHeadersThatAreVerifiedAheadAreKept() throws Exception {
    VotingStates states = new VotingStates();
    List<BlockHeader> chain = verified(states, false);
    assertThat(headersRead(states, chain.get(1_500 - 1_023))).isZero();
    assertThat(headersRead(states, chain.get(1_500 - 1_030))).isPositive();
  }

  /** A signer votes for another address with each block; in an epoch the lists took 60 MB. */
  @Test
  void fewerStatesAreKeptOfAChainWithManyVotes() throws Exception {
    VotingStates states = new VotingStates();
    List<BlockHeader> chain = verified(states, true);
    BlockHeader head = chain.get(1_500);
    assertThat(states.after(head, head.computeHash(), validators, EPOCH).voteCount())
        .isEqualTo(750);
    assertThat(headersRead(states, chain.get(1_500 - 127))).isZero();
    assertThat(headersRead(states, chain.get(1_500 - 300))).isPositive();
  }

  @Test
  void sealsOfOldBlocksThatDoNotVoteAreNotRead() throws Exception {
    BlockHeader head = validators.genesis;
    for (int number = 1; number <= BLOCKS; number++) {
      boolean isRead = number > BLOCKS - VotingStates.REPLAYED;
      head = block(head, number % 3, Address.ZERO, Voting.DROP, isRead);
    }

    Voting replayed = new VotingStates().after(head, head.computeHash(), validators, EPOCH);

    assertThat(replayed.signers()).isEqualTo(validators.addresses.subList(0, 3));
    assertThat(replayed.first()).isEqualTo(BLOCKS - VotingStates.REPLAYED + 1);
  }
}
