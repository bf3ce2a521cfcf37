// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.BadBlock;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.OverrideParams;
import dev.patchbay.rpc.codec.Params;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Methods that follow transactions, blocks and calls. */
final class TraceMethods {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|s|m)");

  private final ChainReader chain;
  private final StateProvider states;
  private final BlockExecutor executor;
  private final CallSimulator simulator;
  private final TracerRegistry tracers;

  TraceMethods(
      ChainReader chain,
      StateProvider states,
      BlockExecutor executor,
      CallSimulator simulator,
      TracerRegistry tracers) {
    this.chain = chain;
    this.states = states;
    this.executor = executor;
    this.simulator = simulator;
    this.tracers = tracers;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    put(m, "debug_traceTransaction", 1, (p, s) -> traceTransaction(new Params(p)));
    put(m, "debug_traceCall", 2, (p, s) -> traceCall(new Params(p)));
    put(m, "debug_traceBlock", 1, (p, s) -> traceBlock(decoded(new Params(p)), new Params(p)));
    put(m, "debug_traceBlockByNumber", 1, (p, s) -> traceKnownBlock(new Params(p)));
    put(m, "debug_traceBlockByHash", 1, (p, s) -> traceKnownBlock(new Params(p)));
    put(m, "debug_traceBadBlock", 1, (p, s) -> traceBlock(bad(new Params(p)), new Params(p)));
    return m;
  }

  /** Puts a method whose parameter {@code options} may name a timeout, as 5s or 500ms. */
  private static void put(
      Map<String, RpcMethod> methods, String name, int options, RpcMethod method) {
    methods.put(
        name,
        RpcMethod.expensive(
            (p, session) -> {
              Object timeout = new Params(p).object(options).get("timeout");
              if (timeout == null) {
                return method.call(p, session);
              }
              try (Deadline ends = Deadline.after(duration(timeout))) {
                return method.call(p, session);
              }
            }));
  }

  private static Duration duration(Object value) throws RpcError {
    Matcher parts = DURATION.matcher(String.valueOf(value));
    if (!parts.matches()) {
      throw RpcError.invalidParams("invalid timeout: " + value + ", expected e.g. 5s or 500ms");
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

  private Tracer tracer(Map<String, @Nullable Object> options, TraceSubject subject)
      throws RpcError {
    Object name = options.get("tracer");
    boolean named = name != null && !name.equals("");
    String wanted = named ? String.valueOf(name) : TracerFactory.DEFAULT;
    TracerFactory factory = tracers.find(wanted);
    if (factory == null) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "tracer " + wanted + " is not installed; installed are " + tracers.names());
    }
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
    try {
      return factory.create(config, subject);
    } catch (IllegalArgumentException invalid) {
      throw RpcError.invalidParams("invalid tracer configuration: " + invalid.getMessage());
    }
  }

  private @Nullable Object traceTransaction(Params params) throws RpcError {
    TransactionLocation location = chain.transaction(params.hash(0));
    Block block = location == null ? null : chain.block(location.blockHash());
    if (location == null || block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "transaction not found");
    }
    int index = location.index();
    Tracer tracer = tracer(params.object(1), subject(block, index));
    replay(block, index + 1, i -> i == index ? tracer : null);
    return result(tracer);
  }

  private static @Nullable Object result(Tracer tracer) throws RpcError {
    try {
      return tracer.result();
    } catch (TracerException failure) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(failure.getMessage()));
    }
  }

  private static TraceSubject subject(Block block, int index) {
    return new TraceSubject(
        block.hash(), block.number(), block.transactions().get(index).hash(), index);
  }

  private void replay(Block block, int count, IntFunction<@Nullable Tracer> tracers)
      throws RpcError {
    if (block.number() == 0) {
      throw new RpcError(RpcError.SERVER_ERROR, "genesis is not traceable");
    }
    try (StateReader state = states.stateAfter(block.header().parentHash())) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state before block " + block.number() + " is not there");
      }
      executor.replay(block, count, state, tracers);
    } catch (InvalidBlockException | TracerException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
  }

  private Object traceKnownBlock(Params params) throws RpcError {
    return traceBlock(params.requiredBlock(0, chain), params);
  }

  private static Block decoded(Params params) throws RpcError {
    try {
      return Block.decode(params.bytes(0).toArray());
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("could not decode block: " + malformed.getMessage());
    }
  }

  private Block bad(Params params) throws RpcError {
    Hash hash = params.hash(0);
    for (BadBlock known : chain.badBlocks()) {
      if (known.block().hash().equals(hash)) {
        return known.block();
      }
    }
    throw new RpcError(RpcError.SERVER_ERROR, "bad block " + hash + " not found");
  }

  private Object traceBlock(Block block, Params params) throws RpcError {
    List<Tracer> all = new ArrayList<>();
    for (int i = 0; i < block.transactions().size(); i++) {
      all.add(tracer(params.object(1), subject(block, i)));
    }
    replay(block, all.size(), all::get);
    List<Object> out = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      Map<String, @Nullable Object> item = new LinkedHashMap<>();
      item.put("txHash", block.transactions().get(i).hash().toString());
      item.put("result", result(all.get(i)));
      out.add(item);
    }
    return out;
  }

  private @Nullable Object traceCall(Params params) throws RpcError {
    Map<String, @Nullable Object> call = params.object(0);
    Block block = params.requiredBlock(1, chain);
    Map<String, @Nullable Object> options = params.object(2);
    Tracer tracer = tracer(options, new TraceSubject(null, block.number(), null, 0));
    long nonce = 0;
    if (call.get("from") != null) {
      try (StateReader state = states.stateAfter(block.hash())) {
        Account account =
            state == null ? null : state.account(Params.address("from", call.get("from")));
        nonce = account == null ? 0 : account.nonce();
      }
    }
    Transaction transaction =
        CallArguments.transaction(call, chain.config().chainId(), nonce, null);
    try {
      simulator.call(
          transaction,
          block.hash(),
          block.header(),
          OverrideParams.of(options.get("stateOverrides"), options.get("blockOverrides")),
          tracer);
    } catch (InvalidTransactionException | IllegalArgumentException | TracerException failure) {
      throw new RpcError(RpcError.SERVER_ERROR, "tracing failed: " + failure.getMessage());
    }
    return result(tracer);
  }
}
