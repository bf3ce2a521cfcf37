// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Builds blocks from the pool. Threading: any thread. */
@ProviderType
public interface PayloadBuilder {
  /**
   * Builds the block after {@code parent}, without its seal.
   *
   * @param template what the consensus protocol puts into the header
   */
  Block build(Block parent, BlockSealer.Template template);

  /** Builds a block after the merge out of what the pool holds. */
  Payload build(Block parent, PayloadAttributes attributes);

  /**
   * Builds a block after the merge out of given transactions, in their order.
   *
   * @throws InvalidTransactionException when one of them does not fit
   */
  Payload build(Block parent, PayloadAttributes attributes, List<Transaction> transactions)
      throws InvalidTransactionException;
}
