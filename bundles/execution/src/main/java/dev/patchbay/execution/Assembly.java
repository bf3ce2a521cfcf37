// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockExecutor.Outcome;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.BlockLimits;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.Requests;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.trie.Roots;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A block in the making. */
final class Assembly implements BlockAssembly {
  private static final UInt256 GWEI = UInt256.of(1_000_000_000L);

  private final EvmExecution execution;
  private final BlockHeader header;
  private final Fork fork;
  private final TransactionRules transactionRules;
  private final List<Withdrawal> withdrawals;
  private final ConsensusRules rules;
  private final ChainConfig config;
  private final List<Transaction> transactions = new ArrayList<>();
  private final List<Receipt> receipts = new ArrayList<>();

  private final StateRoots roots;

  /** Whether receipts hold roots, as those before Byzantium do. */
  private final boolean rootsInReceipts;

  /** The most that {@link #bytes} can be while the block is built. */
  private final long maxBytes;

  /** At least the length of the RLP of the block. */
  private long bytes;

  private List<Reward> rewards = List.of();
  private long gasUsed;
  private long blobGas;

  /**
   * Begins a block.
   *
   * @param maxBytes how long the RLP of the block may get; {@link Long#MAX_VALUE} for a block that
   *     has been verified, or is simulated
   */
  Assembly(
      EvmExecution execution,
      BlockHeader header,
      BlockContext context,
      @Nullable List<Withdrawal> withdrawals,
      ConsensusRules rules,
      ChainConfig config,
      StateRoots roots,
      boolean rootsInReceipts,
      long maxBytes) {
    this.execution = execution;
    this.header = header;
    this.fork = context.fork();
    this.transactionRules = context.rules();
    this.rules = rules;
    this.withdrawals =
        withdrawals == null || !fork.includes(Fork.SHANGHAI) ? List.of() : withdrawals;
    this.config = config;
    this.roots = roots;
    this.rootsInReceipts = rootsInReceipts && !fork.includes(Fork.BYZANTIUM);
    this.maxBytes = maxBytes;
    this.bytes = BlockLimits.bytesWithoutTransactions(header, this.withdrawals);
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
    long more = BlockLimits.bytesInBody(transaction);
    if (bytes + more > maxBytes) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.BLOCK_SIZE,
          "the block has no room for " + more + " more bytes");
    }
    long blob = blobGas(transaction, transactions.isEmpty() ? transaction : transactions.get(0));
    Long nonce = depositNonce(transaction);
    execution.accessIndex(transactions.size() + 1);
    ExecutionResult result = execution.transact(transaction, gasLeft(), tracer);
    bytes += more;
    return append(transaction, result, blob, nonce);
  }

  /** Executes a call as {@code eth_call} does, and appends it. */
  ExecutionResult simulate(Transaction call, boolean validates, @Nullable Tracer tracer)
      throws InvalidTransactionException {
    long blob = blobGas(call, null);
    execution.accessIndex(transactions.size() + 1);
    return append(call, execution.simulate(call, validates, tracer), blob, null);
  }

  /** Returns the blob gas of the next transaction, for which there must be room. */
  private long blobGas(Transaction transaction, @Nullable Transaction first)
      throws InvalidTransactionException {
    long more = transactionRules.blobGas(transaction, first);
    if (more > 0 && blobGas + more > rules.maxBlobGasPerBlock(header, config)) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.BLOB,
          "the block has no room for " + more + " more blob gas");
    }
    return more;
  }

  private @Nullable Long depositNonce(Transaction transaction) {
    Address sender = transaction.deposit() == null ? null : transaction.sender();
    return sender == null || !transactionRules.hasDepositNonce()
        ? null
        : (Long) execution.nonce(sender);
  }

  private ExecutionResult append(
      Transaction transaction, ExecutionResult result, long blob, @Nullable Long depositNonce) {
    gasUsed += result.gasUsed();
    blobGas += blob;
    transactions.add(transaction);
    List<Log> logs = result.logs();
    receipts.add(
        new Receipt(
            transaction.type(),
            result.success(),
            rootsInReceipts ? roots.state().apply(execution.changes()) : null,
            gasUsed,
            Bloom.of(logs),
            logs,
            depositNonce,
            depositNonce == null ? null : transactionRules.depositReceiptVersion()));
    return result;
  }

  /** Returns what has changed so far. */
  StateChanges changes() {
    return execution.changes();
  }

  /** Goes on in another block with the state as it is now; this object is used no more. */
  EvmExecution next(BlockContext block) {
    return execution.next(block);
  }

  /** Ends the block without its roots. */
  Outcome end() throws InvalidBlockException {
    execution.accessIndex(transactions.size() + 1);
    rewards.forEach(reward -> execution.credit(reward.to(), reward.wei()));
    for (Withdrawal withdrawal : withdrawals) {
      execution.credit(withdrawal.address(), UInt256.of(withdrawal.amount()).multiply(GWEI));
    }
    List<byte[]> requests = requests();
    return new Outcome(
        List.copyOf(receipts),
        gasUsed,
        blobGas,
        requests,
        execution.accessList(),
        execution.changes());
  }

  private @Nullable List<byte[]> requests() throws InvalidBlockException {
    if (!fork.includes(Fork.PRAGUE)) {
      return null;
    }
    return rules.hasExecutionRequests()
        ? SystemCalls.requests(execution, receipts, config.depositContract())
        : List.of();
  }

  @Override
  public BlockExecutor.Assembled finish() throws InvalidBlockException {
    Outcome outcome = end();
    List<byte[]> requests = outcome.requests();
    boolean shanghai = fork.includes(Fork.SHANGHAI);
    Address withdrawer = rules.withdrawalsRootAccount(header, config);
    Hash withdrawalsRoot =
        withdrawer == null
            ? Roots.ofWithdrawals(withdrawals)
            : roots.storage().apply(outcome.changes(), withdrawer);
    Hash stateRoot = roots.state().apply(outcome.changes());
    Deadline.check();
    Hash transactionsRoot = Roots.ofTransactions(transactions);
    Deadline.check();
    BlockHeader whole =
        header.toBuilder()
            .stateRoot(stateRoot)
            .transactionsRoot(transactionsRoot)
            .receiptsRoot(Roots.ofReceipts(outcome.receipts()))
            .logsBloom(bloom(outcome.receipts()))
            .gasUsed(gasUsed)
            .withdrawalsRoot(shanghai ? withdrawalsRoot : null)
            .blobGasUsed(fork.includes(Fork.CANCUN) ? (Long) outcome.blobGasUsed() : null)
            .requestsHash(requests == null ? null : Requests.hash(requests))
            .blockAccessListHash(hash(outcome.accessList()))
            .build();
    Block block = new Block(whole, transactions, List.of(), shanghai ? withdrawals : null);
    return new BlockExecutor.Assembled(block, outcome);
  }

  /** Returns what the header says of a block access list (EIP-7928). */
  static @Nullable Hash hash(@Nullable Bytes accessList) {
    return accessList == null ? null : accessList.keccak();
  }

  static Bloom bloom(List<Receipt> receipts) {
    return Bloom.union(receipts.stream().map(Receipt::logsBloom).toList());
  }
}
