// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Verifies all that the store of the chain holds. A verification reads snapshots, holds no lock of
 * imports, and rests while blocks are imported. Threading: any thread, one verification at a time.
 */
@ProviderType
public interface ChainVerifier {
  /**
   * How far a verification is.
   *
   * @param step number of the step, from 1
   * @param steps number of steps
   * @param name what the step verifies
   * @param fraction part of the step that is done, 0 to 1
   */
  record Progress(int step, int steps, String name, double fraction) {}

  /**
   * Something that is wrong with the store.
   *
   * @param column name of the column
   * @param key block number with hash, or the key in hexadecimal
   * @param what what is wrong
   */
  record Problem(String column, String key, String what) {}

  /**
   * What was verified.
   *
   * @param blocks canonical blocks
   * @param sideBlocks blocks that are not canonical
   * @param transactions transactions of canonical blocks
   * @param accounts accounts of the state
   * @param slots slots of the state that are not zero
   * @param codes codes of contracts
   * @param trieNodes nodes of the account trie and of all storage tries
   * @param changeSets blocks whose change sets are stored
   * @param unwound latest blocks whose change sets give the state root of their parents
   * @param found number of problems
   * @param problems the first of them; empty when the store is whole
   */
  record Report(
      long blocks,
      long sideBlocks,
      long transactions,
      long accounts,
      long slots,
      long codes,
      long trieNodes,
      long changeSets,
      long unwound,
      long found,
      List<Problem> problems) {
    /** Copies the list. */
    public Report {
      problems = List.copyOf(problems);
    }

    /** Returns whether nothing is wrong. */
    public boolean isWhole() {
      return found == 0;
    }
  }

  /**
   * Verifies the store. Blocks may be imported meanwhile: each step verifies the store as of the
   * moment at which the step begins.
   *
   * @param unwind how many of the latest blocks are unwound in memory to verify the values in their
   *     change sets; fewer when the change sets are not stored, or take too much memory
   * @param progress is called on this thread, often
   * @param cancelled is asked often; true ends the verification
   * @throws java.util.concurrent.CancellationException when {@code cancelled} returns true
   * @throws IllegalStateException when another verification is under way, or the chain is stopped
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   * @throws dev.patchbay.api.storage.StorageException when the snapshots of a step expire again and
   *     again, or the store is replaced as often
   */
  Report verify(int unwind, Consumer<Progress> progress, BooleanSupplier cancelled);
}
