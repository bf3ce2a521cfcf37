// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
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
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.Requests;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** Executes blocks, replays transactions and simulates calls over whichever EVM is installed. */
@Component(service = {BlockExecutor.class, CallSimulator.class})
public final class Execution implements BlockExecutor, CallSimulator {
  private final ChainReader chain;
  private final StateProvider states;

  private volatile @Nullable EvmEngine engine;

  private final Map<String, ConsensusRules> rules = new ConcurrentHashMap<>();

  /** Makes the component. */
  @Activate
  public Execution(@Reference ChainReader chain, @Reference StateProvider states) {
    this.chain = chain;
    this.states = states;
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addRules(ConsensusRules added) {
    rules.put(added.name(), added);
  }

  void removeRules(ConsensusRules gone) {
    rules.remove(gone.name(), gone);
  }

  private EvmEngine engine() {
    EvmEngine current = engine;
    if (current == null) {
      throw new NotReadyException("no EVM is installed");
    }
    return current;
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setEngine(EvmEngine next) {
    engine = next;
  }

  void unsetEngine(EvmEngine gone) {
    if (engine == gone) {
      engine = null;
    }
  }

  private ConsensusRules rules() {
    String name = chain.config().consensus();
    ConsensusRules current = rules.get(name);
    if (current == null) {
      throw new NotReadyException("the consensus rules '" + name + "' are not installed");
    }
    return current;
  }

  // ---- blocks

  @Override
  public Outcome execute(Block block, StateReader parent, Function<StateChanges, Hash> roots)
      throws InvalidBlockException {
    BlockHeader header = block.header();
    ConsensusRules consensus = rules();
    Assembly assembly =
        begin(header, consensus.feeRecipient(header), block.withdrawals(), parent, roots);
    int index = 0;
    for (Transaction transaction : block.transactions()) {
      try {
        assembly.add(transaction);
      } catch (InvalidTransactionException invalid) {
        throw new InvalidBlockException(
            "transaction "
                + index
                + " "
                + transaction.hash()
                + " is not valid: "
                + invalid.getMessage());
      }
      index++;
    }
    assembly.reward(consensus.rewards(block, chain.config()));
    Outcome outcome = assembly.finish();
    check("gasUsed", header.gasUsed(), outcome.gasUsed());
    if (header.blobGasUsed() != null) {
      check("blobGasUsed", header.blobGasUsed(), outcome.blobGasUsed());
    }
    List<byte[]> encoded = outcome.receipts().stream().map(Receipt::encode).toList();
    check("receiptsRoot", header.receiptsRoot(), Trie.rootOfList(encoded));
    Bloom bloom = Bloom.EMPTY;
    for (Receipt receipt : outcome.receipts()) {
      bloom = bloom.or(receipt.logsBloom());
    }
    check("logsBloom", header.logsBloom(), bloom);
    List<byte[]> requests = outcome.requests();
    if (requests != null) {
      check("requestsHash", header.requestsHash(), Requests.hash(requests));
    }
    return outcome;
  }

  private static void check(String name, @Nullable Object found, @Nullable Object expected)
      throws InvalidBlockException {
    if (!java.util.Objects.equals(found, expected)) {
      throw new InvalidBlockException(name + " is " + found + ", execution gives " + expected);
    }
  }

  @Override
  public BlockAssembly assemble(BlockHeader header, Address feeRecipient, StateReader parent) {
    return begin(header, feeRecipient, List.of(), parent, null);
  }

  @Override
  public void replay(Block block, int index, StateReader parent, Tracer tracer)
      throws InvalidBlockException {
    Assembly assembly =
        begin(
            block.header(),
            rules().feeRecipient(block.header()),
            block.withdrawals(),
            parent,
            null);
    for (int i = 0; i <= index; i++) {
      try {
        assembly.add(block.transactions().get(i), i == index ? tracer : null);
      } catch (InvalidTransactionException invalid) {
        throw new InvalidBlockException(
            "transaction " + i + " cannot be replayed: " + invalid.getMessage());
      }
    }
  }

  private Assembly begin(
      BlockHeader header,
      Address feeRecipient,
      @Nullable List<Withdrawal> withdrawals,
      StateReader parent,
      @Nullable Function<StateChanges, Hash> roots) {
    ChainConfig config = chain.config();
    BlockContext context = context(header, feeRecipient, config);
    EvmExecution execution = engine().open(context, parent);
    Long daoFork = config.daoForkBlock();
    if (daoFork != null && daoFork == header.number()) {
      DaoFork.apply(execution);
    }
    SystemCalls.before(execution, header, context.fork());
    return new Assembly(execution, header, context.fork(), withdrawals, config, roots);
  }

  private BlockContext context(BlockHeader header, Address feeRecipient, ChainConfig config) {
    Fork fork = config.forkOf(header);
    BlobSchedule blobs = config.blobScheduleAt(header.timestamp());
    Long excess = header.excessBlobGas();
    return new BlockContext(
        fork,
        config.chainId(),
        feeRecipient,
        header.number(),
        header.timestamp(),
        header.gasLimit(),
        header.difficulty(),
        header.mixHash(),
        header.baseFeePerGas(),
        excess == null ? UInt256.ZERO : FeeMarket.blobBaseFee(excess, blobs),
        blobs.max(),
        ancestors(header));
  }

  /** Finds ancestors by walking up from a header: right on every branch, and each step is kept. */
  private LongFunction<@Nullable Hash> ancestors(BlockHeader header) {
    Map<Long, Hash> known = new HashMap<>();
    known.put(header.number() - 1, header.parentHash());
    long[] lowest = {header.number() - 1};
    return number -> {
      while (number < lowest[0]) {
        Hash hash = known.get(lowest[0]);
        BlockHeader next = hash == null ? null : chain.header(hash);
        if (next == null) {
          return null;
        }
        lowest[0]--;
        known.put(lowest[0], next.parentHash());
      }
      return known.get(number);
    };
  }

  /** A block in the making. */
  private static final class Assembly implements BlockAssembly {
    private final EvmExecution execution;
    private final BlockHeader header;
    private final Fork fork;
    private final @Nullable List<Withdrawal> withdrawals;
    private final ChainConfig config;
    private final List<Transaction> transactions = new ArrayList<>();
    private final List<Receipt> receipts = new ArrayList<>();
    private final @Nullable Function<StateChanges, Hash> roots;
    private Map<Address, UInt256> rewards = Map.of();
    private long gasUsed;
    private long blobs;

    Assembly(
        EvmExecution execution,
        BlockHeader header,
        Fork fork,
        @Nullable List<Withdrawal> withdrawals,
        ChainConfig config,
        @Nullable Function<StateChanges, Hash> roots) {
      this.execution = execution;
      this.header = header;
      this.fork = fork;
      this.withdrawals = withdrawals;
      this.config = config;
      this.roots = roots;
    }

    void reward(Map<Address, UInt256> amounts) {
      rewards = amounts;
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
      int more = transaction.blobVersionedHashes().size();
      if (blobs + more > config.blobScheduleAt(header.timestamp()).max()) {
        throw new InvalidTransactionException(
            InvalidTransactionException.Reason.BLOB,
            "the block has no room for " + more + " more blobs");
      }
      ExecutionResult result = execution.transact(transaction, gasLeft(), tracer);
      gasUsed += result.gasUsed();
      blobs += more;
      transactions.add(transaction);
      receipts.add(receipt(transaction, result));
      return result;
    }

    private Receipt receipt(Transaction transaction, ExecutionResult result) {
      Receipt receipt = Receipt.of(transaction.type(), result.success(), gasUsed, result.logs());
      if (fork.includes(Fork.BYZANTIUM) || roots == null) {
        return receipt;
      }
      Hash root = roots.apply(execution.changes());
      return new Receipt(
          receipt.type(), result.success(), root, gasUsed, receipt.logsBloom(), receipt.logs());
    }

    @Override
    public List<Transaction> transactions() {
      return List.copyOf(transactions);
    }

    @Override
    public Outcome finish() throws InvalidBlockException {
      rewards.forEach(execution::credit);
      if (withdrawals != null) {
        for (Withdrawal withdrawal : withdrawals) {
          UInt256 wei = UInt256.of(withdrawal.amount()).multiply(UInt256.of(1_000_000_000L));
          execution.credit(withdrawal.address(), wei);
        }
      }
      List<byte[]> requests =
          fork.includes(Fork.PRAGUE)
              ? SystemCalls.requests(execution, receipts, config.depositContract())
              : null;
      return new Outcome(
          List.copyOf(receipts),
          gasUsed,
          blobs * FeeMarket.BLOB_GAS,
          requests,
          execution.changes());
    }
  }

  // ---- calls

  @Override
  public ExecutionResult call(
      Transaction call,
      Hash blockHash,
      BlockHeader header,
      Map<Address, AccountOverride> overrides,
      @Nullable Tracer tracer)
      throws InvalidTransactionException {
    try (StateReader state = states.stateAfter(blockHash)) {
      if (state == null) {
        throw new IllegalArgumentException("no state after block " + blockHash);
      }
      ConsensusRules known = rules.get(chain.config().consensus());
      // reads go on while the consensus bundle is exchanged
      Address recipient = known == null ? header.coinbase() : known.feeRecipient(header);
      EvmExecution execution = engine().open(context(header, recipient, chain.config()), state);
      overrides.forEach(
          (address, override) -> {
            execution.override(address, override.balance(), override.nonce(), override.code());
            override.slots().forEach((key, value) -> execution.override(address, key, value));
          });
      return execution.simulate(call, tracer);
    }
  }
}
