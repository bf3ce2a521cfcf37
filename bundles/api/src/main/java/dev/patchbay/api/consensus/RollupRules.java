// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A capability of {@link ConsensusRules}: what a rollup adds to the blocks of its sequencer and to
 * receipts (OP Stack specification, {@code exec-engine.md}). The rules of a rollup implement it; a
 * caller asks with {@code instanceof}. It is not a service. Threading: any thread.
 */
@ConsumerType
public interface RollupRules {
  /**
   * Returns the extra data of a block, which encodes the parameters of the base fee of the blocks
   * after it, as the payload attributes of a sequencer ask for.
   *
   * @param timestamp timestamp of the block, in seconds since the Unix epoch
   * @param eip1559Params adjustment denominator and elasticity, 4 bytes each; null when the
   *     attributes have none
   * @param minBaseFee minimum base fee in wei per gas, unsigned; null when the attributes have none
   * @throws IllegalArgumentException when a parameter is missing, malformed, or not known at that
   *     timestamp
   */
  Bytes extraData(
      long timestamp, @Nullable Bytes eip1559Params, @Nullable Long minBaseFee, ChainConfig config);

  /**
   * Returns the fields that the receipt of a transaction has in addition to those of Ethereum, as
   * fields of a JSON object with JSON-neutral values (op-geth, {@code eth_getTransactionReceipt}).
   *
   * @param index position of the transaction in the block, from 0
   */
  Map<String, Object> receiptFields(Block block, int index, ChainConfig config);
}
