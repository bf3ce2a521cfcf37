// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChainHealthTest {
  private @Nullable RuntimeException noHead;
  private @Nullable RuntimeException noRules;
  private final ChainHealth health =
      new ChainHealth(
          () -> {
            throwIfSet(noHead);
            return 7;
          },
          () -> throwIfSet(noRules));

  private static void throwIfSet(@Nullable RuntimeException failure) {
    if (failure != null) {
      throw failure;
    }
  }

  @Test
  void aBoundStoreAndRulesAreHealthy() {
    assertThat(health.check()).isEqualTo(Health.healthy("head is block 7"));
  }

  @Test
  void aMissingStoreOrMissingRulesMayStillCome() {
    for (RuntimeException failure :
        new RuntimeException[] {
          new StorageUnavailableException("no store"), new StorageException("cannot read")
        }) {
      noHead = failure;
      assertThat(health.check()).isEqualTo(Health.unavailable(failure.getMessage()));
    }
    noHead = null;
    noRules = new NotReadyException("the consensus rules 'clique' are not installed");
    assertThat(health.check().status()).isEqualTo(Health.Status.UNAVAILABLE);
    assertThat(health.check().message()).contains("clique", "install");
  }
}
