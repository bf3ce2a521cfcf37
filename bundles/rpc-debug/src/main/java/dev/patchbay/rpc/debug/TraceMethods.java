// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor.Follower;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.OverrideParams;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Methods that follow transactions, blocks and calls. Traces are written while they are made. */
final class TraceMethods {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|s|m)");

  private final ChainReader chain;
  private final StateProvider states;
  private final CallSimulator simulator;
  private final Replay replay;
  private final BadBlocks bad;

  TraceMethods(
      ChainReader chain,
      StateProvider states,
      CallSimulator simulator,
      Replay replay,
      BadBlocks bad) {
    this.chain = chain;
    this.states = states;
    this.simulator = simulator;
    this.replay = replay;
    this.bad = bad;
  }

  private interface TraceMethod {
    RpcStream trace(Params params) throws RpcError;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    put(m, "debug_traceTransaction", 1, this::traceTransaction);
    put(m, "debug_traceCall", 2, this::traceCall);
    put(m, "debug_traceBlock", 1, p -> traceBlock(decoded(p), p.object(1)));
    put(m, "debug_traceBlockByNumber", 1, p -> traceBlock(p.requiredBlock(0, chain), p.object(1)));
    put(m, "debug_traceBlockByHash", 1, p -> traceBlock(p.requiredBlock(0, chain), p.object(1)));
    put(m, "debug_traceBadBlock", 1, p -> traceBlock(bad.find(p.hash(0)), p.object(1)));
    return m;
  }

  /** Puts a method whose parameter {@code options} may name a timeout, as 5s or 500ms. */
  private static void put(
      Map<String, RpcMethod> methods, String name, int options, TraceMethod method) {
    methods.put(
        name,
        RpcMethod.expensive(
            (p, session) -> {
              Params params = new Params(p);
              Object timeout = params.object(options).get("timeout");
              Duration time = timeout == null ? null : duration(timeout);
              RpcStream trace = method.trace(params);
              return time == null ? trace : (RpcStream) out -> writeWithin(time, trace, out);
            }));
  }

  private static void writeWithin(Duration time, RpcStream trace, JsonWriter out) throws RpcError {
    try (Deadline ends = Deadline.after(time)) {
      trace.writeTo(out);
    }
  }

  private static Duration duration(Object value) throws RpcError {
    String text = String.valueOf(value);
    Matcher parts = DURATION.matcher(text);
    if (!parts.matches()) {
      throw RpcError.invalidParams(
          "invalid timeout: " + Hex.shown(text) + ", expected e.g. 5s or 500ms");
    }
    double number = Double.parseDouble(parts.group(1));
    double seconds =
        switch (parts.group(2)) {
          case "ms" -> number / 1_000;
          case "s" -> number;
          default -> number * 60;
        };
    return Duration.ofNanos((long) (Math.min(seconds, 86_400) * 1e9));
  }

  /** Makes the tracer that the options of a trace ask for. */
  Tracer tracer(Map<String, @Nullable Object> options, TraceSubject subject) throws RpcError {
    Object name = options.get("tracer");
    boolean named = name != null && !name.equals("");
    Map<String, Object> config = new HashMap<>();
    Map<String, @Nullable Object> given =
        !named
            ? options
            : options.get("tracerConfig") == null
                ? Map.of()
                : Params.object("tracerConfig", options.get("tracerConfig"));
    given.forEach(
        (key, value) -> {
          if (value != null) {
            config.put(key, value);
          }
        });
    return replay.tracer(named ? String.valueOf(name) : TracerFactory.DEFAULT, config, subject);
  }

  private RpcStream traceTransaction(Params params) throws RpcError {
    TransactionLocation location = chain.transaction(params.hash(0));
    Block block = location == null ? null : chain.block(location.blockHash());
    if (location == null || block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "transaction not found");
    }
    int index = location.index();
    Tracer tracer = tracer(params.object(1), Replay.subject(block, index));
    return out ->
        Replay.write(
            out, tracer, () -> replay.run(block, index + 1, i -> i == index ? tracer : null));
  }

  private static Block decoded(Params params) throws RpcError {
    try {
      return Block.decode(params.bytes(0).toArray());
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("could not decode block: " + malformed.getMessage());
    }
  }

  /** Returns the traces of all transactions of a block, each with the hash of its own. */
  RpcStream traceBlock(Block block, Map<String, @Nullable Object> options) throws RpcError {
    List<@Nullable Tracer> tracers = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      tracers.add(tracer(options, Replay.subject(block, i)));
    }
    return out -> {
      out.beginArray();
      replay.run(block, tracers.size(), new BlockWriter(out, block, tracers));
      out.endArray();
    };
  }

  /** Writes the trace of one transaction after the other, and keeps none. */
  private record BlockWriter(JsonWriter out, Block block, List<@Nullable Tracer> tracers)
      implements Follower {
    @Override
    public @Nullable Tracer tracer(int index) {
      Tracer tracer = tracers.get(index);
      out.beginObject();
      out.name("txHash");
      out.value(block.transactions().get(index).hash().toString());
      out.name("result");
      if (tracer != null) {
        Replay.begin(out, tracer);
      }
      return tracer;
    }

    @Override
    public void onEnd(int index, Supplier<StateChanges> changes) {
      Tracer tracer = tracers.set(index, null);
      if (tracer != null) {
        Replay.end(out, tracer);
      }
      out.endObject();
    }
  }

  private RpcStream traceCall(Params params) throws RpcError {
    Map<String, @Nullable Object> call = params.object(0);
    Block block = params.requiredHeader(1, chain);
    Map<String, @Nullable Object> options = params.object(2);
    Tracer tracer = tracer(options, new TraceSubject(null, block.number(), null, 0));
    CallSimulator.Overrides overrides =
        OverrideParams.of(options.get("stateOverrides"), options.get("blockOverrides"));
    long nonce = 0;
    if (call.get("from") != null) {
      try (StateReader state = states.stateAt(block.hash())) {
        Account account =
            state == null ? null : state.account(Params.address("from", call.get("from")));
        nonce = account == null ? 0 : account.nonce();
      }
    }
    Transaction transaction =
        CallArguments.transaction(call, chain.config().chainId(), nonce, null);
    Replay.Execution execution =
        options.get("txIndex") == null
            ? () -> simulator.call(transaction, block.hash(), block.header(), overrides, tracer)
            : within(params, options.get("txIndex"), transaction, overrides, tracer);
    return out -> Replay.write(out, tracer, execution);
  }

  /** Returns a call before the transaction of its block that {@code index} names. */
  private Replay.Execution within(
      Params params,
      @Nullable Object index,
      Transaction call,
      CallSimulator.Overrides overrides,
      Tracer tracer)
      throws RpcError {
    Block block = params.requiredBlock(1, chain);
    if (block.number() == 0) {
      throw new RpcError(RpcError.SERVER_ERROR, "no transaction in genesis");
    }
    long count = Params.quantity64("txIndex", index);
    int transactions = block.transactions().size();
    if (count != 0 && Long.compareUnsigned(count, transactions) >= 0) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "transaction index "
              + Long.toUnsignedString(count)
              + " out of range for block "
              + block.hash());
    }
    return () -> {
      try {
        simulator.call(call, block, (int) count, overrides, tracer);
      } catch (InvalidBlockException broken) {
        throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
      }
    };
  }
}
