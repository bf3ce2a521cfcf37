// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Seals blocks with a key of this node; a service, there only when the node has one. Threading: any
 * thread.
 */
@ConsumerType
public interface BlockSealer {
  /**
   * What the protocol puts into the header of the next block.
   *
   * @param timestamp seconds since the Unix epoch
   * @param coinbase coinbase field
   * @param difficulty difficulty
   * @param extraData extra data with room for the seal
   * @param nonce nonce field
   * @param feeRecipient account that fees go to
   * @param sealAtMillis milliseconds since the Unix epoch; the block must not be sealed before
   */
  record Template(
      long timestamp,
      Address coinbase,
      UInt256 difficulty,
      Bytes extraData,
      long nonce,
      Address feeRecipient,
      long sealAtMillis) {

    /** Creates the template of a block that may be sealed at its timestamp. */
    public Template(
        long timestamp,
        Address coinbase,
        UInt256 difficulty,
        Bytes extraData,
        long nonce,
        Address feeRecipient) {
      this(timestamp, coinbase, difficulty, extraData, nonce, feeRecipient, timestamp * 1_000);
    }
  }

  /** Returns the account that seals. */
  Address signer();

  /**
   * Prepares the next block after {@code parent}. When the protocol delays the blocks of some
   * signers by a random time, each call chooses another time: the caller keeps the template until
   * it seals, or another block becomes the head.
   *
   * @param now seconds since the Unix epoch
   * @return null when other signers have to seal the next block
   * @throws IllegalStateException when this node cannot seal, and an operator has to know; the
   *     message says why
   */
  @Nullable Template prepare(
      BlockHeader parent, long now, HeaderReader headers, ChainConfig config);

  /**
   * Seals a block, for whose parent {@link #prepare} was called last. A sealer that shares the
   * chain with others seals no two blocks on one parent, also when the process or the power fails
   * in between: the seal is durable on return, and a later call for the same parent returns the
   * block of the first one.
   *
   * @param draft the block without its seal
   * @return the draft with its seal, or the block that was sealed on this parent before
   * @throws IllegalStateException when {@link #prepare} was not called for the parent, or the seal
   *     cannot be written durably; no seal leaves the sealer then
   */
  Block seal(Block draft);

  /**
   * Discards the seal of a block that this node has found invalid. The block must not have left the
   * node: another one may be sealed on its parent.
   */
  void discard(Block sealed);
}
