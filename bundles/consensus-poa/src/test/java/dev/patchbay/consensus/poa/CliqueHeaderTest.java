// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.UInt256;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Headers of Clique, at the time of a clock that the test sets. */
class CliqueHeaderTest {
  private final Validators validators = new Validators(3, 0, 5, 30_000);
  private final Clique clique = new Clique(validators);

  private void verify(BlockHeader header) throws InvalidBlockException {
    clique.verifyHeader(header, validators.genesis, validators, validators.config);
  }

  @ParameterizedTest
  @CsvSource({"1, true", "15, true", "16, false", "86400, false"})
  void aHeaderFromTheFutureIsValidWhenItsTimeHasCome(long ahead, boolean soon) throws Exception {
    BlockHeader header = validators.sealed(validators.genesis, 1);
    validators.millis = (header.timestamp() - ahead) * 1_000 + 999;
    FutureBlockException early =
        catchThrowableOfType(FutureBlockException.class, () -> verify(header));
    assertThat(early.timestamp()).isEqualTo(header.timestamp());
    assertThat(early.isDueSoon()).isEqualTo(soon);
    assertThat(early)
        .hasMessage(
            "timestamp %d is in the future, now is %d",
            header.timestamp(), header.timestamp() - ahead);
    validators.millis = header.timestamp() * 1_000;
    verify(header);
  }

  /** What is wrong at any time is not from the future. */
  @Test
  void aHeaderFromTheFutureWithAnotherFaultIsInvalid() {
    BlockHeader header = validators.sealed(validators.genesis, 1);
    BlockHeader wrong = header.toBuilder().difficulty(UInt256.ONE).build();
    validators.millis = (header.timestamp() - 1) * 1_000;
    assertThatThrownBy(() -> verify(wrong))
        .isInstanceOf(InvalidBlockException.class)
        .isNotInstanceOf(FutureBlockException.class);
  }
}
