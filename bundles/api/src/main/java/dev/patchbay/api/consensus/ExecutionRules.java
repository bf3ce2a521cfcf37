// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Rules for the execution of the blocks of a chain, besides those of a fork (Yellow Paper, section
 * 11). The defaults are the rules of Ethereum. Threading: any thread.
 */
@ConsumerType
public interface ExecutionRules {
  /**
   * Returns the block rewards, without fees (Yellow Paper, section 11.3): those of the ommers in
   * their order, then that of the block. Empty when the chain has none.
   */
  List<Reward> rewards(Block block, ChainConfig config);

  /**
   * Returns the code that a block sets at addresses before its first transaction, an irregular
   * state change (EIP-779 defines the term).
   */
  default Map<Address, Bytes> irregularCodeChanges(BlockHeader header, ChainConfig config) {
    return Map.of();
  }

  /** Returns the rules for the transactions of a block. */
  default TransactionRules transactionRules(BlockHeader header, ChainConfig config) {
    return TransactionRules.ETHEREUM;
  }

  /** Returns whether blocks have execution requests, from Prague on (EIP-7685). */
  default boolean hasExecutionRequests() {
    return true;
  }

  /**
   * Returns the account whose storage root is the withdrawals root of a block; null when the
   * withdrawals root is that of a list of withdrawals (EIP-4895).
   */
  default @Nullable Address withdrawalsRootAccount(BlockHeader header, ChainConfig config) {
    return null;
  }
}
