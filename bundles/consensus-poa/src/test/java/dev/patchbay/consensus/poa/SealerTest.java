// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.node.Handover;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a signer seals, and that it seals once on a parent. */
class SealerTest {
  private static final LongUnaryOperator LONGEST = bound -> bound - 1;

  @TempDir Path folder;
  private final Handover handover = new KeptInMemory();
  private Validators validators = new Validators(3, 0, 5, 30_000);

  private Clique clique() {
    Clique clique = new Clique(validators, LONGEST);
    clique.chain = validators.chain(() -> validators.genesis);
    return clique;
  }

  private BlockSealer sealer(int validator) {
    return sealer(clique(), validator);
  }

  private BlockSealer sealer(Clique clique, int validator) {
    return clique.sealer(validators.keys.get(validator), folder.resolve("key"));
  }

  private BlockSealer.Template prepare(BlockSealer sealer, BlockHeader parent) {
    return Objects.requireNonNull(
        sealer.prepare(
            parent, validators.instant().getEpochSecond(), validators, validators.config));
  }

  private Block draft(BlockHeader parent, BlockSealer.Template template, long gasUsed) {
    return new Block(
        BlockHeader.builder()
            .parentHash(parent.computeHash())
            .number(parent.number() + 1)
            .timestamp(template.timestamp())
            .gasLimit(parent.gasLimit())
            .gasUsed(gasUsed)
            .coinbase(template.coinbase())
            .difficulty(template.difficulty())
            .extraData(template.extraData())
            .nonce(template.nonce())
            .build(),
        List.of(),
        List.of(),
        null);
  }

  private Block seal(BlockSealer sealer, BlockHeader parent, long gasUsed) {
    return sealer.seal(draft(parent, prepare(sealer, parent), gasUsed));
  }

  private List<Path> files() throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** Of n signers, the one in turn for block 1 has index 1 mod n. */
  @ParameterizedTest
  @CsvSource({
    "1, 5, 0, 5000", // in turn
    "2, 5, 1, 5000",
    "2, 5, 0, 5999", // 2 / 2 + 1 times 500 ms
    "3, 5, 1, 5000",
    "3, 5, 0, 5999",
    "3, 5, 2, 5999",
    "4, 5, 1, 5000",
    "4, 5, 2, 6499",
    "5, 5, 4, 6499",
    "3, 0, 1, 2000", // a period of 0: the clock is 2 s and 250 ms after the genesis
    "3, 0, 2, 3249",
    "3, 1, 1, 2000", // late: from now on, not from the time that was missed
    "3, 1, 2, 3249",
  })
  void aSignerOutOfTurnWaitsForTheOneInTurn(int n, long period, int validator, long millis) {
    validators = new Validators(n, 0, period, 30_000);
    validators.millis += 2_250;
    BlockSealer.Template template = prepare(sealer(validator), validators.genesis);
    assertThat(template.sealAtMillis() - validators.genesis.timestamp() * 1_000).isEqualTo(millis);
    assertThat(template.difficulty().longValue()).isEqualTo(validator == 1 % n ? 2 : 1);
  }

  @Test
  void aSignerOfOneOfTheLatestBlocksWaitsForOthers() {
    BlockHeader first = validators.sealed(validators.genesis, 1);
    assertThat(sealer(1).prepare(first, first.timestamp(), validators, validators.config)).isNull();
    assertThat(sealer(0).prepare(first, first.timestamp(), validators, validators.config))
        .isNotNull();
  }

  /** The process fails after the seal: whatever the next one builds, it seals no other block. */
  @Test
  void aParentHasOneBlockOfASigner() throws Exception {
    Block sealed = seal(sealer(1), validators.genesis, 0);
    Block again = seal(sealer(1), validators.genesis, 21_000);
    assertThat(again.hash()).isEqualTo(sealed.hash());
    assertThat(again.encode()).isEqualTo(sealed.encode());
    assertThat(files()).hasSize(1);
    assertThat(files().get(0).getFileName().toString()).matches("key[.][0-9a-f]{8}[.]sealed");
  }

  /** As geth: what protects there are the recent signers of each branch. */
  @Test
  void anotherParentOfTheSameHeightHasAnother() {
    BlockHeader one = validators.sealed(validators.genesis, 0);
    BlockHeader other = validators.sealed(validators.genesis, 1);
    Block onOne = seal(sealer(2), one, 0);
    Block onOther = seal(sealer(2), other, 0);
    assertThat(onOther.number()).isEqualTo(onOne.number());
    assertThat(onOther.header().parentHash()).isEqualTo(other.computeHash());
    assertThat(seal(sealer(2), one, 5).hash()).isEqualTo(onOne.hash());
    assertThat(seal(sealer(2), other, 5).hash()).isEqualTo(onOther.hash());
  }

