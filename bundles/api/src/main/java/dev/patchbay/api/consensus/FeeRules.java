// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Rules for the fees of a chain: base fee, blob gas, and the account that receives the fees of a
 * block. The defaults are the rules of Ethereum. Threading: any thread.
 */
@ConsumerType
public interface FeeRules {
  /**
   * Returns the account that receives the priority fees of a block, and that the opcode COINBASE
   * returns (Yellow Paper, {@code H_c}; Engine API, {@code feeRecipient}).
   */
  Address feeRecipient(BlockHeader header);

  /**
   * Returns the base fee of the block after {@code parent}, in wei per gas, from London on
   * (EIP-1559).
   *
   * @param timestamp timestamp of the block, in seconds since the Unix epoch
   */
  default UInt256 nextBaseFee(BlockHeader parent, long timestamp, ChainConfig config) {
    return FeeMarket.nextBaseFee(parent);
  }

  /**
   * Returns the excess blob gas of the block after {@code parent}, from Cancun on (EIP-4844,
   * EIP-7918).
   *
   * @param timestamp timestamp of the block, in seconds since the Unix epoch
   */
  default long nextExcessBlobGas(BlockHeader parent, long timestamp, ChainConfig config) {
    return FeeMarket.nextExcessBlobGas(
        parent, config.blobScheduleAt(timestamp), config.forkAt(parent.number() + 1, timestamp));
  }

  /** Returns the maximum blob gas of a block, from Cancun on (EIP-4844, EIP-7840). */
  default long maxBlobGasPerBlock(BlockHeader header, ChainConfig config) {
    return config.blobScheduleAt(header.timestamp()).max() * FeeMarket.BLOB_GAS;
  }

  /**
   * Returns the blob gas of one blob (EIP-4844, {@code GAS_PER_BLOB}). The blob gas of a block is a
   * multiple of it.
   */
  default long gasPerBlob() {
    return FeeMarket.BLOB_GAS;
  }
}
