// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.List;
import org.jspecify.annotations.Nullable;
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

  /**
   * Starts to build a block after the merge: at once without any transactions but those that a
   * sequencer asks for, and then out of what the pool holds, again when that changes, until the
   * block is asked for or its time is over. What is being built already is not started again.
   *
   * @param parent a block of the chain
   * @return the id of 8 bytes that follows from the parent and the attributes
   * @throws IllegalArgumentException when the attributes are not those of a block of the chain, or
   *     a transaction that a sequencer asks for does not fit
   * @throws dev.patchbay.api.execution.NotReadyException when nothing can be executed now
   */
  Bytes start(Block parent, PayloadAttributes attributes);

  /**
   * Returns the best block that was built so far, the same from now on; null when nothing was
   * started under the id, or it was long ago.
   */
  @Nullable Payload get(Bytes id);

  /**
   * Returns a payload that was fetched lately, with all that its block does, by the hash of the
   * block, or null.
   */
  @Nullable Payload fetched(Hash blockHash);

  /** Called when a block that this builder has built turned out to be valid. */
  void accepted(Block block);

  /**
   * Called when a block that this builder has built turned out to be invalid. The next blocks hold
   * at most half as many transactions of the pool. When a block with only one is invalid, and the
   * next one without it is valid, that transaction leaves the pool. So the chain goes on, and
   * blocks grow again when they are valid.
   *
   * @param reason which rule the block violates
   */
  void rejected(Block block, String reason);
}
