// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.IntrinsicGas;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.ScriptableObject;

/**
 * Calls the functions of a program as geth does: {@code setup}, {@code step} and {@code fault} with
 * a log and the state, {@code enter} and {@code exit} for inner calls, and {@code result}.
 */
final class JsTracer implements Tracer {
  private static final int REVERT = 0xfd;

  private final Program program;
  private final TraceSubject subject;
  private final boolean ofSteps;
  private final boolean ofCalls;
  private final Deque<Frame> frames = new ArrayDeque<>();
  private @Nullable TraceContext context;
  private @Nullable Transaction transaction;
  private @Nullable Frame root;
  private Bytes output = Bytes.EMPTY;
  private @Nullable String error;
  private long intrinsicGas;
  private long gasUsed;

  // the instruction that has begun
  private @Nullable LogView log;
  private @Nullable ScriptableObject logObject;
  private @Nullable ScriptableObject state;

  /** A call, as {@code log.contract} and {@code enter} show it. */
  record Frame(
      CallType type,
      Address caller,
      Address address,
      Address from,
      Address to,
      Bytes input,
      long gas,
      UInt256 value) {}

  JsTracer(Sandbox sandbox, String text, Map<String, Object> config, TraceSubject subject) {
    this.subject = subject;
    program = new Program(sandbox, text, config, this::context);
    ofSteps = program.has("step");
    ofCalls = program.has("enter");
  }

  private TraceContext context() {
    if (context == null) {
      throw new IllegalArgumentException("there is no state yet");
    }
    return context;
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction started, Address from) {
    context = asked;
    transaction = started;
    intrinsicGas = IntrinsicGas.of(started, asked.block().fork());
  }

  @Override
  public void onTransactionEnd(long used) {
    gasUsed = used;
  }

  // ---- calls

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    Frame parent = frames.peek();
    boolean borrows = type == CallType.DELEGATECALL || type == CallType.CALLCODE;
    boolean delegates = type == CallType.DELEGATECALL && parent != null;
    Frame frame =
        new Frame(
            type,
            delegates ? parent.caller : from,
            borrows && parent != null ? parent.address : to,
            from,
            to,
            input,
            gas,
            delegates ? parent.value : value);
    frames.push(frame);
    if (depth == 0) {
      root = frame;
    } else if (ofCalls) {
      program.call("enter", js -> new Object[] {enterView(frame)});
    }
  }

  private ScriptableObject enterView(Frame frame) {
    ScriptableObject view = program.newObject();
    program.method(view, "getType", args -> frame.type.name());
    program.method(view, "getFrom", args -> program.bytes(frame.from.toArray()));
    program.method(view, "getTo", args -> program.bytes(frame.to.toArray()));
    program.method(view, "getInput", args -> program.bytes(frame.input.toArray()));
    program.method(view, "getGas", args -> (double) frame.gas);
    program.method(
        view,
        "getValue",
        args ->
            frame.type == CallType.STATICCALL || frame.type == CallType.DELEGATECALL
                ? null
                : number(frame.value));
    return view;
  }

  private BigNumber number(UInt256 value) {
    return program.numbers().of(value.toBigInteger());
  }

  @Override
  public void onExit(int depth, Bytes data, long used, @Nullable String failure, boolean reverted) {
    frames.pop();
    if (depth == 0) {
      output = data;
      error = failure;
    } else if (ofCalls) {
      program.call(
          "exit",
          js -> {
            ScriptableObject view = program.newObject();
            program.method(view, "getGasUsed", args -> (double) used);
            program.method(view, "getOutput", args -> program.bytes(data.toArray()));
            program.method(view, "getError", args -> failure);
            return new Object[] {view};
          });
    }
  }

  // ---- instructions

  @Override
  public boolean tracesSteps() {
    return ofSteps;
  }

  @Override
  public void onStep(Step step) {
    log = new LogView(step, Objects.requireNonNull(frames.peek()));
  }

  @Override
  public void onStepEnd(long gasCost) {
    LogView view = Objects.requireNonNull(log);
    view.cost = gasCost;
    callWithLog("step");
    if (view.opcode() == REVERT) {
      view.error = "execution reverted";
      callWithLog("fault");
    }
  }

  /** What fails before it is charged is told to {@code step}, the rest to {@code fault}. */
  @Override
  public void onFault(Step step, String failure) {
    LogView view = Objects.requireNonNull(log);
    boolean uncharged = failure.startsWith("out of gas") || failure.startsWith("stack ");
    if (uncharged) {
      view.error = failure;
      callWithLog("step");
    } else {
      callWithLog("step");
      view.error = failure;
      callWithLog("fault");
    }
  }

  private void callWithLog(String function) {
    program.call(function, js -> new @Nullable Object[] {logObject(), stateObject()});
  }

  private ScriptableObject logObject() {
    ScriptableObject known = logObject;
    if (known == null) {
      known = LogView.object(program, () -> Objects.requireNonNull(log));
      logObject = known;
    }
    return known;
  }

  private ScriptableObject stateObject() {
    ScriptableObject known = state;
    if (known == null) {
      ScriptableObject made = program.newObject();
      program.method(made, "getBalance", args -> number(context().balance(address(args))));
      program.method(made, "getNonce", args -> (double) context().nonce(address(args)));
      program.method(
          made, "getCode", args -> program.bytes(context().code(address(args)).toArray()));
      program.method(made, "exists", args -> context().exists(address(args)));
      program.method(
          made,
          "getState",
          args ->
              program.bytes(
                  context()
                      .storage(address(args), Values.word(Values.argument(args, 1)))
                      .toArray()));
      state = made;
      known = made;
    }
    return known;
  }

  private static Address address(Object[] args) {
    return Values.address(Values.argument(args, 0));
  }

  // ---- result

  @Override
  public @Nullable Object result() {
    return program.call("result", js -> new @Nullable Object[] {contextObject(), stateObject()});
  }

  private ScriptableObject contextObject() {
    ScriptableObject out = program.newObject();
    Frame outer = root;
    Transaction tx = transaction;
    if (outer == null || tx == null) {
      return out;
    }
    put(out, "type", outer.type.name());
    put(out, "from", program.bytes(outer.from.toArray()));
    put(out, "to", program.bytes(outer.to.toArray()));
    put(out, "input", program.bytes(outer.input.toArray()));
    put(out, "gas", (double) tx.gasLimit());
    put(out, "gasUsed", (double) gasUsed);
    put(out, "gasPrice", number(tx.effectiveGasPrice(context().block().baseFee())));
    put(out, "intrinsicGas", (double) intrinsicGas);
    put(out, "value", number(outer.value));
    put(out, "block", (double) context().block().number());
    put(out, "coinbase", program.bytes(context().block().coinbase().toArray()));
    put(out, "time", String.valueOf(context().block().timestamp()));
    put(out, "output", program.bytes(output.toArray()));
    if (error != null) {
      put(out, "error", error);
    }
    Hash blockHash = subject.blockHash();
    if (blockHash != null) {
      put(out, "blockHash", program.bytes(blockHash.toArray()));
      put(out, "txIndex", (double) subject.transactionIndex());
    }
    Hash hash = subject.transactionHash();
    if (hash != null) {
      put(out, "txHash", program.bytes(hash.toArray()));
    }
    return out;
  }

  private static void put(ScriptableObject object, String name, Object value) {
    ScriptableObject.putProperty(object, name, value);
  }
}
