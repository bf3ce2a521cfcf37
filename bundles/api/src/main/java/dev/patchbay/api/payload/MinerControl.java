// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What an operator sets about the blocks that this node builds; holds until the node ends.
 * Threading: any thread.
 */
@ProviderType
public interface MinerControl {
  /** Sets the gas limit towards which blocks move, by a 1,024th at a time. */
  void setGasLimit(long gas);

  /** Sets the least tip, in wei per gas, of transactions that are taken. */
  void setGasPrice(UInt256 tip);

  /**
   * Sets the extra data of blocks; under Clique the vanity.
   *
   * @throws IllegalArgumentException when there are more than 32 bytes
   */
  void setExtra(Bytes extra);
}