  /** An own block that is invalid is not built again, see PayloadBuilder.rejected. */
  @Test
  void aSealThatWasDiscardedIsReplaced() {
    BlockSealer sealer = sealer(1);
    Block wrong = seal(sealer, validators.genesis, 5);
    sealer.discard(wrong);
    Block right = seal(sealer(1), validators.genesis, 0);
    assertThat(right.hash()).isNotEqualTo(wrong.hash());
    assertThat(seal(sealer(1), validators.genesis, 7).hash()).isEqualTo(right.hash());
  }

  /** A block of before may have left the node, whatever this build finds wrong with it. */
  @Test
  void aSealOfBeforeIsNotDiscarded() {
    Block sealed = seal(sealer(1), validators.genesis, 5);
    BlockSealer next = sealer(1);
    Block again = seal(next, validators.genesis, 0);
    next.discard(again);
    assertThat(seal(next, validators.genesis, 0).hash()).isEqualTo(sealed.hash());
    assertThat(seal(sealer(1), validators.genesis, 7).hash()).isEqualTo(sealed.hash());
  }

  /** An update in the middle of the import, after which the block is invalid. */
  @Test
  void aSealWhoseImportWasInterruptedIsReplacedWhenItIsInvalid() {
    BlockSealer sealer = sealer(1);
    BlockSealer.Template template = prepare(sealer, validators.genesis);
    Block wrong = sealer.seal(draft(validators.genesis, template, 5));
    Block again = sealer.seal(draft(validators.genesis, template, 0));
    assertThat(again.hash()).as("it is imported again first").isEqualTo(wrong.hash());
    assertReplaced(sealer, wrong);
  }

  @Test
  void theUpdateMayBeThatOfTheSealer() {
    Clique before = clique();
    before.setHandover(handover);
    Block wrong = seal(sealer(before, 1), validators.genesis, 5);
    BlockSealer sealer = successorOf(before);
    assertThat(seal(sealer, validators.genesis, 0).hash()).isEqualTo(wrong.hash());
    assertReplaced(sealer, wrong);
  }

  /** Updates the rules; returns the sealer of the new ones. */
  private BlockSealer successorOf(Clique before) {
    before.deactivate();
    Clique after = clique();
    BlockSealer sealer = sealer(after, 1);
    after.setHandover(handover);
    return sealer;
  }

  /** Seals on the first block again, and discards what that returns, as an invalid one. */
  private void assertNotReplaced(BlockSealer sealer, Block sealed) {
    sealer.discard(seal(sealer, validators.genesis, 0));
    assertThat(seal(sealer, validators.genesis, 0).hash()).isEqualTo(sealed.hash());
  }

  private void assertReplaced(BlockSealer sealer, Block wrong) {
    sealer.discard(wrong);
    Block right = seal(sealer, validators.genesis, 0);
    assertThat(right.hash()).isNotEqualTo(wrong.hash());
    assertThat(seal(sealer(1), validators.genesis, 7).hash()).isEqualTo(right.hash());
  }

  /** Peers may have fetched it, whatever has interrupted the import. */
  @Test
  void aSealThatTheChainHasIsNotReplaced() {
    BlockSealer sealer = sealer(1);
    Block sealed = seal(sealer, validators.genesis, 5);
    validators.add(sealed.header());
    sealer.discard(sealed);
    assertThat(seal(sealer, validators.genesis, 0).hash()).isEqualTo(sealed.hash());
  }

  /** An operator has set the head back, and the chain no longer has what was announced. */
  @Test
  void aSealThatTheChainHadIsNotReplaced() {
    BlockSealer sealer = sealer(1);
    Block sealed = seal(sealer, validators.genesis, 5);
    validators.add(sealed.header());
    prepare(sealer, validators.genesis);
    validators.remove(sealed.hash());
    assertNotReplaced(sealer, sealed);
  }

  /** The same when other blocks were sealed, or prepared, since. */
  @Test
  void aSealOfAnEarlierParentIsNotReplaced() {
    BlockSealer sealer = sealer(1);
    Block sealed = seal(sealer, validators.genesis, 5);
    prepare(sealer, validators.sealed(validators.genesis, 0));
    assertNotReplaced(sealer, sealed);
  }

