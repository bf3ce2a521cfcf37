// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.FeeRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.OverrideParams;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code eth_simulateV1}: calls in blocks that follow one another on top of a block of the chain
 * (execution-apis, {@code src/eth/execute.yaml}).
 */
final class SimulateMethods {
  private static final int MAX_BLOCKS = 256;
  private static final int MAX_CALLS_PER_BLOCK = 5_000;
  private static final int MAX_CALLS = 10_000;
  private static final long SECONDS_PER_BLOCK = 12;

  private static final int BLOCK_GAS_EXCEEDED = -38015;
  private static final int BLOCK_NUMBER = -38020;
  private static final int BLOCK_TIMESTAMP = -38021;
  private static final int CLIENT_LIMIT = -38026;
  private static final int VM_ERROR = -32015;

  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final CallSimulator simulator;

  SimulateMethods(ChainReader chain, ProtocolSchedule schedule, CallSimulator simulator) {
    this.chain = chain;
    this.schedule = schedule;
    this.simulator = simulator;
  }

  Map<String, RpcMethod> methods() {
    return Map.of("eth_simulateV1", RpcMethod.expensive((p, s) -> simulate(new Params(p))));
  }

  /** A block that is asked for, or one that fills a gap. */
  private record Asked(
      long number,
      long timestamp,
      BlockOverride block,
      Hash beaconRoot,
      List<Withdrawal> withdrawals,
      Map<Address, AccountOverride> accounts,
      List<Map<String, @Nullable Object>> calls) {}

  private record Options(boolean transfers, boolean validates, boolean full) {}

  private Object simulate(Params params) throws RpcError {
    Map<String, @Nullable Object> request = params.object(0);
    Options options =
        new Options(
            Params.flag("traceTransfers", request.get("traceTransfers")),
            Params.flag("validation", request.get("validation")),
            Params.flag("returnFullTransactions", request.get("returnFullTransactions")));
    List<@Nullable Object> given = Params.list("blockStateCalls", request.get("blockStateCalls"));
    if (given.isEmpty()) {
      throw RpcError.invalidParams("empty input");
    }
    if (given.size() > MAX_BLOCKS) {
      throw new RpcError(CLIENT_LIMIT, "too many blocks");
    }
    Block base = params.requiredHeader(1, chain);
    List<Asked> blocks = inOrder(base.header(), given);
    try (Simulation simulation = simulator.simulate(base.hash())) {
      return new Run(simulation, options, base.header()).blocks(blocks);
    }
  }

  /** Reads the blocks, and fills gaps between their numbers. */
  private List<Asked> inOrder(BlockHeader base, List<@Nullable Object> given) throws RpcError {
    List<Asked> out = new ArrayList<>();
    long number = base.number();
    long timestamp = base.timestamp();
    int calls = 0;
    for (Object item : given) {
      Map<String, @Nullable Object> object = Params.object("blockStateCalls", item);
      BlockOverride block = OverrideParams.block(object.get("blockOverrides"));
      Long wanted = block.number();
      long next = wanted == null ? number + 1 : wanted;
      if (next <= number) {
        throw new RpcError(
            BLOCK_NUMBER, "block numbers must be in order: " + next + " <= " + number);
      }
      if (next - base.number() > MAX_BLOCKS) {
        throw new RpcError(CLIENT_LIMIT, "too many blocks");
      }
      while (++number < next) {
        timestamp += SECONDS_PER_BLOCK;
        out.add(
            new Asked(
                number, timestamp, BlockOverride.NONE, Hash.ZERO, List.of(), Map.of(), List.of()));
      }
      Long time = block.timestamp();
      if (time != null && time <= timestamp) {
        throw new RpcError(
            BLOCK_TIMESTAMP, "block timestamps must be in order: " + time + " <= " + timestamp);
      }
      timestamp = time == null ? timestamp + SECONDS_PER_BLOCK : time;
      Asked asked = read(object, number, timestamp, block);
      calls += asked.calls.size();
      if (asked.calls.size() > MAX_CALLS_PER_BLOCK || calls > MAX_CALLS) {
        throw new RpcError(CLIENT_LIMIT, "too many calls");
      }
      out.add(asked);
    }
    return out;
  }

