// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.ScriptableObject;

/**
 * An instruction as {@code step} sees it: the machine before it, and what it costs, which is known
 * only afterwards. So what it changes is kept: the stack, and the memory when it writes there.
 */
final class LogView {
  private static final int PUSH0 = 0x5f;
  private static final int PUSH32 = 0x7f;

  private final Step step;
  private final JsTracer.Frame frame;
  private final int opcode;
  private final String name;
  private final int pc;
  private final long gas;
  private final int depth;
  private final long refund;
  private final UInt256[] stack;
  private final int memorySize;
  private final @Nullable Bytes memory;
  long cost;
  @Nullable String error;

  LogView(Step step, JsTracer.Frame frame) {
    this.step = step;
    this.frame = frame;
    opcode = step.opcode();
    name = step.opcodeName();
    pc = step.pc();
    gas = step.gas();
    depth = step.depth() + 1;
    refund = step.refund();
    stack = new UInt256[step.stackSize()];
    for (int i = 0; i < stack.length; i++) {
      stack[i] = step.stack(i);
    }
    memorySize = step.memorySize();
    memory = writesMemory(opcode) ? step.memory(0, memorySize) : null;
  }

  int opcode() {
    return opcode;
  }

  private static boolean writesMemory(int op) {
    return switch (op) {
      case 0x37, 0x39, 0x3c, 0x3e, 0x52, 0x53, 0x5e -> true;
      default -> false;
    };
  }

  private byte[] memory(int from, int to) {
    if (from < 0 || to < from || to > memorySize) {
      throw new IllegalArgumentException(
          "tracer accessed out of bound memory: available "
              + memorySize
              + ", offset "
              + from
              + ", size "
              + (to - from));
    }
    Bytes bytes = memory == null ? step.memory(from, to - from) : memory.slice(from, to);
    return bytes.toArray();
  }

  private UInt256 peek(int index) {
    if (index < 0 || index >= stack.length) {
      throw new IllegalArgumentException(
          "tracer accessed out of bound stack: size " + stack.length + ", index " + index);
    }
    return stack[index];
  }

  /** Makes the object that shows whichever instruction there is. */
  static ScriptableObject object(Program program, Supplier<LogView> now) {
    ScriptableObject log = program.newObject();
    ScriptableObject op = program.newObject();
    program.method(op, "toNumber", args -> (double) now.get().opcode);
    program.method(op, "toString", args -> now.get().name);
    program.method(op, "isPush", args -> now.get().opcode >= PUSH0 && now.get().opcode <= PUSH32);
    ScriptableObject.putProperty(log, "op", op);
    ScriptableObject stack = program.newObject();
    program.method(stack, "length", args -> (double) now.get().stack.length);
    program.method(
        stack,
        "peek",
        args -> program.numbers().of(now.get().peek(Values.integer(args, 0)).toBigInteger()));
    ScriptableObject.putProperty(log, "stack", stack);
    ScriptableObject memory = program.newObject();
    program.method(memory, "length", args -> (double) now.get().memorySize);
    program.method(
        memory,
        "slice",
        args -> program.bytes(now.get().memory(Values.integer(args, 0), Values.integer(args, 1))));
    program.method(
        memory,
        "getUint",
        args -> {
          int at = Values.integer(args, 0);
          return program.numbers().of(new java.math.BigInteger(1, now.get().memory(at, at + 32)));
        });
    ScriptableObject.putProperty(log, "memory", memory);
    ScriptableObject contract = program.newObject();
    program.method(
        contract, "getCaller", args -> program.bytes(now.get().frame.caller().toArray()));
    program.method(
        contract, "getAddress", args -> program.bytes(now.get().frame.address().toArray()));
    program.method(
        contract, "getValue", args -> program.numbers().of(now.get().frame.value().toBigInteger()));
    program.method(contract, "getInput", args -> program.bytes(now.get().frame.input().toArray()));
    ScriptableObject.putProperty(log, "contract", contract);
    program.method(log, "getPC", args -> (double) now.get().pc);
    program.method(log, "getGas", args -> (double) now.get().gas);
    program.method(log, "getCost", args -> (double) now.get().cost);
    program.method(log, "getDepth", args -> (double) now.get().depth);
    program.method(log, "getRefund", args -> (double) now.get().refund);
    program.method(log, "getError", args -> now.get().error);
    return log;
  }
}
