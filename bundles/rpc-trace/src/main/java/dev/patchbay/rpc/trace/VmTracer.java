// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells every instruction with what it left behind, OpenEthereum's {@code vmTrace}. What an
 * instruction pushed is seen when the next of its frame begins.
 */
final class VmTracer implements Tracer {
  private static final int SSTORE = 0x55;

  /** An operation and its effect, without words and data. */
  private static final long OPERATION_BYTES = 900;

  /** A word as text. */
  private static final long WORD_BYTES = 130;

  private static final long FRAME_BYTES = 500;

  private final TraceBudget budget;

  private final Deque<Frame> open = new ArrayDeque<>();
  private @Nullable TraceContext context;
  private @Nullable Map<String, @Nullable Object> root;

  private static final class Frame {
    final Map<String, @Nullable Object> trace = new LinkedHashMap<>();
    final List<Object> operations = new ArrayList<>();
    @Nullable Map<String, @Nullable Object> last;
    int lastOpcode;
    int memoryOffset;
    int memoryLength;
    @Nullable Object store;
    long gas;
  }

  VmTracer(TraceBudget budget) {
    this.budget = budget;
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction transaction, Address from) {
    context = asked;
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    Frame frame = new Frame();
    frame.gas = gas;
    boolean creates = type == CallType.CREATE || type == CallType.CREATE2;
    Bytes code = creates || context == null ? input : context.code(to);
    budget.charge(FRAME_BYTES + 2L * code.size());
    frame.trace.put("code", code.toString());
    frame.trace.put("ops", frame.operations);
    Frame parent = open.peek();
    if (parent == null) {
      root = frame.trace;
    } else if (parent.last != null && !code.isEmpty()) {
      parent.last.put("sub", frame.trace);
    }
    open.push(frame);
  }

  @Override
  public void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    Frame frame = open.pop();
    if (frame.last != null) {
      frame.last.put(
          "ex", error == null || reverted ? effect(frame, null, frame.gas - gasUsed) : null);
    }
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    Frame frame = open.peek();
    if (frame == null) {
      return;
    }
    if (frame.last != null) {
      frame.last.put("ex", effect(frame, step, step.gas()));
    }
    int words = pushes(step.opcode()) + (step.opcode() == SSTORE ? 2 : 0);
    budget.charge(OPERATION_BYTES + WORD_BYTES * words);
    Map<String, @Nullable Object> operation = new LinkedHashMap<>();
    operation.put("cost", 0L);
    operation.put("ex", null);
    operation.put("pc", step.pc());
    operation.put("sub", null);
    operation.put("op", step.opcodeName());
    frame.operations.add(operation);
    frame.last = operation;
    frame.lastOpcode = step.opcode();
    frame.store = null;
    frame.memoryLength = 0;
    if (step.opcode() == SSTORE && step.stackSize() >= 2) {
      frame.store = Map.of("key", step.stack(0).toHex(), "val", step.stack(1).toHex());
    }
    noteMemory(step, frame);
  }

  private static void noteMemory(Step step, Frame frame) {
    switch (step.opcode()) {
      case 0x52 -> note(step, frame, 0, -1, 32);
      case 0x53 -> note(step, frame, 0, -1, 1);
      case 0x37, 0x39, 0x3e, 0x5e -> note(step, frame, 0, 2, 0);
      case 0x3c -> note(step, frame, 1, 3, 0);
      case 0xf1, 0xf2 -> note(step, frame, 5, 6, 0);
      case 0xf4, 0xfa -> note(step, frame, 4, 5, 0);
      default -> {
        // writes no memory
      }
    }
  }

  private static void note(Step step, Frame frame, int offset, int length, int fixed) {
    if (step.stackSize() <= Math.max(offset, length)) {
      return;
    }
    UInt256 at = step.stack(offset);
    UInt256 size = length < 0 ? UInt256.of(fixed) : step.stack(length);
    boolean small = at.fitsLong() && size.fitsLong();
    if (small
        && at.longValue() >= 0
        && at.longValue() < 1 << 30
        && size.longValue() >= 0
        && size.longValue() < 1 << 30) {
      frame.memoryOffset = (int) at.longValue();
      frame.memoryLength = (int) size.longValue();
    }
  }

  @Override
  public void onStepEnd(long gasCost) {
    Frame frame = open.peek();
    if (frame != null && frame.last != null) {
      frame.last.put("cost", gasCost);
    }
  }

  private Map<String, @Nullable Object> effect(Frame frame, @Nullable Step after, long gas) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    Map<String, Object> memory = null;
    List<String> pushed = new ArrayList<>();
    if (after != null) {
      if (frame.memoryLength > 0 && frame.memoryOffset + frame.memoryLength <= after.memorySize()) {
        budget.charge(OPERATION_BYTES + 2L * frame.memoryLength);
        memory = new LinkedHashMap<>();
        memory.put("data", after.memory(frame.memoryOffset, frame.memoryLength).toString());
        memory.put("off", frame.memoryOffset);
      }
      int count = Math.min(pushes(frame.lastOpcode), after.stackSize());
      for (int i = count - 1; i >= 0; i--) {
        pushed.add(after.stack(i).toHex());
      }
    }
    out.put("mem", memory);
    out.put("push", pushed);
    out.put("store", frame.store);
    out.put("used", gas);
    return out;
  }

  /** Returns how many items of the stack an instruction has written. */
  private static int pushes(int op) {
    if (op >= 0x80 && op <= 0x8f) {
      return op - 0x7e; // DUPn: n + 1
    }
    if (op >= 0x90 && op <= 0x9f) {
      return op - 0x8e; // SWAPn: n + 1
    }
    return switch (op) {
      case 0x00,
          0x37,
          0x39,
          0x3c,
          0x3e,
          0x50,
          0x52,
          0x53,
          0x55,
          0x56,
          0x57,
          0x5b,
          0x5d,
          0x5e,
          0xa0,
          0xa1,
          0xa2,
          0xa3,
          0xa4,
          0xf3,
          0xfd,
          0xfe,
          0xff ->
          0;
      default -> 1;
    };
  }

  @Override
  public @Nullable Object result() {
    return root;
  }
}
