// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several validators seal one chain: each its share, and none two blocks on one parent. */
@Timeout(120)
class ManyValidatorsTest {
  private static final long PERIOD = 5;
  private static final long MANY_SECONDS = 3_600;

  @TempDir Path folder;

  private void assertOneChain(Validators validators) {
    assertThat(validators.faults).isEmpty();
    assertThat(heads(validators)).hasSize(1);
  }

  private static Set<Hash> heads(Validators validators) {
    return validators.nodes.stream()
        .filter(node -> !node.offline)
        .map(node -> node.head.hash())
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void eachSealsItsShareInTurn(int count) {
    Validators validators = new Validators(count, PERIOD, count, folder);
    int rounds = 12;
    validators.run(rounds * count * PERIOD + 4);
    assertOneChain(validators);
    Validators.Node first = validators.nodes.get(0);
    assertThat(first.head.number()).isEqualTo((long) rounds * count);
    assertThat(first.shares()).hasSize(count).allSatisfy((a, n) -> assertThat(n).isEqualTo(rounds));
    // most blocks in turn arrive before the others would seal
    assertThat(validators.sealed.size()).isBetween(rounds * count, 3 * rounds * count / 2);
  }

  /** More than half of the validators are enough; the others seal out of turn for one. */
  @ParameterizedTest
  @CsvSource({"3, 1", "4, 1", "5, 1", "5, 2"})
  void theOthersSealWhenSomeAreOffline(int count, int offline) {
    Validators validators = new Validators(count, PERIOD, 7, folder);
    validators.nodes.subList(0, offline).forEach(node -> node.offline = true);
    validators.run(20 * count * PERIOD);
    assertThat(validators.faults).isEmpty();
    Validators.Node last = validators.nodes.get(count - 1);
    assertThat(last.head.number()).isGreaterThan(10L * count);
    assertThat(last.shares()).hasSize(count - offline);
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "3, 2", "4, 2"})
  void theChainWaitsForHalfOfTheValidatorsAndGoesOnWithThem(int count, int offline) {
    Validators validators = new Validators(count, PERIOD, 8, folder);
    validators.nodes.subList(0, offline).forEach(node -> node.offline = true);
    validators.run(MANY_SECONDS);
    long stopped = validators.nodes.get(count - 1).head.number();
    assertThat(stopped).isLessThanOrEqualTo(count);
    validators.nodes.forEach(
        node -> {
          node.offline = false;
          node.wake();
        });
    validators.sync();
    validators.run(20 * PERIOD);
    assertThat(validators.nodes.get(0).head.number()).isGreaterThan(stopped + 10);
    assertThat(validators.faults).isEmpty();
  }

  /** A tenth and more of the sealed blocks is lost with its process, before the import. */
  @ParameterizedTest
  @CsvSource({"2, 0.3", "3, 0.3", "4, 0.1", "5, 0.5"})
  void aKilledValidatorSealsNoOtherBlock(int count, double killed) {
    Validators validators = new Validators(count, PERIOD, 9, folder);
    validators.killed = killed;
    validators.run(60 * PERIOD);
    validators.killed = 0;
    validators.run(10 * PERIOD);
    assertThat(validators.faults).isEmpty();
    assertThat(validators.nodes.get(0).head.number()).isGreaterThan(50);
  }

  /**
   * Halves of an even set seal until all of each half are recent signers; then they meet again.
   * Both branches have the same difficulty for some of the orders in which they seal.
   */
  private List<Validators> splits(int count, boolean breaksTies) throws Exception {
    List<Validators> splits = new ArrayList<>();
    for (int seed = 0; seed < 12; seed++) {
      Path place = Files.createDirectories(folder.resolve(breaksTies + "-" + seed));
      Validators validators = new Validators(count, PERIOD, seed, place);
      validators.breaksTies = breaksTies;
      validators.run((7 + seed) * PERIOD + 2);
      int half = seed % 3;
      validators.connected = (a, b) -> side(a, half, count) == side(b, half, count);
      validators.run(20 * PERIOD);
      assertThat(heads(validators)).hasSizeGreaterThan(1);
      validators.connected = (a, b) -> true;
      validators.sync();
      validators.run(20 * PERIOD);
      assertThat(validators.faults).isEmpty();
      splits.add(validators);
    }
    return splits;
  }

  /** Returns the half of a validator: three of the ways to split four, or six, of them. */
  private static boolean side(int validator, int way, int count) {
    return switch (way) {
      case 0 -> validator % 2 == 0;
      case 1 -> validator < count / 2;
      default -> validator % 4 == 0 || validator % 4 == 3;
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 6})
  void aChainThatWasSplitEvenlyGoesOn(int count) throws Exception {
    for (Validators validators : splits(count, true)) {
      validators.run(4);
      assertOneChain(validators);
      assertThat(validators.nodes.get(0).head.number()).isGreaterThan(20);
    }
  }

  /** With the first block seen as the head, some of these chains stop although all seal. */
  @Test
  void withoutTheTieBreakSomeOfThemStop() throws Exception {
    int stopped = 0;
    for (Validators validators : splits(4, false)) {
      Set<Hash> heads = heads(validators);
      validators.run(MANY_SECONDS);
      if (heads.equals(heads(validators))) {
        assertThat(heads).hasSize(2);
        stopped++;
      }
    }
    assertThat(stopped).isPositive();
  }

  /** With a period of 0 a block is sealed when there is a transaction, in turn at once. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void blocksWithoutPeriodAreSealedOnDemand(int count) {
    Validators validators = new Validators(count, 0, 10, folder);
    validators.pending = false;
    validators.run(MANY_SECONDS);
    assertThat(validators.nodes.get(0).head.number()).isZero();
    validators.pending = true;
    validators.nodes.forEach(Validators.Node::wake);
    validators.run(10);
    validators.pending = false;
    validators.run(10);
    assertThat(validators.faults).isEmpty();
    Block head = validators.nodes.get(0).head;
    assertThat(head.number()).isGreaterThan(5);
    assertThat(validators.nodes.get(0).shares()).hasSize(count);
  }
}
