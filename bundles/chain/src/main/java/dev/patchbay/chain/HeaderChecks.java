// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockLimits;
import dev.patchbay.trie.Roots;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rules for headers and bodies that hold under every consensus protocol (Yellow Paper, section
 * 4.3.4).
 */
final class HeaderChecks {
  private HeaderChecks() {}

  static void verify(
      BlockHeader header, BlockHeader parent, ConsensusRules rules, ChainConfig config)
      throws InvalidBlockException {
    Fork fork = config.forkOf(header);
    InvalidBlockException.check("number", header.number(), parent.number() + 1);
    if (header.gasLimit() < BlockLimits.MIN_GAS_LIMIT) {
      throw new InvalidBlockException(
          "gasLimit " + header.gasLimit() + " is below " + BlockLimits.MIN_GAS_LIMIT);
    }
    long parentLimit = parent.gasLimit();
    if (fork.includes(Fork.LONDON) && parent.baseFeePerGas() == null) {
      parentLimit *= 2;
    }
    if (rules.boundsGasLimitChange()
        && Math.abs(header.gasLimit() - parentLimit)
            >= parentLimit / BlockLimits.GAS_LIMIT_BOUND_DIVISOR) {
      throw new InvalidBlockException(
          "gasLimit " + header.gasLimit() + " is too far from the parent's " + parentLimit);
    }
    if (header.gasUsed() < 0 || header.gasUsed() > header.gasLimit()) {
      throw new InvalidBlockException(
          "gasUsed " + header.gasUsed() + " is above gasLimit " + header.gasLimit());
    }
    long time = header.timestamp();
    UInt256 baseFee = fork.includes(Fork.LONDON) ? rules.nextBaseFee(parent, time, config) : null;
    InvalidBlockException.check("baseFeePerGas", header.baseFeePerGas(), baseFee);
    present("withdrawalsRoot", header.withdrawalsRoot(), fork.includes(Fork.SHANGHAI));
    boolean cancun = fork.includes(Fork.CANCUN);
    present("blobGasUsed", header.blobGasUsed(), cancun);
    present("parentBeaconBlockRoot", header.parentBeaconBlockRoot(), cancun);
    present("requestsHash", header.requestsHash(), fork.includes(Fork.PRAGUE));
    boolean amsterdam = fork.includes(Fork.AMSTERDAM);
    present("blockAccessListHash", header.blockAccessListHash(), amsterdam);
    present("slotNumber", header.slotNumber(), amsterdam);
    Long excess = cancun ? (Long) rules.nextExcessBlobGas(parent, time, config) : null;
    InvalidBlockException.check("excessBlobGas", header.excessBlobGas(), excess);
    Long blobGas = header.blobGasUsed();
    if (blobGas != null) {
      long most = rules.maxBlobGasPerBlock(header, config);
      if (blobGas < 0 || blobGas > most || blobGas % rules.gasPerBlob() != 0) {
        throw new InvalidBlockException(
            "blobGasUsed "
                + blobGas
                + " is not a multiple of "
                + rules.gasPerBlob()
                + " up to "
                + most);
      }
    }
  }

  static void verifyBody(Block block, ExecutionRules rules, ChainConfig config)
      throws InvalidBlockException {
    BlockHeader header = block.header();
    long most = BlockLimits.maxBytes(config.forkOf(header));
    if (most != Long.MAX_VALUE) {
      int size = block.encode().length;
      if (size > most) {
        throw new InvalidBlockException(
            "the block has " + size + " bytes, at most " + most + " are allowed (EIP-7934)");
      }
    }
    verifyRoots(block, rules, config);
  }

  /** Checks a body against the roots in its header. */
  static void verifyRoots(Block block, ExecutionRules rules, ChainConfig config)
      throws InvalidBlockException {
    BlockHeader header = block.header();
    InvalidBlockException.check(
        "transactionsRoot", header.transactionsRoot(), Roots.ofTransactions(block.transactions()));
    InvalidBlockException.check("ommersHash", header.ommersHash(), Roots.ofOmmers(block.ommers()));
    List<Withdrawal> withdrawals = block.withdrawals();
    if (rules.withdrawalsRootAccount(header, config) != null) {
      InvalidBlockException.check(
          "withdrawals", withdrawals, List.of()); // the root is that of a state, checked after it
      return;
    }
    InvalidBlockException.check(
        "withdrawalsRoot",
        header.withdrawalsRoot(),
        withdrawals == null ? null : Roots.ofWithdrawals(withdrawals));
  }

  private static void present(String name, @Nullable Object value, boolean expected)
      throws InvalidBlockException {
    if ((value != null) != expected) {
      throw new InvalidBlockException(
          name + (expected ? " is missing at this fork" : " is not a field of this fork"));
    }
  }
}
