// SPDX-License-Identifier: Apache-2.0
package com.example.counting;

import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.concurrent.atomic.LongAdder;

/**
 * An execution of another EVM whose transactions and calls are counted. Threading: one thread at a
 * time.
 */
final class CountingExecution implements EvmExecution {
  private final EvmExecution execution;
  private final LongAdder transactions;
  private final LongAdder calls;

  CountingExecution(EvmExecution execution, LongAdder transactions, LongAdder calls) {
    this.execution = execution;
    this.transactions = transactions;
    this.calls = calls;
  }

  @Override
  public ExecutionResult transact(Transaction transaction, long gasLeft, Tracer tracer)
      throws InvalidTransactionException {
    transactions.increment();
    return execution.transact(transaction, gasLeft, tracer);
  }

  @Override
  public ExecutionResult simulate(Transaction call, boolean validates, Tracer tracer)
      throws InvalidTransactionException {
    calls.increment();
    return execution.simulate(call, validates, tracer);
  }

  /** Continues to count in the next block: this object is used no more. */
  @Override
  public EvmExecution next(BlockContext block) {
    return new CountingExecution(execution.next(block), transactions, calls);
  }

  @Override
  public ExecutionResult systemCall(Address to, Bytes input) {
    return execution.systemCall(to, input);
  }

  @Override
  public void credit(Address address, UInt256 wei) {
    execution.credit(address, wei);
  }

  @Override
  public void override(Address address, UInt256 balance, Long nonce, Bytes code) {
    execution.override(address, balance, nonce, code);
  }

  @Override
  public void override(Address address, UInt256 key, UInt256 value) {
    execution.override(address, key, value);
  }

  @Override
  public void clearStorage(Address address) {
    execution.clearStorage(address);
  }

  @Override
  public boolean isPrecompile(Address address) {
    return execution.isPrecompile(address);
  }

  @Override
  public void movePrecompile(Address from, Address to) {
    execution.movePrecompile(from, to);
  }

  @Override
  public long nonce(Address address) {
    return execution.nonce(address);
  }

  @Override
  public UInt256 balance(Address address) {
    return execution.balance(address);
  }

  @Override
  public UInt256 storage(Address address, UInt256 key) {
    return execution.storage(address, key);
  }

  @Override
  public void accessIndex(int index) {
    execution.accessIndex(index);
  }

  @Override
  public Bytes accessList() {
    return execution.accessList();
  }

  @Override
  public StateChanges changes() {
    return execution.changes();
  }
}
