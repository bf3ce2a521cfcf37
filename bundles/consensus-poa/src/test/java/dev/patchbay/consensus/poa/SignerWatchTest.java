// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.BlockHeader;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A chain that waits for a signer says for whom, and since when. */
class SignerWatchTest {
  private Validators validators = new Validators(3, 0, 2, 30_000);
  private BlockHeader head = validators.genesis;
  private boolean hasStore = true;

  private final SignerWatch watch =
      new SignerWatch(
          () -> validators.instant(),
          () ->
              validators.chain(
                  () -> {
                    if (!hasStore) {
                      throw new StorageUnavailableException("no store");
                    }
                    return head;
                  }),
          (header, hash, headers, chainConfig) ->
              new VotingStates().after(header, hash, headers, 30_000));

  private Health after(long seconds) {
    for (int i = 0; i < seconds; i++) {
      watch.look();
      validators.millis += 1_000;
    }
    watch.look();
    return watch.check();
  }

  private String name(int validator) {
    return validators.addresses.get(validator).toChecksumString();
  }

  /** With a period of 2 s the limit is 15 s, with one of 10 s it is 30 s. */
  @ParameterizedTest
  @CsvSource({"2, 17", "5, 20", "10, 40"})
  void aLateBlockIsReportedAfterThreePeriods(long period, long late) {
    validators = new Validators(3, 0, period, 30_000);
    head = validators.genesis;
    assertThat(after(late - 1).status()).isEqualTo(Health.Status.HEALTHY);
    Health health = after(1);
    assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health.message())
        .startsWith("no block since " + Instant.ofEpochSecond(head.timestamp()))
        .contains("block 1 was due at " + Instant.ofEpochSecond(head.timestamp() + period));
  }

  @Test
  void theSignersThatMaySealAreNamedTheOneInTurnFirst() {
    head = validators.sealed(validators.sealed(head, 1), 0); // 2 is in turn for block 2
    validators.millis = head.timestamp() * 1_000;
    assertThat(after(60).message())
        .contains(
            "block 3 was due",
            "waits for one of its signers " + name(1) + ", " + name(2) + ". ",
            "Not one block since block 0 is of " + name(2) + ". ");
    head = validators.sealed(head, 2);
    validators.millis = head.timestamp() * 1_000;
    assertThat(after(0).status()).isEqualTo(Health.Status.HEALTHY);
    assertThat(after(60).message())
        .contains("block 4 was due", "signers " + name(1) + " (in turn), " + name(0) + ". Start")
        .doesNotContain("Not one block");
  }

  @ParameterizedTest
  @CsvSource({"2", "4", "5"})
  void everyNumberOfSignersNamesThoseThatHaveNotSealed(int count) {
    validators = new Validators(count, 0, 2, 30_000);
    head = validators.genesis;
    for (int i = 0; i < count / 2; i++) { // as many as may seal without the others
      head = validators.sealed(head, i);
    }
    validators.millis = head.timestamp() * 1_000;
    String message = after(60).message();
    for (int i = 0; i < count; i++) {
      assertThat(message.contains(name(i))).as("signer %d", i).isEqualTo(i >= count / 2);
    }
  }

  @Test
  void aChainThatIsDownloadedDoesNotWait() {
    validators.millis += 1_000_000_000L;
    for (int i = 0; i < 60; i++) {
      head = validators.sealed(head, (i + 1) % 3);
      assertThat(after(1).status()).isEqualTo(Health.Status.HEALTHY);
    }
    assertThat(after(15).status()).isEqualTo(Health.Status.DEGRADED);
  }

  @Test
  void aChainOnDemandDoesNotWait() {
    validators = new Validators(1, 0, 0, 30_000);
    head = validators.genesis;
    assertThat(after(100_000).status()).isEqualTo(Health.Status.HEALTHY);
  }

  @Test
  void theOnlySignerIsNamedWhenItsKeyIsMissing() {
    validators = new Validators(1, 0, 5, 30_000);
    head = validators.genesis;
    assertThat(after(60).message()).contains(name(0) + " (in turn)", "Not one block since block 0");
  }

  @Test
  void aChainWithoutAStoreIsNotDue() {
    hasStore = false;
    assertThat(after(60).status()).isEqualTo(Health.Status.UNAVAILABLE);
    assertThat(watch.dependencies()).contains("chain");
    hasStore = true;
    assertThat(after(1).status()).isEqualTo(Health.Status.HEALTHY);
  }
}
