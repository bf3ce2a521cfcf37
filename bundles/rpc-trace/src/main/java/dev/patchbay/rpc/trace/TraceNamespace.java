// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockExecutor.Follower;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import dev.patchbay.tracing.SeveralTracers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The {@code trace} namespace, in the shapes that OpenEthereum gave it. Calls come from the flat
 * call tracer and state differences from the prestate tracer, whichever versions are installed.
 */
@Component(property = RpcNamespace.NAME + "=trace")
public final class TraceNamespace implements RpcNamespace {
  private static final String FLAT = "flatCallTracer";
  private static final String PRESTATE = "prestateTracer";
  private static final int MAX_CALLS = 1_000;

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final StateProvider states;
  private final CallSimulator simulator;
  private final Replay replay;

  /** Makes the methods. */
  @Activate
  public TraceNamespace(
      @Reference ChainReader chain,
      @Reference StateProvider states,
      @Reference BlockExecutor executor,
      @Reference CallSimulator simulator,
      @Reference TracerRegistry tracers) {
    this.chain = chain;
    this.states = states;
    this.simulator = simulator;
    replay = new Replay(states, executor, tracers);
    expensive("trace_block", (p, s) -> ofBlock(new Params(p).requiredBlock(0, chain)));
    expensive("trace_transaction", (p, s) -> ofTransaction(new Params(p)));
    expensive("trace_get", (p, s) -> get(new Params(p)));
    expensive("trace_filter", (p, s) -> new TraceFilter(this, chain).search(new Params(p)));
    expensive("trace_call", (p, s) -> call(new Params(p)));
    expensive("trace_callMany", (p, s) -> callMany(new Params(p)));
    expensive("trace_rawTransaction", (p, s) -> rawTransaction(new Params(p)));
    expensive("trace_replayTransaction", (p, s) -> replayTransaction(new Params(p)));
    expensive("trace_replayBlockTransactions", (p, s) -> replayBlock(new Params(p)));
  }

  private void expensive(String name, RpcMethod method) {
    methods.put(name, RpcMethod.expensive(method));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  // ---- tracers

  private Tracer flat(TraceSubject subject) throws RpcError {
    return replay.tracer(FLAT, Map.of("convertParityErrors", true), subject);
  }

  /** What a client asks of one execution: {@code trace}, {@code stateDiff}, {@code vmTrace}. */
  private final class Wanted {
    private final @Nullable Tracer trace;
    private final @Nullable Tracer difference;
    private final @Nullable VmTracer vm;
    private final OutputTracer output;

    Wanted(List<@Nullable Object> types, TraceSubject subject) throws RpcError {
      for (Object type : types) {
        if (!List.of("trace", "stateDiff", "vmTrace").contains(String.valueOf(type))) {
          throw RpcError.invalidParams(
              "unknown trace type "
                  + Hex.shown(String.valueOf(type))
                  + ": trace, stateDiff and vmTrace are known");
        }
      }
      trace = types.contains("trace") ? flat(subject) : null;
      difference =
          types.contains("stateDiff")
              ? replay.tracer(PRESTATE, Map.of("diffMode", true), subject)
              : null;
      vm = types.contains("vmTrace") ? new VmTracer(subject.budget()) : null;
      output = new OutputTracer(subject.budget());
    }

    Tracer following() {
      List<Tracer> all = new ArrayList<>(List.of(output));
      for (Tracer tracer : new @Nullable Tracer[] {trace, difference, vm}) {
        if (tracer != null) {
          all.add(tracer);
        }
      }
      return new SeveralTracers(all);
    }

    Map<String, @Nullable Object> answer() {
      Map<String, @Nullable Object> out = new LinkedHashMap<>();
      out.put("output", output.result());
      out.put("stateDiff", difference == null ? null : StateDifference.of(difference.result()));
      out.put("trace", trace == null ? List.of() : withoutBlock(trace.result()));
      out.put("vmTrace", vm == null ? null : vm.result());
      return out;
    }
  }

  /** A trace that is told beside others of its execution does not repeat where it is from. */
  private static Object withoutBlock(@Nullable Object traces) {
    List<Object> out = new ArrayList<>();
    if (traces instanceof List<?> list) {
      for (Object item : list) {
        if (item instanceof Map<?, ?> map) {
          Map<Object, @Nullable Object> kept = new LinkedHashMap<>(map);
          List.of("blockHash", "blockNumber", "transactionHash", "transactionPosition")
              .forEach(kept::remove);
          out.add(kept);
        }
      }
    }
    return out;
  }

  // ---- what was mined

  private void replay(Block block, int count, Follower follower) throws RpcError {
    if (count > 0) { // genesis has no transactions, and is no error here
      replay.run(block, count, follower);
    }
  }

  /**
   * Hands over the traces of all transactions of a block, one transaction after the other, and then
   * those of its rewards.
   */
  void forEachTrace(Block block, Consumer<Object> consumer) throws RpcError {
    List<@Nullable Tracer> tracers = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      tracers.add(flat(Replay.subject(block, i)));
    }
    replay.run(
        block,
        tracers,
        (index, tracer) -> {
          if (tracer.result() instanceof List<?> traces) {
            traces.forEach(consumer);
          }
        });
    List<Reward> rewards = replay.rewards(block);
    for (int i = rewards.size() - 1; i >= 0; i--) {
      consumer.accept(trace(block, rewards.get(i)));
    }
  }