  private static Asked read(
      Map<String, @Nullable Object> object, long number, long timestamp, BlockOverride block)
      throws RpcError {
    List<Map<String, @Nullable Object>> calls = new ArrayList<>();
    if (object.get("calls") != null) {
      for (Object call : Params.list("calls", object.get("calls"))) {
        calls.add(Params.object("call", call));
      }
    }
    Map<String, @Nullable Object> overrides =
        object.get("blockOverrides") == null
            ? Map.of()
            : Params.object("blockOverrides", object.get("blockOverrides"));
    Object beaconRoot = overrides.get("beaconRoot");
    return new Asked(
        number,
        timestamp,
        block,
        beaconRoot == null ? Hash.ZERO : Params.hash("beaconRoot", beaconRoot),
        Params.withdrawals(overrides.get("withdrawals")),
        OverrideParams.accounts(object.get("stateOverrides")),
        calls);
  }

  /** The answer to one request. */
  private final class Run {
    private final Simulation simulation;
    private final Options options;
    private BlockHeader parent;
    private final BlockHeader base;
    private Hash parentHash;
    private long gasLeft = CallArguments.GAS_CAP;
    private int logCount;

    Run(Simulation simulation, Options options, BlockHeader base) {
      this.simulation = simulation;
      this.options = options;
      this.base = base;
      this.parent = base;
      this.parentHash = base.computeHash();
    }

    List<Object> blocks(List<Asked> blocks) throws RpcError {
      List<Object> out = new ArrayList<>();
      for (Asked asked : blocks) {
        out.add(block(asked));
      }
      return out;
    }

    private Object block(Asked asked) throws RpcError {
      BlockHeader header = header(asked);
      List<Outcome> outcomes = new ArrayList<>();
      BlockExecutor.Assembled assembled;
      try {
        simulation.begin(header, asked.block.blobBaseFee(), asked.accounts, asked.withdrawals);
        long blockGas = header.gasLimit();
        logCount = 0;
        for (Map<String, @Nullable Object> call : asked.calls) {
          Outcome outcome = call(call, blockGas);
          outcomes.add(outcome);
          blockGas -= outcome.result.gasUsed();
        }
        assembled = simulation.finish();
      } catch (InvalidBlockException | IllegalArgumentException broken) {
        throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
      }
      Block block = assembled.block();
      parent = block.header();
      parentHash = block.hash();
      Map<String, @Nullable Object> out = Results.block(block, options.full);
      out.put("calls", calls(block, outcomes));
      return out;
    }

    private BlockHeader header(Asked asked) {
      BlockOverride o = asked.block;
      Fork fork = chain.config().forkAt(asked.number, asked.timestamp);
      boolean merged = base.difficulty().isZero();
      boolean cancun = fork.includes(Fork.CANCUN);
      UInt256 baseFee = null;
      if (fork.includes(Fork.LONDON)) {
        baseFee = o.baseFeePerGas();
        if (baseFee == null) {
          baseFee = options.validates ? nextBaseFee(asked.timestamp) : UInt256.ZERO;
        }
      }
      Address recipient = o.feeRecipient();
      Long gasLimit = o.gasLimit();
      Hash randao = o.prevRandao();
      UInt256 difficulty = o.difficulty();
      return BlockHeader.builder()
          .parentHash(parentHash)
          .coinbase(recipient == null ? parent.coinbase() : recipient)
          .stateRoot(Hash.ZERO)
          .difficulty(difficulty == null || merged ? base.difficulty() : difficulty)
          .number(asked.number)
          .gasLimit(gasLimit == null ? parent.gasLimit() : gasLimit)
          .timestamp(asked.timestamp)
          .mixHash(randao == null ? Hash.ZERO : randao)
          .baseFeePerGas(baseFee)
          .excessBlobGas(cancun ? (Long) nextExcessBlobGas(asked.timestamp) : null)
          .parentBeaconBlockRoot(cancun ? asked.beaconRoot : null)
          .slotNumber(fork.includes(Fork.AMSTERDAM) ? (Long) (slot(parent) + 1) : null)
          .build();
    }

