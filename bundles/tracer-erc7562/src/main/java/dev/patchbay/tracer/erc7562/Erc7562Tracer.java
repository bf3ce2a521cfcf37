// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.erc7562;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.tracing.CallFrame;
import dev.patchbay.tracing.CallTreeTracer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells, call by call, the opcodes, slots and contracts that a user operation uses, by which
 * bundlers check the validation rules of ERC-7562; the shape is that of geth's {@code
 * erc7562Tracer}.
 */
final class Erc7562Tracer extends CallTreeTracer {
  private static final int KECCAK256 = 0x20;
  private static final int ISZERO = 0x15;
  private static final int EXTCODESIZE = 0x3b;
  private static final int EXTCODECOPY = 0x3c;
  private static final int EXTCODEHASH = 0x3f;
  private static final int SLOAD = 0x54;
  private static final int SSTORE = 0x55;
  private static final int TLOAD = 0x5c;
  private static final int TSTORE = 0x5d;
  private static final int GAS = 0x5a;
  private static final int REVERT = 0xfd;
  private static final int RETURN = 0xf3;

  /** What a frame keeps beyond one of the call tracer. */
  private static final long FRAME_BYTES = 1_500;

  /** An entry of one of its maps or lists, and what the result shows of it. */
  private static final long ENTRY_BYTES = 500;

  /** Arithmetic, comparison, and what only moves words. */
  private static final int[] IGNORED = {
    0x50, 0x01, 0x03, 0x02, 0x04, 0x14, 0x10, 0x11, 0x12, 0x13, 0x1b, 0x1c, 0x16, 0x17, 0x19, 0x15
  };

  private final BitSet ignored = new BitSet(256);
  private final boolean withLog;

  /** The instruction before in the same frame or below; -1 for none. */
  private int last = -1;

  private @Nullable UInt256 lastTop;

  Erc7562Tracer(Map<String, Object> config, TraceBudget budget) {
    super(budget);
    withLog = Boolean.TRUE.equals(config.get("withLog"));
    Object given = config.get("ignoredOpcodes");
    if (given == null) {
      Arrays.stream(IGNORED).forEach(ignored::set);
      ignored.set(0x5f, 0x9f);
    } else if (given instanceof Map<?, ?> map) {
      map.keySet().forEach(key -> ignored.set(opcode(key)));
    } else if (given instanceof List<?> list) {
      list.forEach(item -> ignored.set(opcode(item)));
    } else {
      throw new IllegalArgumentException("ignoredOpcodes must be an object or a list");
    }
  }

  private static int opcode(@Nullable Object value) {
    String text = String.valueOf(value);
    try {
      int opcode = Integer.decode(text);
      if (opcode >= 0 && opcode < 256) {
        return opcode;
      }
    } catch (NumberFormatException malformed) {
      // said below
    }
    throw new IllegalArgumentException("ignoredOpcodes: " + Hex.shown(text) + " is not an opcode");
  }

  @Override
  protected CallFrame frame(
      CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    budget().charge(FRAME_BYTES);
    return new Erc7562Frame(type, from, to, input, gas, value);
  }

  @Override
  public void onLog(Log log) {
    if (withLog) {
      super.onLog(log);
    }
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    if (!(current() instanceof Erc7562Frame frame)) {
      return;
    }
    int op = step.opcode();
    if (op == REVERT || op == RETURN) {
      last = -1;
    }
    if (readsCode(last) && lastTop != null && !(last == EXTCODESIZE && op == ISZERO)) {
      budget().charge(ENTRY_BYTES);
      frame.externalCode.add(Address.ofWord(lastTop).toString());
    }
    recordContractSize(step, op, frame);
    if (last == GAS && !calls(op)) {
      count(frame.opcodes, GAS);
    }
    if (op != GAS && !ignored.get(op)) {
      count(frame.opcodes, op);
    }
    recordStorage(step, op, frame);
    recordPreimage(step, op);
    last = op;
    lastTop = step.stackSize() > 0 ? step.stack(0) : null;
  }

  private <K> void count(Map<K, Integer> counts, K key) {
    if (counts.merge(key, 1, Integer::sum) == 1) {
      budget().charge(ENTRY_BYTES);
    }
  }

  private static boolean readsCode(int op) {
    return op == EXTCODESIZE || op == EXTCODECOPY || op == EXTCODEHASH;
  }

  private static boolean calls(int op) {
    return op == 0xf1 || op == 0xf2 || op == 0xf4 || op == 0xfa;
  }

  private void recordContractSize(Step step, int op, Erc7562Frame frame) {
    int index = readsCode(op) ? 0 : calls(op) ? 1 : -1;
    if (index < 0 || step.stackSize() <= index) {
      return;
    }
    UInt256 word = step.stack(index);
    boolean allowed = word.compareTo(UInt256.of(10)) < 0 && !word.isZero();
    if (!allowed) {
      frame.contractSizes.computeIfAbsent(
          Address.ofWord(word),
          address -> {
            budget().charge(ENTRY_BYTES);
            return new Erc7562Frame.ContractSize(context().code(address).size(), op);
          });
    }
  }

  private void recordStorage(Step step, int op, Erc7562Frame frame) {
    boolean touches = op == SLOAD || op == SSTORE || op == TLOAD || op == TSTORE;
    if (!touches || step.stackSize() < 1) {
      return;
    }
    UInt256 key = step.stack(0);
    String slot = key.toHash().toString();
    switch (op) {
      case SLOAD -> {
        // the value before the operation, unless the operation has written it
        if (!frame.writes.containsKey(slot)) {
          frame.reads.computeIfAbsent(
              slot,
              unread -> {
                budget().charge(ENTRY_BYTES);
                return List.of(step.storage(key).toHash().toString());
              });
        }
      }
      case SSTORE -> count(frame.writes, slot);
      case TLOAD -> count(frame.transientReads, slot);
      default -> count(frame.transientWrites, slot);
    }
  }

  private void recordPreimage(Step step, int op) {
    if (op != KECCAK256 || step.stackSize() < 2 || !(root() instanceof Erc7562Frame root)) {
      return;
    }
    UInt256 offset = step.stack(0);
    UInt256 length = step.stack(1);
    boolean affordable =
        length.fitsLong()
            && length.longValue() >= 0
            && length.longValue() <= step.gas()
            && offset.fitsLong()
            && offset.longValue() >= 0
            && offset.longValue() <= Integer.MAX_VALUE / 2;
    if (affordable) {
      Bytes preimage = step.memory((int) offset.longValue(), (int) length.longValue());
      if (root.preimages.add(preimage)) {
        budget().charge(ENTRY_BYTES);
        budget().chargeData(preimage);
      }
    }
  }

  @Override
  public @Nullable Object result() {
    return root() instanceof Erc7562Frame root ? json(root, false) : null;
  }

  private Map<String, @Nullable Object> json(Erc7562Frame frame, boolean undone) {
    boolean gone = undone || frame.error() != null;
    Map<String, @Nullable Object> out = frame.tell(withLog && !gone);
    if (!frame.calls().isEmpty()) {
      out.put(
          "calls", frame.calls().stream().map(call -> json((Erc7562Frame) call, gone)).toList());
    }
    return out;
  }
}