  @Test
  void aSealThatASuccessorFindsInTheChainIsNotReplaced() {
    Clique before = clique();
    before.setHandover(handover);
    Block sealed = seal(sealer(before, 1), validators.genesis, 5);
    validators.add(sealed.header());
    assertNotReplaced(successorOf(before), sealed);
  }

  /** What it has sealed may be imported by then. */
  @Test
  void aSuccessorThatIsInUseTakesNoSeal() {
    Clique before = clique();
    before.setHandover(handover);
    Block sealed = seal(sealer(before, 1), validators.genesis, 5);
    before.deactivate();
    Clique after = clique();
    BlockSealer sealer = sealer(after, 1);
    assertThat(seal(sealer, validators.genesis, 0).hash()).isEqualTo(sealed.hash());
    after.setHandover(handover);
    sealer.discard(sealed);
    assertThat(seal(sealer, validators.genesis, 0).hash()).isEqualTo(sealed.hash());
  }

  /** A proposal without a majority does not keep the others from a vote. */
  @Test
  void eachProposalComesToAVote() throws Exception {
    validators = new Validators(3, 3, 5, 30_000);
    Set<Address> proposed = Set.copyOf(validators.addresses.subList(3, 6));
    Clique clique = new Clique(validators, LONGEST);
    proposed.forEach(signer -> clique.propose(signer, true));
    List<Address> voted = new ArrayList<>();
    BlockHeader head = validators.genesis;
    for (int number = 1; number <= 9; number++) {
      BlockHeader parent = head;
      if (number % 3 == 1) {
        BlockSealer.Template template =
            prepare(clique.sealer(validators.keys.get(1), folder.resolve("key")), parent);
        voted.add(template.coinbase());
        head = validators.sealed(parent, 1, template.coinbase(), true);
      } else {
        head = validators.sealed(parent, number % 3);
      }
    }
    assertThat(voted).containsExactlyInAnyOrderElementsOf(proposed);
    assertThat(
            prepare(clique.sealer(validators.keys.get(1), folder.resolve("key")), head).coinbase())
        .as("all are cast: one of them again")
        .isIn(proposed);
  }

  /** The only signer of a chain may set its head back and go on from there. */
  @Test
  void theOnlySignerSealsAgain() throws Exception {
    validators = new Validators(1, 0, 0, 30_000);
    Block sealed = seal(sealer(0), validators.genesis, 0);
    assertThat(seal(sealer(0), validators.genesis, 21_000).hash()).isNotEqualTo(sealed.hash());
    assertThat(files()).isEmpty();
  }

  @Test
  void belowTheBlocksThatAreKeptNothingIsSealed() {
    BlockHeader head = validators.genesis;
    for (int i = 0; i < 3 * (SealedBlocks.KEPT + 2); i++) {
      int next = (int) ((head.number() + 1) % 3);
      Block sealed =
          next == 0
              ? seal(sealer(0), head, 0)
              : new Block(validators.sealed(head, next), List.of(), List.of(), null);
      head = validators.add(sealed.header());
    }
    BlockSealer restarted = sealer(0);
    assertThatThrownBy(() -> prepare(restarted, validators.genesis))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("seals none up to 6 again")
        .hasMessageContaining(folder.toString());
    BlockHeader top = head;
    assertThat(prepare(restarted, validators.sealed(top, 1))).isNotNull();
  }

  @Test
  void aDamagedFileIsRefused() throws Exception {
    seal(sealer(1), validators.genesis, 0);
    Path file = files().get(0);
    byte[] content = Files.readAllBytes(file);
    content[content.length / 2] ^= 1;
    Files.write(file, content);
    assertThatThrownBy(() -> prepare(sealer(1), validators.genesis))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("checksum");
  }

  @Test
  void noSealLeavesWhenItCannotBeWritten() throws Exception {
    BlockSealer sealer =
        new Clique(validators, LONGEST)
            .sealer(validators.keys.get(1), folder.resolve("file").resolve("key"));
    Files.writeString(folder.resolve("file"), "not a folder");
    assertThatThrownBy(() -> seal(sealer, validators.genesis, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("key");
    Files.delete(folder.resolve("file"));
    assertThat(seal(sealer, validators.genesis, 0).number()).isEqualTo(1);
  }

  @Test
  void anotherChainHasAnotherFile() throws Exception {
    seal(sealer(1), validators.genesis, 0);
    validators = new Validators(4, 0, 5, 30_000);
    seal(sealer(1), validators.genesis, 0);
    assertThat(files()).hasSize(2);
  }
}
