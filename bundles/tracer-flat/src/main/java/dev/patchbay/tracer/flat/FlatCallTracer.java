// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.flat;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.tracing.CallFrame;
import dev.patchbay.tracing.CallTreeTracer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells the calls one after the other, each with its place in the tree, as Parity did and geth's
 * {@code flatCallTracer} does.
 */
final class FlatCallTracer extends CallTreeTracer {
  private static final Map<String, String> PARITY_ERRORS =
      Map.of(
          "contract creation code storage out of gas",
          "Out of gas",
          "gas uint64 overflow",
          "Out of gas",
          "max code size exceeded",
          "Out of gas",
          "invalid jump destination",
          "Bad jump destination",
          CallFrame.REVERTED,
          "Reverted",
          "return data out of bounds",
          "Out of bounds",
          "precompiled failed",
          "Built-in failed",
          "invalid input length",
          "Built-in failed");
  private static final Map<String, String> PARITY_PREFIXES =
      Map.of(
          "out of gas", "Out of gas",
          "stack limit reached", "Out of stack",
          "invalid opcode:", "Bad instruction",
          "stack underflow", "Stack underflow");

  private final boolean parityErrors;
  private final boolean precompiles;
  private final TraceSubject subject;

  FlatCallTracer(Map<String, Object> config, TraceSubject subject) {
    super(subject.budget());
    parityErrors = Boolean.TRUE.equals(config.get("convertParityErrors"));
    precompiles = Boolean.TRUE.equals(config.get("includePrecompiles"));
    this.subject = subject;
  }

  @Override
  protected void ended(CallFrame frame, @Nullable CallFrame parent) {
    boolean plain = frame.type() == CallType.CALL || frame.type() == CallType.STATICCALL;
    if (parent != null && plain && !precompiles && context().isPrecompile(frame.to())) {
      parent.calls().remove(parent.calls().size() - 1);
    }
  }

  @Override
  public Object result() {
    List<Object> out = new ArrayList<>();
    CallFrame root = root();
    if (root != null) {
      add(root, List.of(), out);
    }
    return out;
  }

  private void add(CallFrame frame, List<Integer> at, List<Object> out) {
    Map<String, @Nullable Object> item = new LinkedHashMap<>();
    Map<String, Object> action = new LinkedHashMap<>();
    Map<String, Object> result = new LinkedHashMap<>();
    boolean ends = frame.type() == CallType.SELFDESTRUCT;
    if (ends) {
      action.put("address", frame.from().toString());
      action.put("balance", frame.value().toHex());
      action.put("refundAddress", frame.to().toString());
    } else if (frame.creates()) {
      describeCreation(frame, action, result);
    } else {
      describeCall(frame, action, result);
    }
    item.put("action", action);
    Hash blockHash = subject.blockHash();
    item.put("blockHash", blockHash == null ? null : blockHash.toString());
    item.put("blockNumber", subject.blockNumber());
    String error = frame.error();
    if (error != null) {
      item.put("error", parityErrors ? parityError(error) : error);
    }
    // the output of a revert says why
    if (!ends && (error == null || frame.reverted())) {
      item.put("result", result);
    } else if (ends) {
      item.put("result", null);
    }
    item.put("subtraces", frame.calls().size());
    item.put("traceAddress", at);
    Hash transaction = subject.transactionHash();
    item.put("transactionHash", transaction == null ? null : transaction.toString());
    item.put("transactionPosition", subject.transactionIndex());
    item.put("type", ends ? "suicide" : frame.creates() ? "create" : "call");
    out.add(item);
    for (int i = 0; i < frame.calls().size(); i++) {
      List<Integer> below = new ArrayList<>(at);
      below.add(i);
      add(frame.calls().get(i), below, out);
    }
  }

  private static void describeCall(
      CallFrame frame, Map<String, Object> action, Map<String, Object> result) {
    action.put("callType", frame.type().name().toLowerCase(Locale.ROOT));
    action.put("from", frame.from().toString());
    action.put("gas", Hex.quantity(frame.gas()));
    action.put("input", frame.input().toString());
    action.put("to", frame.to().toString());
    action.put("value", frame.type() == CallType.STATICCALL ? "0x0" : frame.value().toHex());
    result.put("gasUsed", Hex.quantity(frame.gasUsed()));
    result.put("output", frame.output().toString());
  }

  private static void describeCreation(
      CallFrame frame, Map<String, Object> action, Map<String, Object> result) {
    action.put("creationMethod", frame.type().name().toLowerCase(Locale.ROOT));
    action.put("from", frame.from().toString());
    action.put("gas", Hex.quantity(frame.gas()));
    action.put("init", frame.input().toString());
    action.put("value", frame.value().toHex());
    if (frame.error() == null) {
      result.put("address", frame.to().toString());
      result.put("code", frame.output().toString());
    }
    result.put("gasUsed", Hex.quantity(frame.gasUsed()));
  }

  private static String parityError(String error) {
    String known = PARITY_ERRORS.get(error);
    if (known != null) {
      return known;
    }
    for (Map.Entry<String, String> prefix : PARITY_PREFIXES.entrySet()) {
      if (error.startsWith(prefix.getKey())) {
        return prefix.getValue();
      }
    }
    return error;
  }
}
