// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockExecutor.Outcome;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.Requests;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Roots;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A block in the making. */
final class Assembly implements BlockAssembly {
  private static final UInt256 GWEI = UInt256.of(1_000_000_000L);

  private final EvmExecution execution;
  private final BlockHeader header;
  private final Fork fork;
  private final List<Withdrawal> withdrawals;
  private final ChainConfig config;
  private final List<Transaction> transactions = new ArrayList<>();
  private final List<Receipt> receipts = new ArrayList<>();

  /** Gives the root after changes to the parent's state. */
  private final Function<StateChanges, Hash> roots;

  /** Whether receipts hold roots, as those before Byzantium do. */
  private final boolean rootsInReceipts;

  private List<Reward> rewards = List.of();
  private long gasUsed;
  private long blobs;

  Assembly(
      EvmExecution execution,
      BlockHeader header,
      Fork fork,
      @Nullable List<Withdrawal> withdrawals,
      ChainConfig config,
      Function<StateChanges, Hash> roots,
      boolean rootsInReceipts) {
    this.execution = execution;
    this.header = header;
    this.fork = fork;
    this.withdrawals =
        withdrawals == null || !fork.includes(Fork.SHANGHAI) ? List.of() : withdrawals;
    this.config = config;
    this.roots = roots;
    this.rootsInReceipts = rootsInReceipts && !fork.includes(Fork.BYZANTIUM);
  }

  void reward(List<Reward> credits) {
    rewards = credits;
  }

  @Override
  public long gasLeft() {
    return header.gasLimit() - gasUsed;
  }

  @Override
  public ExecutionResult add(Transaction transaction) throws InvalidTransactionException {
    return add(transaction, null);
  }

  ExecutionResult add(Transaction transaction, @Nullable Tracer tracer)
      throws InvalidTransactionException {
    checkBlobs(transaction);
    return append(transaction, execution.transact(transaction, gasLeft(), tracer));
  }

  /** Executes a call as {@code eth_call} does, and appends it. */
  ExecutionResult simulate(Transaction call, boolean validates, @Nullable Tracer tracer)
      throws InvalidTransactionException {
    checkBlobs(call);
    return append(call, execution.simulate(call, validates, tracer));
  }

  private void checkBlobs(Transaction transaction) throws InvalidTransactionException {
    int more = transaction.blobVersionedHashes().size();
    if (more > 0 && blobs + more > config.blobScheduleAt(header.timestamp()).max()) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.BLOB,
          "the block has no room for " + more + " more blobs");
    }
  }

  private ExecutionResult append(Transaction transaction, ExecutionResult result) {
    gasUsed += result.gasUsed();
    blobs += transaction.blobVersionedHashes().size();
    transactions.add(transaction);
    receipts.add(receipt(transaction, result));
    return result;
  }

  private Receipt receipt(Transaction transaction, ExecutionResult result) {
    Receipt receipt = Receipt.of(transaction.type(), result.success(), gasUsed, result.logs());
    if (!rootsInReceipts) {
      return receipt;
    }
    Hash root = roots.apply(execution.changes());
    return new Receipt(
        receipt.type(), result.success(), root, gasUsed, receipt.logsBloom(), receipt.logs());
  }

  /** Returns what has changed so far. */
  StateChanges changes() {
    return execution.changes();
  }

  /** Ends the block without its roots. */
  Outcome end() throws InvalidBlockException {
    rewards.forEach(reward -> execution.credit(reward.to(), reward.wei()));
    for (Withdrawal withdrawal : withdrawals) {
      execution.credit(withdrawal.address(), UInt256.of(withdrawal.amount()).multiply(GWEI));
    }
    List<byte[]> requests =
        fork.includes(Fork.PRAGUE)
            ? SystemCalls.requests(execution, receipts, config.depositContract())
            : null;
    return new Outcome(
        List.copyOf(receipts), gasUsed, blobs * FeeMarket.BLOB_GAS, requests, execution.changes());
  }

  @Override
  public BlockExecutor.Assembled finish() throws InvalidBlockException {
    Outcome outcome = end();
    List<byte[]> requests = outcome.requests();
    boolean shanghai = fork.includes(Fork.SHANGHAI);
    BlockHeader whole =
        header.toBuilder()
            .stateRoot(roots.apply(outcome.changes()))
            .transactionsRoot(Roots.ofTransactions(transactions))
            .receiptsRoot(Roots.ofReceipts(outcome.receipts()))
            .logsBloom(bloom(outcome.receipts()))
            .gasUsed(gasUsed)
            .withdrawalsRoot(shanghai ? Roots.ofWithdrawals(withdrawals) : null)
            .blobGasUsed(fork.includes(Fork.CANCUN) ? (Long) outcome.blobGasUsed() : null)
            .requestsHash(requests == null ? null : Requests.hash(requests))
            .build();
    Block block = new Block(whole, transactions, List.of(), shanghai ? withdrawals : null);
    return new BlockExecutor.Assembled(block, outcome);
  }

  static Bloom bloom(List<Receipt> receipts) {
    Bloom bloom = Bloom.EMPTY;
    for (Receipt receipt : receipts) {
      bloom = bloom.or(receipt.logsBloom());
    }
    return bloom;
  }
}
