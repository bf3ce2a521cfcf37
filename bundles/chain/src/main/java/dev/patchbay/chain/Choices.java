// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.evm.EvmChoice;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import org.jspecify.annotations.Nullable;

/**
 * The EVM and the consensus rules that the chain uses, see {@link StoredChoice}.
 *
 * <p>Threading: any thread; the methods that read or write the store under the import lock.
 */
final class Choices implements EvmChoice {
  /** The EVM of a new chain for which the configuration names none. */
  static final String DEFAULT_EVM = "patchbay";

  private final StoredChoice<EvmEngine> evm;
  private final StoredChoice<ConsensusRules> rules;
  private final String consensus;

  /** The EVM that the configuration names; null when it names none, and once it was compared. */
  private @Nullable String configured;

  /**
   * Creates choices that are not stored.
   *
   * @param consensus the name of the consensus rules, which the genesis decides
   * @param evm the name of the EVM that the configuration asks for; empty for the stored one, and
   *     for {@value #DEFAULT_EVM} in a new chain
   * @throws IllegalArgumentException when the name of the EVM is malformed
   */
  Choices(String consensus, String evm) {
    this.consensus = consensus;
    this.configured = evm.isBlank() ? null : evm.strip();
    if (configured != null && !StoredChoice.isName(configured)) {
      throw new IllegalArgumentException(
          "dev.patchbay.chain: evm is '"
              + configured
              + "', it must have 1 to 200 letters, digits, '.', '_' and '-'");
    }
    this.evm =
        new StoredChoice<>(
            Keys.EVM,
            new StoredChoice.Terms("the EVM", "is", "evm:use [--bundle BUNDLE] NAME", false),
            configured == null ? DEFAULT_EVM : configured);
    this.rules =
        new StoredChoice<>(
            Keys.RULES,
            new StoredChoice.Terms("the consensus rules", "are", "consensus:use BUNDLE", true),
            consensus);
  }

  StoredChoice<EvmEngine> evm() {
    return evm;
  }

  StoredChoice<ConsensusRules> rules() {
    return rules;
  }

  @Override
  public EvmEngine engine() {
    return evm.require();
  }

  /** Writes the choices into a new chain. */
  void initialize(KeyValueStore store) {
    WriteSet writes = new WriteSet();
    addTo(writes);
    store.write(writes.toBatch());
  }

  /**
   * Reads the choices of a store that is opened. A chain that has no block after its genesis, and
   * was never used with an EVM, gets the EVM that the configuration names.
   *
   * @param isNew whether the head is the genesis block
   * @throws StorageException when they are damaged, or others than the configuration asks for at
   *     the start of the node; the message says what to do
   */
  void open(KeyValueStore store, boolean isNew) {
    if (isNew && configured != null) {
      evm.correct(store, configured);
    }
    String hint = ". Nothing was changed. Start without --evm, then: patchbay shell evm:use ";
    evm.open(store, configured, hint + configured);
    rules.open(store, consensus, ChainStore.damaged());
    configured = null; // a later command may choose another one than the start did
  }

  /** Adds to a batch what the store does not have yet. */
  void addTo(WriteSet writes) {
    evm.addTo(writes);
    rules.addTo(writes);
  }

  /** Notes that the batch of {@link #addTo} was written. */
  void written() {
    evm.written();
    rules.written();
  }
}
