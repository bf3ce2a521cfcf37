// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.tracing.SeveralTracers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The {@code trace} namespace, in the shapes that OpenEthereum gave it. Calls come from the flat
 * call tracer and state differences from the prestate tracer, whichever versions are installed.
 * Block rewards are not told: they are no part of what is executed.
 */
@Component(property = RpcNamespace.NAME + "=trace")
public final class TraceNamespace implements RpcNamespace {
  private static final String FLAT = "flatCallTracer";
  private static final String PRESTATE = "prestateTracer";
  private static final int MAX_CALLS = 1_000;

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final StateProvider states;
  private final BlockExecutor executor;
  private final CallSimulator simulator;
  private final TracerRegistry tracers;

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
    this.executor = executor;
    this.simulator = simulator;
    this.tracers = tracers;
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

  private Tracer tracer(String name, Map<String, Object> config, TraceSubject subject)
      throws RpcError {
    TracerFactory factory = tracers.find(name);
    if (factory == null) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "tracer " + name + " is not installed; installed are " + tracers.names());
    }
    return factory.create(config, subject);
  }

  private Tracer flat(TraceSubject subject) throws RpcError {
    return tracer(FLAT, Map.of("convertParityErrors", true), subject);
  }

  private static TraceSubject subject(Block block, int index) {
    return new TraceSubject(
        block.hash(), block.number(), block.transactions().get(index).hash(), index);
  }

  /** What a client asks of one execution: {@code trace}, {@code stateDiff}, {@code vmTrace}. */
  private final class Wanted {
    private final @Nullable Tracer trace;
    private final @Nullable Tracer difference;
    private final @Nullable VmTracer vm;
    private final OutputTracer output = new OutputTracer();

    Wanted(List<@Nullable Object> types, TraceSubject subject) throws RpcError {
      for (Object type : types) {
        if (!List.of("trace", "stateDiff", "vmTrace").contains(String.valueOf(type))) {
          throw RpcError.invalidParams(
              "unknown trace type " + type + ": trace, stateDiff and vmTrace are known");
        }
      }
      trace = types.contains("trace") ? flat(subject) : null;
      difference =
          types.contains("stateDiff") ? tracer(PRESTATE, Map.of("diffMode", true), subject) : null;
      vm = types.contains("vmTrace") ? new VmTracer() : null;
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

  private void replay(Block block, int count, IntFunction<@Nullable Tracer> chosen)
      throws RpcError {
    if (block.number() == 0 || count == 0) {
      return;
    }
    try (StateReader state = states.stateAfter(block.header().parentHash())) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state before block " + block.number() + " is not there");
      }
      executor.replay(block, count, state, chosen);
    } catch (InvalidBlockException | TracerException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
  }

  /** Returns the traces of all transactions of a block, one after the other. */
  List<Object> ofBlock(Block block) throws RpcError {
    List<Tracer> all = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      all.add(flat(subject(block, i)));
    }
    replay(block, all.size(), all::get);
    List<Object> out = new ArrayList<>();
    for (Tracer tracer : all) {
      if (tracer.result() instanceof List<?> traces) {
        out.addAll(traces);
      }
    }
    return out;
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
    Tracer tracer = flat(subject(block, location.index()));
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
    Wanted wanted = new Wanted(params.list(1), subject(block, index));
    Tracer tracer = wanted.following();
    replay(block, index + 1, i -> i == index ? tracer : null);
    return wanted.answer();
  }

  private Object replayBlock(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    List<Wanted> wanted = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      wanted.add(new Wanted(params.list(1), subject(block, i)));
    }
    replay(block, wanted.size(), i -> wanted.get(i).following());
    List<Object> out = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      Map<String, @Nullable Object> item = wanted.get(i).answer();
      item.put("transactionHash", block.transactions().get(i).hash().toString());
      out.add(item);
    }
    return out;
  }

  // ---- what was not

  private Object call(Params params) throws RpcError {
    Block block = params.requiredBlock(2, chain);
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
    } catch (InvalidTransactionException | TracerException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
  }

  private Transaction transaction(Map<String, @Nullable Object> call, Block block) throws RpcError {
    long nonce = 0;
    if (call.get("from") != null) {
      Address from = Params.address("from", call.get("from"));
      try (StateReader state = states.stateAfter(block.hash())) {
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
    Block block = params.requiredBlock(1, chain);
    List<Object> out = new ArrayList<>();
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
        Wanted wanted = new Wanted(types, new TraceSubject(null, block.number(), null, 0));
        simulation.add(transaction, false, wanted.following());
        out.add(wanted.answer());
      }
    } catch (InvalidTransactionException | TracerException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
    return out;
  }
}