  /** Returns the trace of a reward; that for the block is told first. */
  static Map<String, @Nullable Object> trace(Block block, Reward reward) {
    Map<String, Object> action = new LinkedHashMap<>();
    action.put("author", reward.to().toString());
    action.put("rewardType", reward.forOmmer() ? "uncle" : "block");
    action.put("value", reward.wei().toHex());
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("action", action);
    out.put("blockHash", block.hash().toString());
    out.put("blockNumber", block.number());
    out.put("result", null);
    out.put("subtraces", 0);
    out.put("traceAddress", List.of());
    out.put("transactionHash", null);
    out.put("transactionPosition", null);
    out.put("type", "reward");
    return out;
  }

  private RpcStream ofBlock(Block block) {
    return out -> {
      out.beginArray();
      forEachTrace(block, out::value);
      out.endArray();
    };
  }

  private @Nullable Block blockOf(@Nullable TransactionLocation location) {
    return location == null ? null : chain.block(location.blockHash());
  }

  private @Nullable Object ofTransaction(Params params) throws RpcError {
    TransactionLocation location = chain.transaction(params.hash(0));
    Block block = blockOf(location);
    if (location == null || block == null) {
      return null;
    }
    Tracer tracer = flat(Replay.subject(block, location.index()));
    replay(block, location.index() + 1, i -> i == location.index() ? tracer : null);
    return tracer.result();
  }

  private @Nullable Object get(Params params) throws RpcError {
    List<Integer> wanted = new ArrayList<>();
    for (Object index : params.list(1)) {
      wanted.add((int) Params.quantity64("trace address", index));
    }
    if (ofTransaction(params) instanceof List<?> traces) {
      for (Object item : traces) {
        if (item instanceof Map<?, ?> trace && wanted.equals(trace.get("traceAddress"))) {
          return trace;
        }
      }
    }
    return null;
  }

  private Object replayTransaction(Params params) throws RpcError {
    TransactionLocation location = chain.transaction(params.hash(0));
    Block block = blockOf(location);
    if (location == null || block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "transaction not found");
    }
    int index = location.index();
    Wanted wanted = new Wanted(params.list(1), Replay.subject(block, index));
    Tracer tracer = wanted.following();
    replay(block, index + 1, i -> i == index ? tracer : null);
    return wanted.answer();
  }

  private RpcStream replayBlock(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    List<@Nullable Wanted> wanted = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      wanted.add(new Wanted(params.list(1), Replay.subject(block, i)));
    }
    return out -> {
      out.beginArray();
      replay(
          block,
          wanted.size(),
          new Follower() {
            @Override
            public @Nullable Tracer tracer(int index) {
              Wanted of = wanted.get(index);
              return of == null ? null : of.following();
            }

            @Override
            public void onEnd(int index, Supplier<StateChanges> changes) {
              Wanted of = wanted.set(index, null);
              if (of != null) {
                Map<String, @Nullable Object> item = of.answer();
                item.put("transactionHash", block.transactions().get(index).hash().toString());
                out.value(item);
              }
            }
          });
      out.endArray();
    };
  }

  // ---- what was not

  private Object call(Params params) throws RpcError {
    Block block = params.requiredHeader(2, chain);
    return run(transaction(params.object(0), block), params.list(1), block);
  }

  private Object rawTransaction(Params params) throws RpcError {
    Transaction transaction;
    try {
      transaction = Transaction.decode(params.bytes(0).toArray());
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("invalid transaction: " + malformed.getMessage());
    }
    return run(transaction, params.list(1), chain.head());
  }

  private Object run(Transaction transaction, List<@Nullable Object> types, Block block)
      throws RpcError {
    Wanted wanted = new Wanted(types, new TraceSubject(null, block.number(), null, 0));
    try {
      simulator.call(transaction, block.hash(), block.header(), Overrides.NONE, wanted.following());
      return wanted.answer();
    } catch (TracerException failure) {
      throw Replay.error(failure);
    } catch (InvalidTransactionException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
  }

  private Transaction transaction(Map<String, @Nullable Object> call, Block block) throws RpcError {
    long nonce = 0;
    if (call.get("from") != null) {
      Address from = Params.address("from", call.get("from"));
      try (StateReader state = states.stateAt(block.hash())) {
        Account account = state == null ? null : state.account(from);
        nonce = account == null ? 0 : account.nonce();
      }
    }
    return CallArguments.transaction(call, chain.config().chainId(), nonce, null);
  }

  /** Each call finds what those before it have changed. */
  private Object callMany(Params params) throws RpcError {
    List<@Nullable Object> calls = params.list(0);
    if (calls.size() > MAX_CALLS) {
      throw new RpcError(
          RpcError.Kind.LIMIT, "too many calls: " + calls.size() + ", at most " + MAX_CALLS);
    }
    Block block = params.requiredHeader(1, chain);
    List<Object> out = new ArrayList<>();
    TraceBudget budget = new TraceBudget();
    try (Simulation simulation = simulator.simulate(block.hash())) {
      simulation.begin(block.header(), null, Map.of(), List.of());
      for (Object item : calls) {
        List<@Nullable Object> pair = Params.list("call", item);
        Map<String, @Nullable Object> call =
            Params.object("call", pair.isEmpty() ? null : pair.get(0));
        List<@Nullable Object> types =
            Params.list("trace types", pair.size() < 2 ? null : pair.get(1));
        Address from =
            call.get("from") == null ? Address.ZERO : Params.address("from", call.get("from"));
        Transaction transaction =
            CallArguments.transaction(call, chain.config().chainId(), simulation.nonce(from), null);
        Wanted wanted = new Wanted(types, new TraceSubject(null, block.number(), null, 0, budget));
        simulation.add(transaction, false, wanted.following());
        out.add(wanted.answer());
      }
    } catch (TracerException failure) {
      throw Replay.error(failure);
    } catch (InvalidTransactionException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
    return out;
  }
}
