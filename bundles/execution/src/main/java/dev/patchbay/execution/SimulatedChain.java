// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Blocks on top of a state; one EVM state goes through all of them. */
final class SimulatedChain implements Simulation {
  private final ConsensusRules rules;
  private final ChainConfig config;
  private final StateReader base;
  private final Function<BlockContext, EvmExecution> engine;
  private final StateRoots roots;
  private final Function<Hash, @Nullable BlockHeader> stored;
  private final Map<Hash, BlockHeader> simulated = new HashMap<>();
  private @Nullable EvmExecution execution;
  private @Nullable Assembly assembly;

  /**
   * Starts on top of a state, which is closed at the end.
   *
   * @param engine opens the first block over {@code base}
   * @param roots gives roots after changes to {@code base}
   * @param stored finds headers of the chain
   */
  SimulatedChain(
      ConsensusRules rules,
      ChainConfig config,
      StateReader base,
      Function<BlockContext, EvmExecution> engine,
      StateRoots roots,
      Function<Hash, @Nullable BlockHeader> stored) {
    this.rules = rules;
    this.config = config;
    this.base = base;
    this.engine = engine;
    this.roots = roots;
    this.stored = stored;
  }

  @Override
  public void begin(
      BlockHeader header,
      @Nullable UInt256 blobBaseFee,
      Map<Address, AccountOverride> overrides,
      List<Withdrawal> withdrawals) {
    Deadline.check();
    BlockContext context =
        Contexts.of(
            header,
            header.coinbase(),
            blobBaseFee,
            rules,
            config,
            Contexts.ancestors(header, this::header));
    EvmExecution before = execution;
    EvmExecution next = before == null ? engine.apply(context) : before.next(context);
    execution = next;
    apply(next, overrides);
    SystemCalls.before(next, header, context.fork());
    assembly =
        new Assembly(
            next, header, context, withdrawals, rules, config, roots, true, Long.MAX_VALUE);
  }

  private @Nullable BlockHeader header(Hash hash) {
    BlockHeader found = simulated.get(hash);
    return found == null ? stored.apply(hash) : found;
  }

  /** Applies overrides to the state that an execution starts with. */
  static void apply(EvmExecution execution, Map<Address, AccountOverride> overrides) {
    Set<Address> taken = new HashSet<>();
    overrides.forEach(
        (address, override) -> {
          if (taken.contains(address)) {
            throw new IllegalArgumentException(
                "account " + address + " has already been overridden by a precompile");
          }
          boolean precompile = execution.isPrecompile(address);
          Address to = override.movesPrecompileTo();
          if (to != null && !precompile) {
            throw new IllegalArgumentException("account " + address + " is not a precompile");
          }
          if (to != null && overrides.containsKey(to)) {
            throw new IllegalArgumentException("account " + to + " is already overridden");
          }
          if (to != null) {
            taken.add(to);
          }
          if (precompile) {
            execution.movePrecompile(address, to);
          }
          execution.override(address, override.balance(), override.nonce(), override.code());
          if (override.replacesStorage()) {
            execution.clearStorage(address);
          }
          override.slots().forEach((key, value) -> execution.override(address, key, value));
        });
  }

  private Assembly assembly() {
    Assembly current = assembly;
    if (current == null) {
      throw new IllegalStateException("no block was begun");
    }
    return current;
  }

  @Override
  public long nonce(Address address) {
    EvmExecution current = execution;
    if (current == null) {
      throw new IllegalStateException("no block was begun");
    }
    return current.nonce(address);
  }

  @Override
  public ExecutionResult add(Transaction transaction, boolean validates, @Nullable Tracer tracer)
      throws InvalidTransactionException {
    Deadline.check();
    return assembly().simulate(transaction, validates, tracer);
  }

  @Override
  public BlockExecutor.Assembled finish() throws InvalidBlockException {
    BlockExecutor.Assembled assembled = assembly().finish();
    assembly = null;
    simulated.put(assembled.block().hash(), assembled.block().header());
    return assembled;
  }

  @Override
  public void close() {
    base.close();
  }
}
