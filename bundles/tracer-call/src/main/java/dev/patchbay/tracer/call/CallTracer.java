// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.call;

import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Builds the tree of calls, in the shape of geth's {@code callTracer}. */
final class CallTracer implements Tracer {
  private static final String REVERTED = "execution reverted";
  private static final String ERROR_SELECTOR = "0x08c379a0";

  private final boolean onlyTopCall;
  private final boolean withLog;
  private final Deque<Frame> open = new ArrayDeque<>();
  private @Nullable Frame root;
  private long gasLimit;

  private static final class Frame {
    final Map<String, @Nullable Object> json = new LinkedHashMap<>();
    final List<Frame> calls = new ArrayList<>();
    final List<Map<String, Object>> logs = new ArrayList<>();
    boolean creates;
    boolean failed;
  }

  CallTracer(Map<String, Object> config) {
    onlyTopCall = Boolean.TRUE.equals(config.get("onlyTopCall"));
    withLog = Boolean.TRUE.equals(config.get("withLog"));
  }

  @Override
  public void onTransactionStart(TraceContext context, Transaction transaction, Address from) {
    gasLimit = transaction.gasLimit();
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    if (onlyTopCall && depth > 0) {
      return;
    }
    Frame frame = new Frame();
    frame.creates = type == CallType.CREATE || type == CallType.CREATE2;
    frame.json.put("from", from.toString());
    frame.json.put("gas", Hex.quantity(depth == 0 ? gasLimit : gas));
    frame.json.put("gasUsed", "0x0");
    frame.json.put("to", to.toString());
    frame.json.put("input", input.toString());
    if (type != CallType.STATICCALL) {
      frame.json.put("value", value.toHex());
    }
    frame.json.put("type", type.name());
    Frame parent = open.peek();
    if (parent == null) {
      root = frame;
    } else {
      parent.calls.add(frame);
    }
    open.push(frame);
  }

  @Override
  public void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    if (onlyTopCall && depth > 0) {
      return;
    }
    Frame frame = open.pop();
    frame.json.put("gasUsed", Hex.quantity(gasUsed));
    if (error == null) {
      if (!output.isEmpty()) {
        frame.json.put("output", output.toString());
      }
      return;
    }
    frame.failed = true;
    frame.json.put("error", error);
    if (frame.creates) {
      frame.json.remove("to");
    }
    if (error.equals(REVERTED) && !output.isEmpty()) {
      frame.json.put("output", output.toString());
      String reason = reason(output);
      if (reason != null) {
        frame.json.put("revertReason", reason);
      }
    }
  }

  private static @Nullable String reason(Bytes output) {
    if (output.size() < 68 || !output.slice(0, 4).toString().equals(ERROR_SELECTOR)) {
      return null;
    }
    BigInteger length = new BigInteger(1, output.slice(36, 68).toArray());
    if (length.compareTo(BigInteger.valueOf(output.size() - 68L)) > 0) {
      return null;
    }
    return new String(output.slice(68, 68 + length.intValue()).toArray(), StandardCharsets.UTF_8);
  }

  @Override
  public void onLog(Log log) {
    Frame frame = open.peek();
    if (!withLog || frame == null) {
      return;
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("address", log.address().toString());
    json.put("topics", log.topics().stream().map(Hash::toString).toList());
    json.put("data", log.data().toString());
    json.put("position", Hex.quantity(frame.calls.size()));
    frame.logs.add(json);
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    if (root != null) {
      root.json.put("gasUsed", Hex.quantity(gasUsed));
    }
  }

  @Override
  public @Nullable Object result() {
    return root == null ? null : json(root, false);
  }

  /** Logs of frames that failed, or stand below one that did, were never written. */
  private static Map<String, @Nullable Object> json(Frame frame, boolean undone) {
    boolean gone = undone || frame.failed;
    if (!frame.calls.isEmpty()) {
      frame.json.put("calls", frame.calls.stream().map(call -> json(call, gone)).toList());
    }
    if (!frame.logs.isEmpty() && !gone) {
      frame.json.put("logs", frame.logs);
    }
    return frame.json;
  }
}
