// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
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
   */
  record Template(
      long timestamp,
      Address coinbase,
      UInt256 difficulty,
      Bytes extraData,
      long nonce,
      Address feeRecipient) {}

  /** Returns the account that seals. */
  Address signer();

  /**
   * Prepares the next block after {@code parent}.
   *
   * @param now seconds since the Unix epoch
   * @throws IllegalStateException when this node may not seal now; the message says why
   */
  Template prepare(BlockHeader parent, long now, HeaderReader headers, ChainConfig config);

  /** Returns the header with its seal. */
  BlockHeader seal(BlockHeader header);
}
