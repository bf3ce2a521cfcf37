// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm.engine;

import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.StateBase;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.evm.TransactionProcessor.Mode;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.StateChanges;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** The EVM of the {@code evm} library as a service. */
@Component(property = EvmEngine.NAME + "=patchbay")
public final class DefaultEvmEngine implements EvmEngine {
  private static final long CODE_CACHE_BYTES = 64L << 20;

  private final CodeCache codes = new CodeCache(CODE_CACHE_BYTES);

  @Override
  public EvmExecution open(BlockContext block, StateReader parent) {
    return new Execution(block, new EvmState(new Base(parent), codes));
  }

  private static final class Execution implements EvmExecution {
    private final BlockContext block;
    private final EvmState state;
    private final TransactionProcessor processor;

    Execution(BlockContext block, EvmState state) {
      this.block = block;
      this.state = state;
      this.processor = new TransactionProcessor(state, block);
    }

    @Override
    public ExecutionResult transact(Transaction transaction, long gasLeft, @Nullable Tracer tracer)
        throws InvalidTransactionException {
      return processor.process(transaction, gasLeft, Mode.CONSENSUS, tracer);
    }

    @Override
    public ExecutionResult simulate(Transaction call, boolean validates, @Nullable Tracer tracer)
        throws InvalidTransactionException {
      Mode mode = validates ? Mode.VALIDATED_SIMULATION : Mode.SIMULATION;
      return processor.process(call, Long.MAX_VALUE, mode, tracer);
    }

    @Override
    public @Nullable ExecutionResult systemCall(Address to, Bytes input) {
      return processor.systemCall(to, input);
    }

    @Override
    public void credit(Address address, UInt256 wei) {
      state.credit(address, wei, block.fork());
      state.endTransaction(block.fork());
    }

    @Override
    public void override(
        Address address, @Nullable UInt256 balance, @Nullable Long nonce, @Nullable Bytes code) {
      state.override(address, balance, nonce, code);
      state.endOverride(block.fork());
    }

    @Override
    public void override(Address address, UInt256 key, UInt256 value) {
      state.override(address, key, value);
      state.endOverride(block.fork());
    }

    @Override
    public void clearStorage(Address address) {
      state.clearStorage(address);
    }

    @Override
    public boolean isPrecompile(Address address) {
      return processor.isPrecompile(address);
    }

    @Override
    public void movePrecompile(Address from, @Nullable Address to) {
      processor.movePrecompile(from, to);
    }

    @Override
    public EvmExecution next(BlockContext following) {
      return new Execution(following, state);
    }

    @Override
    public long nonce(Address address) {
      return state.nonce(address);
    }

    @Override
    public UInt256 balance(Address address) {
      return state.balance(address);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return state.storage(address, key);
    }

    @Override
    public void accessIndex(int index) {
      state.accessIndex(index);
    }

    @Override
    public @Nullable Bytes accessList() {
      return state.accessList();
    }

    @Override
    public StateChanges changes() {
      return state.changes();
    }
  }

  private record Base(StateReader reader) implements StateBase {
    @Override
    public @Nullable Account account(Address address) {
      return reader.account(address);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return reader.storage(address, key);
    }

    @Override
    public Bytes code(Hash codeHash) {
      return reader.code(codeHash);
    }
  }
}
