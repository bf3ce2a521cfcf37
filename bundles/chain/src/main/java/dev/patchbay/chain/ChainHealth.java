// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Reports whether the chain works: its store is bound and its consensus rules are installed. The
 * store has a check of its own, which explains why it is not bound. Threading: any thread.
 */
final class ChainHealth implements HealthCheck {
  private final LongSupplier head;
  private final Runnable rules;

  /**
   * Creates the check.
   *
   * @param head returns the number of the head; throws {@link StorageUnavailableException} without
   *     a store
   * @param rules throws {@link NotReadyException} when the consensus rules are not installed
   */
  ChainHealth(LongSupplier head, Runnable rules) {
    this.head = head;
    this.rules = rules;
  }

  @Override
  public String name() {
    return "chain";
  }

  @Override
  public Set<String> dependencies() {
    return Set.of("storage.chain", ConsensusRules.class.getName());
  }

  @Override
  public Health check() {
    try {
      String message = "head is block " + head.getAsLong();
      rules.run();
      return Health.healthy(message);
    } catch (NotReadyException | StorageException | StorageUnavailableException unavailable) {
      return Health.unavailable(String.valueOf(unavailable.getMessage()));
    }
  }
}
