// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Blocks without an EVM: each sets the balance of one account to its timestamp. */
final class BalanceBlocks {
  static final Address ACCOUNT = Address.fromHex("0x" + "11".repeat(20));

  private BalanceBlocks() {}

  /** Returns a genesis without work and accounts. */
  static GenesisFile genesis() {
    try {
      return GenesisFile.parse(
          new ObjectMapper()
              .readTree(
                  """
                  {"config": {"chainId": 7, "terminalTotalDifficulty": 0},
                   "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}}
                  """));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** Returns rules that accept every block, with the defaults of Ethereum. */
  static ConsensusRules rules() {
    return (ConsensusRules)
        Proxy.newProxyInstance(
            ConsensusRules.class.getClassLoader(),
            new Class<?>[] {ConsensusRules.class},
            (proxy, method, args) ->
                method.isDefault() ? InvocationHandler.invokeDefault(proxy, method, args) : null);
  }

  /** Returns choices with these rules, and no EVM. */
  static Choices choices() {
    return choices(rules());
  }

  /** Returns choices with other rules, and no EVM. */
  static Choices choices(ConsensusRules rules) {
    Choices choices = new Choices(genesis().config().consensus(), "");
    choices.rules().add(new Registration(1, 0, "rules", "bundle 1"), "engine", rules);
    return choices;
  }

  /** Returns what a block changes. */
  static StateChanges changes(BlockHeader header) {
    return new StateChanges(
        List.of(
            new StateChanges.AccountChange(
                ACCOUNT,
                null,
                true,
                0,
                UInt256.of(header.timestamp()),
                Account.EMPTY_CODE,
                null,
                false,
                Map.of())));
  }

  /**
   * Returns an executor of such blocks.
   *
   * @param receipts returns the receipts of a block, or throws
   */
  static BlockExecutor executor(Function<BlockHeader, List<Receipt>> receipts) {
    return executor(receipts, BalanceBlocks::changes);
  }

  /**
   * Returns an executor of blocks with other changes.
   *
   * @param receipts returns the receipts of a block, or throws
   * @param changes returns the changes of a block
   */
  static BlockExecutor executor(
      Function<BlockHeader, List<Receipt>> receipts, Function<BlockHeader, StateChanges> changes) {
    return (BlockExecutor)
        Proxy.newProxyInstance(
            BlockExecutor.class.getClassLoader(),
            new Class<?>[] {BlockExecutor.class},
            (proxy, method, args) -> {
              BlockHeader header = ((Block) args[0]).header();
              return new BlockExecutor.Outcome(
                  receipts.apply(header), 0, 0, null, null, changes.apply(header));
            });
  }
}
