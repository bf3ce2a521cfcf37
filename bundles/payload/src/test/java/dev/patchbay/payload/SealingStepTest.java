// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When a node that seals waits, builds and signs. The head is at 100 s, the period 5 s. */
class SealingStepTest {
  private long millis = 104_000;
  private long delay = 700;
  private Block head = block(1, 100);
  private ImportResult result = new ImportResult.Imported(true);
  private Runnable whileBuilding = () -> {};
  private boolean hasTurn = true;
  private @Nullable String refusal;
  private final InstantSource clock = () -> Instant.ofEpochMilli(millis);
  private final List<Long> prepared = new ArrayList<>();
  private final List<Block> sealed = new ArrayList<>();
  private final List<Block> discarded = new ArrayList<>();
  private final List<Block> rejected = new ArrayList<>();

  private final BlockSealer sealer =
      new BlockSealer() {
        @Override
        public Address signer() {
          return Address.ZERO;
        }

        @Override
        public @Nullable Template prepare(
            BlockHeader parent, long now, HeaderReader headers, ChainConfig config) {
          if (refusal != null) {
            throw new IllegalStateException(refusal);
          }
          prepared.add(parent.number());
          long timestamp = Math.max(now, parent.timestamp() + 5);
          return hasTurn
              ? new Template(
                  timestamp,
                  Address.ZERO,
                  UInt256.ONE,
                  Bytes.EMPTY,
                  0,
                  Address.ZERO,
                  timestamp * 1_000 + delay)
              : null;
        }

        @Override
        public Block seal(Block draft) {
          sealed.add(draft);
          return draft;
        }

        @Override
        public void discard(Block block) {
          discarded.add(block);
        }
      };

  private final SealingStep step =
      new SealingStep(
          Stubs.of(ChainReader.class, Map.of("head", args -> head, "config", args -> config())),
          Stubs.of(BlockImporter.class, Map.of("importBlock", args -> result)),
          Stubs.of(
              PayloadBuilder.class,
              Map.of(
                  "build",
                  args -> {
                    whileBuilding.run();
                    return block(
                        ((Block) args[0]).number() + 1,
                        ((BlockSealer.Template) args[1]).timestamp());
                  },
                  "accepted",
                  args -> null,
                  "rejected",
                  args -> rejected.add((Block) args[0]))),
          clock);

  private static Block block(long number, long timestamp) {
    return new Block(
        BlockHeader.builder().number(number).timestamp(timestamp).build(),
        List.of(),
        List.of(),
        null);
  }

  private static ChainConfig config() {
    return new ChainConfig(
        UInt256.ONE,
        Map.of(),
        Map.of(),
        null,
        new TreeMap<>(),
        null,
        new ChainConfig.Clique(5, 30_000),
        null,
        null,
        true,
        null);
  }

  @Test
  void nothingIsBuiltOrSealedBeforeItsTime() {
    whileBuilding = () -> assertThat(millis).isGreaterThanOrEqualTo(105_700);
    assertThat(step.run(sealer)).isEqualTo(1_000);
    assertThat(prepared).isEmpty();
    millis = 105_000;
    for (; millis < 105_700; millis += 100) { // woken by transactions: the time is chosen once
      assertThat(step.run(sealer)).isEqualTo(105_700 - millis);
    }
    assertThat(sealed).isEmpty();
    step.run(sealer);
    assertThat(sealed).hasSize(1);
    assertThat(prepared).containsExactly(1L);
  }

  @Test
  void anotherHeadEndsTheWait() {
    millis = 105_000;
    assertThat(step.run(sealer)).isEqualTo(700);
    head = block(2, 105);
    millis = 105_100;
    assertThat(step.run(sealer)).isEqualTo(4_900);
    millis = 110_700;
    delay = 0;
    step.run(sealer);
    assertThat(sealed).extracting(Block::number).containsExactly(3L);
    assertThat(prepared).containsExactly(1L, 2L);
  }

  @Test
  void anotherHeadWhileTheBlockIsBuiltLeavesItUnsigned() {
    millis = 106_000;
    delay = 0;
    whileBuilding = () -> head = block(2, 105);
    assertThat(step.run(sealer)).isZero();
    assertThat(sealed).isEmpty();
  }

  @Test
  void theTurnOfOthersIsNoRefusal() {
    millis = 106_000;
    hasTurn = false;
    step.run(sealer);
    assertThat(step.refusal()).isNull();
    assertThat(sealed).isEmpty();
  }

  @Test
  void aSealerThatCannotSealIsReportedUntilItCan() {
    millis = 106_000;
    delay = 0;
    refusal = "not a signer";
    step.run(sealer);
    assertThat(step.refusal()).isEqualTo("cannot seal: not a signer");
    refusal = null;
    step.run(sealer);
    assertThat(step.refusal()).isNull();
    assertThat(sealed).hasSize(1);
    refusal = "not a signer";
    step.run(null);
    assertThat(step.refusal()).isNull();
  }

  @Test
  void anInvalidOwnBlockIsDiscarded() {
    millis = 106_000;
    delay = 0;
    result = new ImportResult.Invalid("stateRoot");
    assertThatThrownBy(() -> step.run(sealer)).hasMessageContaining("stateRoot");
    assertThat(discarded).isEqualTo(sealed).hasSize(1);
    assertThat(rejected).isEqualTo(sealed);
  }

  /** The clock was set back after the seal. */
  @Test
  void aBlockThatIsTooEarlyIsImportedAgain() {
    millis = 106_000;
    delay = 0;
    result = new ImportResult.TooEarly(109);
    assertThat(step.run(sealer)).isEqualTo(3_000);
    result = new ImportResult.Imported(true);
    millis = 109_000;
    step.run(sealer);
    assertThat(prepared).containsExactly(1L); // the same block, with the same time
    assertThat(discarded).isEmpty();
  }
}
