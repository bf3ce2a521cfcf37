// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.ChosenService;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Changes the choices of a chain between two blocks. Threading: any thread. */
final class ChoiceSwitch implements ChainChoices {
  private static final Logger LOG = LoggerFactory.getLogger(ChoiceSwitch.class);

  private final Chain chain;
  private final Choices choices;
  private final ReentrantLock imports;
  private final BadBlocks bad;

  ChoiceSwitch(Chain chain, Choices choices, ReentrantLock imports, BadBlocks bad) {
    this.chain = chain;
    this.choices = choices;
    this.imports = imports;
    this.bad = bad;
  }

  @Override
  public Choice evm() {
    return choices.evm().describe();
  }

  @Override
  public Choice rules() {
    return choices.rules().describe();
  }

  @Override
  public Provider useEvm(String name, @Nullable String bundle) {
    return use("the EVM", choices.evm(), name, bundle);
  }

  @Override
  public Provider useRules(String bundle) {
    return use("the consensus rules", choices.rules(), choices.rules().choice().name(), bundle);
  }

  private Provider use(String noun, StoredChoice<?> choice, String name, @Nullable String bundle) {
    imports.lock();
    try {
      ChosenService.Choice next = choice.find(name, bundle);
      ChosenService.Choice before = choice.choice();
      byte[] former = read(choice.key());
      choice.setUnknown();
      try {
        write(choice.key(), StoredChoice.encode(next));
      } catch (RuntimeException | Error failure) {
        restore(choice, former, next, before, failure);
        throw failure;
      }
      choice.set(next);
      bad.clearRejections();
      LOG.info("the chain uses {} {} from now on; before: {}", noun, next, before);
      return new Provider(next.name(), next.bundle());
    } finally {
      imports.unlock();
    }
  }

  private byte @Nullable [] read(byte[] key) {
    try (StoreLease lease = chain.storage().lease()) {
      return lease.get().get(Columns.META, key);
    }
  }

  /** Writes a record, durably; null for none. */
  private void write(byte[] key, byte @Nullable [] record) {
    WriteBatch batch = new WriteBatch();
    if (record == null) {
      batch.delete(Columns.META, key);
    } else {
      batch.put(Columns.META, key, record);
    }
    chain.storage().write(batch);
    chain.storage().flush();
  }

  /**
   * Writes the former record back, as the store may have the one of a choice that was refused.
   *
   * @throws StorageException when that fails, too: what is found when the store is opened decides
   */
  private void restore(
      StoredChoice<?> choice,
      byte @Nullable [] former,
      ChosenService.Choice next,
      ChosenService.Choice before,
      Throwable failure) {
    try {
      write(choice.key(), former);
      choice.setStored(former);
    } catch (RuntimeException second) {
      failure.addSuppressed(second);
      if (failure instanceof Error) {
        return; // it is thrown as it is
      }
      throw new StorageException(
          failure.getMessage()
              + "; whether the chain uses "
              + next
              + " or "
              + before
              + " is unknown until the store is open again",
          failure);
    }
  }
}
