// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmChoice;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
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
import dev.patchbay.trie.Roots;
import java.util.List;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Executes blocks, replays transactions and simulates calls with the EVM that is chosen for the
 * chain. Each execution ends with the EVM that it began with.
 */
@Component(service = {BlockExecutor.class, CallSimulator.class})
public final class Execution implements BlockExecutor, CallSimulator {
  private static final Logger LOG = LoggerFactory.getLogger(Execution.class);

  /** An empty RLP list. */
  private static final Bytes EMPTY_ACCESS_LIST = Bytes.wrap(new byte[] {(byte) 0xc0});

  private static final int BLOCKHASH_WINDOW = 256;

  private final HeaderReader headers;
  private final ProtocolSchedule schedule;
  private final StateProvider states;
  private final EvmChoice evm;
  private final Listeners<Network> networks = new Listeners<>(LOG::warn, LOG::info);

  /** Makes the component. */
  @Activate
  public Execution(
      @Reference HeaderReader headers,
      @Reference ProtocolSchedule schedule,
      @Reference StateProvider states,
      @Reference EvmChoice evm) {
    this.headers = headers;
    this.schedule = schedule;
    this.states = states;
    this.evm = evm;
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addNetwork(Network network) {
    networks.add(network);
  }

  void removeNetwork(Network network) {
    networks.remove(network);
  }

  // ---- blocks

  @Override
  public Outcome execute(Block block, StateReader parent, Function<StateChanges, Hash> roots)
      throws InvalidBlockException {
    BlockHeader header = block.header();
    Assembly assembly = begin(block, parent, roots, true);
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
    assembly.reward(rewards(block));
    Outcome outcome = assembly.end();
    check("gasUsed", header.gasUsed(), outcome.gasUsed());
    if (header.blobGasUsed() != null) {
      check("blobGasUsed", header.blobGasUsed(), outcome.blobGasUsed());
    }
    check("receiptsRoot", header.receiptsRoot(), Roots.ofReceipts(outcome.receipts()));
    check("logsBloom", header.logsBloom(), Assembly.bloom(outcome.receipts()));
    List<byte[]> requests = outcome.requests();
    if (requests != null) {
      check("requestsHash", header.requestsHash(), Requests.hash(requests));
    }
    check("blockAccessListHash", header.blockAccessListHash(), Assembly.hash(outcome.accessList()));
    return outcome;
  }

  private static void check(String name, @Nullable Object found, @Nullable Object expected)
      throws InvalidBlockException {
    if (!java.util.Objects.equals(found, expected)) {
      throw new InvalidBlockException(name + " is " + found + ", execution gives " + expected);
    }
  }

  @Override
  public BlockAssembly assemble(
      BlockHeader header, Address feeRecipient, List<Withdrawal> withdrawals, StateReader parent) {
    Function<StateChanges, Hash> roots =
        changes -> states.computeStateRoot(header.parentHash(), changes);
    return begin(
        header, schedule.rules(), feeRecipient, withdrawals, parent, roots, true, maxBytes());
  }

  /**
   * Returns how long a block may get that is built now. Before Osaka, too, there is a limit: peers
   * could not get a block that is longer than their messages.
   */
  private long maxBytes() {
    LongAccumulator min = new LongAccumulator(Math::min, BlockLimits.MAX_BYTES);
    networks.forEach(network -> min.accumulate(network.maxBlockBytes()));
    return min.get();
  }

  @Override
  public StateChanges replay(Block block, int count, StateReader parent, Follower follower)
      throws InvalidBlockException {
    return replayed(block, count, parent, follower).changes();
  }

  private Assembly replayed(Block block, int count, StateReader parent, Follower follower)
      throws InvalidBlockException {
    Assembly assembly = begin(block, parent, changes -> Hash.ZERO, false);
    for (int i = 0; i < count; i++) {
      Deadline.check();
      try {
        assembly.add(block.transactions().get(i), follower.tracer(i));
      } catch (InvalidTransactionException invalid) {
        throw new InvalidBlockException(
            "transaction " + i + " cannot be replayed: " + invalid.getMessage());
      }
      follower.onEnd(i, assembly::changes);
    }
    return assembly;
  }

  @Override
  public @Nullable Bytes accessList(Block block) {
    BlockHeader header = block.header();
    if (header.blockAccessListHash() == null) {
      return null;
    }
    if (header.number() == 0) {
      return EMPTY_ACCESS_LIST;
    }
    try (StateReader parent = states.stateAt(header.parentHash())) {
      return parent == null ? null : execute(block, parent, changes -> Hash.ZERO).accessList();
    } catch (InvalidBlockException broken) {
      throw new IllegalStateException(String.valueOf(broken.getMessage()), broken);
    }
  }

  @Override
  public List<Reward> rewards(Block block) {
    return schedule.rules().rewards(block, schedule.config());
  }

  private Assembly begin(
      Block block,
      StateReader parent,
      Function<StateChanges, Hash> roots,
      boolean rootsInReceipts) {
    BlockHeader header = block.header();
    ConsensusRules rules = schedule.rules();
    return begin(
        header,
        rules,
        rules.feeRecipient(header),
        block.withdrawals(),
        parent,
        roots,
        rootsInReceipts,
        Long.MAX_VALUE);
  }

  private Assembly begin(
      BlockHeader header,
      ConsensusRules rules,
      Address feeRecipient,
      @Nullable List<Withdrawal> withdrawals,
      StateReader parent,
      Function<StateChanges, Hash> roots,
      boolean rootsInReceipts,
      long maxBytes) {
    ChainConfig config = schedule.config();
    BlockContext context =
        Contexts.of(
            header, feeRecipient, null, rules, config, Contexts.ancestors(header, headers::header));
    EvmExecution execution = evm.engine().open(context, parent);
    Long daoFork = config.daoForkBlock();
    if (daoFork != null && daoFork == header.number()) {
      DaoFork.apply(execution);
    }
    rules
        .irregularCodeChanges(header, config)
        .forEach((address, code) -> execution.override(address, null, null, code));
    SystemCalls.before(execution, header, context.fork());
    return new Assembly(
        execution,
        header,
        context,
        withdrawals,
        rules,
        config,
        roots(header, roots),
        rootsInReceipts,
        maxBytes);
  }

  /** Gives what a block's header says of the state after changes. */
  private StateRoots roots(BlockHeader header, Function<StateChanges, Hash> state) {
    return new StateRoots(
        state,
        (changes, account) -> states.computeStorageRoot(header.parentHash(), changes, account));
  }

  // ---- calls

  @Override
  public ExecutionResult call(
      Transaction call,
      Hash blockHash,
      BlockHeader header,
      Overrides overrides,
      @Nullable Tracer tracer)
      throws InvalidTransactionException {
    try (StateReader state = stateAt(blockHash)) {
      EvmEngine engine = evm.engine();
      return call(
          call, blockHash, header, overrides, tracer, context -> engine.open(context, state));
    }
  }

  @Override
  public ExecutionResult call(
      Transaction call, Block block, int count, Overrides overrides, @Nullable Tracer tracer)
      throws InvalidTransactionException, InvalidBlockException {
    try (StateReader parent = stateAt(block.header().parentHash())) {
      Assembly before = replayed(block, count, parent, Follower.NONE);
      return call(call, block.hash(), block.header(), overrides, tracer, before::next);
    }
  }

  private ExecutionResult call(
      Transaction call,
      Hash blockHash,
      BlockHeader header,
      Overrides overrides,
      @Nullable Tracer tracer,
      Function<BlockContext, EvmExecution> open)
      throws InvalidTransactionException {
    BlockOverride block = overrides.block();
    ConsensusRules rules = schedule.rules();
    Address recipient = or(block.feeRecipient(), rules.feeRecipient(header));
    BlockHeader seen = seen(header, block, call.maxFeePerGas().isZero());
    EvmExecution execution =
        open.apply(
            Contexts.of(
                seen,
                recipient,
                block.blobBaseFee(),
                rules,
                schedule.config(),
                ancestors(header, blockHash, seen.number())));
    SimulatedChain.apply(execution, overrides.accounts());
    return execution.simulate(call, false, tracer);
  }

  /**
   * Gives the hashes of the blocks below the one that a call is made on, whatever number the call
   * finds. A call in the block after it also finds the hash of that block itself.
   */
  private LongFunction<@Nullable Hash> ancestors(BlockHeader header, Hash blockHash, long seen) {
    LongFunction<@Nullable Hash> near = Contexts.ancestors(header, headers::header);
    return number -> {
      if (number >= header.number()) {
        return number == header.number() && seen == number + 1 ? blockHash : null;
      }
      if (header.number() - number <= BLOCKHASH_WINDOW) {
        return near.apply(number);
      }
      // only an overridden number reaches as far: a walk would have no bound
      BlockHeader child = headers.header(number + 1);
      return child == null ? null : child.parentHash();
    };
  }

  private StateReader stateAt(Hash blockHash) {
    StateReader state = states.stateAt(blockHash);
    if (state == null) {
      throw new IllegalArgumentException("no state after block " + blockHash);
    }
    return state;
  }

  /** Returns the header as code sees it. */
  private static BlockHeader seen(BlockHeader h, BlockOverride block, boolean free) {
    UInt256 baseFee = block.baseFeePerGas() == null ? h.baseFeePerGas() : block.baseFeePerGas();
    if (free && baseFee != null) {
      baseFee = UInt256.ZERO;
    }
    return h.toBuilder()
        .difficulty(or(block.difficulty(), h.difficulty()))
        .number(or(block.number(), h.number()))
        .gasLimit(or(block.gasLimit(), h.gasLimit()))
        .timestamp(or(block.timestamp(), h.timestamp()))
        .mixHash(or(block.prevRandao(), h.mixHash()))
        .baseFeePerGas(baseFee)
        .build();
  }

  private static <T> T or(@Nullable T replacement, T value) {
    return replacement == null ? value : replacement;
  }

  @Override
  public Simulation simulate(Hash blockHash) {
    EvmEngine engine = evm.engine();
    ConsensusRules rules = schedule.rules();
    ChainConfig config = schedule.config();
    StateReader state = stateAt(blockHash); // last: what fails after it would not close it
    return new SimulatedChain(
        rules,
        config,
        state,
        context -> engine.open(context, state),
        new StateRoots(
            changes -> states.computeStateRoot(blockHash, changes),
            (changes, account) -> states.computeStorageRoot(blockHash, changes, account)),
        headers::header);
  }
}