    /**
     * Simulated blocks have no extra data, in which a rollup has the parameters of its base fee.
     */
    private UInt256 nextBaseFee(long timestamp) {
      BlockHeader before = parent.toBuilder().extraData(base.extraData()).build();
      FeeRules rules = schedule.rules();
      return rules.nextBaseFee(before, timestamp, schedule.config());
    }

    private long nextExcessBlobGas(long timestamp) {
      FeeRules rules = schedule.rules();
      return rules.nextExcessBlobGas(parent, timestamp, schedule.config());
    }

    private static long slot(BlockHeader header) {
      Long slot = header.slotNumber();
      return slot == null ? 0 : slot;
    }

    private Outcome call(Map<String, @Nullable Object> call, long blockGas) throws RpcError {
      long gas = call.get("gas") == null ? blockGas : Params.quantity64("gas", call.get("gas"));
      if (Long.compareUnsigned(gas, blockGas) > 0) {
        throw new RpcError(
            BLOCK_GAS_EXCEEDED,
            "block gas limit reached: "
                + Long.toUnsignedString(gas)
                + " is more than the "
                + blockGas
                + " that are left");
      }
      Address from =
          call.get("from") == null ? Address.ZERO : Params.address("from", call.get("from"));
      Transaction transaction =
          CallArguments.transaction(
              call,
              TransactionType.FEE_MARKET,
              chain.config().chainId(),
              simulation.nonce(from),
              Math.min(gas, gasLeft));
      SimulatedLogs logs = new SimulatedLogs(options.transfers, logCount);
      try {
        ExecutionResult result = simulation.add(transaction, options.validates, logs);
        gasLeft -= result.gasUsed();
        logCount = logs.count();
        return new Outcome(result, logs.logs());
      } catch (InvalidTransactionException invalid) {
        throw new RpcError(
            code(invalid.reason()),
            "err: "
                + invalid.getMessage()
                + " (supplied gas "
                + Long.toUnsignedString(transaction.gasLimit())
                + ")");
      }
    }
  }

  private record Outcome(ExecutionResult result, List<SimulatedLogs.Indexed> logs) {}

  private static int code(InvalidTransactionException.Reason reason) {
    return switch (reason) {
      case NONCE_TOO_LOW -> -38010;
      case NONCE_TOO_HIGH -> -38011;
      case FEE_CAP_TOO_LOW -> -38012;
      case INTRINSIC_GAS -> -38013;
      case INSUFFICIENT_FUNDS -> -38014;
      case BLOCK_GAS -> BLOCK_GAS_EXCEEDED;
      case SENDER_NOT_EOA -> -38024;
      case INIT_CODE_TOO_LARGE -> -38025;
      default -> RpcError.INTERNAL_ERROR;
    };
  }

  private static List<Object> calls(Block block, List<Outcome> outcomes) {
    List<Object> out = new ArrayList<>();
    for (int i = 0; i < outcomes.size(); i++) {
      ExecutionResult result = outcomes.get(i).result;
      Map<String, @Nullable Object> item = new LinkedHashMap<>();
      item.put("returnData", result.success() ? result.output().toString() : "0x");
      List<Object> logs = new ArrayList<>();
      for (SimulatedLogs.Indexed log : outcomes.get(i).logs) {
        logs.add(Results.log(log.log(), block, i, log.index(), false));
      }
      item.put("logs", logs);
      item.put("gasUsed", Hex.quantity(result.gasUsed()));
      item.put("maxUsedGas", Hex.quantity(result.gasUsed() + result.gasRefunded()));
      item.put("status", result.success() ? "0x1" : "0x0");
      if (!result.success()) {
        item.put("error", error(result));
      }
      out.add(item);
    }
    return out;
  }

  private static Map<String, @Nullable Object> error(ExecutionResult result) {
    RpcError failure = CallArguments.failure(result);
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    boolean reverted = failure.code() == RpcError.REVERTED;
    out.put("message", String.valueOf(failure.getMessage()));
    out.put("code", reverted ? RpcError.REVERTED : VM_ERROR);
    if (reverted) {
      out.put("data", failure.data());
    }
    return out;
  }
}
