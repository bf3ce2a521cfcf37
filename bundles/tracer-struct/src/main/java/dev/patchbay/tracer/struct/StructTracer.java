// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.struct;

import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.StreamingTracer;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Records every instruction with stack, storage and, when asked for, memory (execution-apis,
 * debug_traceTransaction).
 */
final class StructTracer implements StreamingTracer {
  private static final int SLOAD = 0x54;
  private static final int SSTORE = 0x55;

  /** A step, without the items of its lists. */
  private static final long STEP_BYTES = 600;

  /** A word of the stack or of the memory, as text. */
  private static final long WORD_BYTES = 130;

  /** A slot that was read or written: its key and its value, as text. */
  private static final long SLOT_BYTES = 350;

  private final TraceBudget budget;

  private final boolean memory;
  private final boolean stack;
  private final boolean storage;
  private final boolean returnData;

  /** Steps that are told; the rest is executed, and left out. */
  private final int limit;

  private final List<Map<String, @Nullable Object>> logs = new ArrayList<>();
  private final Map<Address, Map<String, String>> slots = new HashMap<>();
  private @Nullable Map<String, @Nullable Object> last;
  private @Nullable JsonWriter out;

  /** What {@link #last} takes when it is kept. */
  private long lastBytes;

  private int count;
  private long gas;
  private boolean failed;
  private Bytes output = Bytes.EMPTY;

  StructTracer(Map<String, Object> config, TraceBudget budget) {
    this.budget = budget;
    memory = flag(config, "enableMemory");
    stack = !flag(config, "disableStack");
    storage = !flag(config, "disableStorage");
    returnData = flag(config, "enableReturnData");
    Object configured = config.get("limit");
    limit =
        configured instanceof Number number && number.intValue() > 0
            ? number.intValue()
            : Integer.MAX_VALUE;
  }

  private static boolean flag(Map<String, Object> config, String name) {
    Object value = config.get(name);
    if (value != null && !(value instanceof Boolean)) {
      throw new IllegalArgumentException(
          name + " must be a boolean, not " + Hex.shown(String.valueOf(value)));
    }
    return Boolean.TRUE.equals(value);
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    told();
    if (count >= limit) {
      return;
    }
    count++;
    lastBytes = STEP_BYTES;
    Map<String, @Nullable Object> entry = new LinkedHashMap<>();
    entry.put("pc", step.pc());
    entry.put("op", step.opcodeName());
    entry.put("gas", step.gas());
    entry.put("gasCost", 0L);
    entry.put("depth", step.depth() + 1);
    if (stack) {
      List<String> items = new ArrayList<>();
      for (int i = step.stackSize() - 1; i >= 0; i--) {
        items.add(step.stack(i).toHex());
      }
      entry.put("stack", items);
      lastBytes += WORD_BYTES * items.size();
    }
    if (memory && step.memorySize() > 0) {
      List<String> words = new ArrayList<>();
      for (int at = 0; at < step.memorySize(); at += 32) {
        words.add(step.memory(at, 32).toString());
      }
      entry.put("memory", words);
      lastBytes += WORD_BYTES * words.size();
    }
    if (returnData && !step.returnData().isEmpty()) {
      entry.put("returnData", step.returnData().toString());
      lastBytes += 2L * step.returnData().size();
    }
    if (storage) {
      recordStorage(step, entry);
    }
    if (step.refund() != 0) {
      entry.put("refund", step.refund());
    }
    last = entry;
  }

  /** Writes, or keeps, the step that has ended. */
  private void told() {
    Map<String, @Nullable Object> entry = last;
    last = null;
    if (entry == null) {
      return;
    }
    JsonWriter writer = out;
    if (writer != null) {
      writer.value(entry);
    } else {
      budget.charge(lastBytes);
      logs.add(entry);
    }
  }

  @Override
  public void begin(JsonWriter writer) {
    out = writer;
    writer.beginObject();
    writer.name("structLogs");
    writer.beginArray();
  }

  @Override
  public void end() {
    told();
    JsonWriter writer = Objects.requireNonNull(out, "begin() was not called");
    writer.endArray();
    writer.name("gas");
    writer.value(gas);
    writer.name("failed");
    writer.value(failed);
    writer.name("returnValue");
    writer.value(output.toString());
    writer.endObject();
  }

  private void recordStorage(Step step, Map<String, @Nullable Object> entry) {
    boolean load = step.opcode() == SLOAD && step.stackSize() >= 1;
    boolean store = step.opcode() == SSTORE && step.stackSize() >= 2;
    if (!load && !store) {
      return;
    }
    UInt256 key = step.stack(0);
    UInt256 value = load ? step.storage(key) : step.stack(1);
    Map<String, String> known = slots.computeIfAbsent(step.address(), a -> new TreeMap<>());
    if (known.put(key.toHash().toString(), value.toHash().toString()) == null) {
      budget.charge(SLOT_BYTES);
    }
    entry.put("storage", new TreeMap<>(known));
    lastBytes += SLOT_BYTES * known.size();
  }

  @Override
  public void onStepEnd(long gasCost) {
    if (last != null) {
      last.put("gasCost", gasCost);
    }
  }

  @Override
  public void onFault(Step step, String error) {
    if (last != null) {
      last.put("error", error);
    }
  }

  @Override
  public void onExit(
      int depth, Bytes data, long gasUsed, @Nullable String error, boolean reverted) {
    if (depth == 0) {
      output = data;
      failed = error != null;
    }
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    gas = gasUsed;
  }

  @Override
  public Object result() {
    told();
    Map<String, @Nullable Object> trace = new LinkedHashMap<>();
    trace.put("gas", gas);
    trace.put("failed", failed);
    trace.put("returnValue", output.toString());
    trace.put("structLogs", logs);
    return trace;
  }
}
