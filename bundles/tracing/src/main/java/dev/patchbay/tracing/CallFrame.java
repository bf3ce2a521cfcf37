// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracing;

import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.RevertReason;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One call of a transaction and those it made. Fields are set while the call runs. Threading: one
 * thread at a time.
 */
public class CallFrame {
  /** The error of a frame that ended by REVERT. */
  public static final String REVERTED = "execution reverted";

  /**
   * A log of the frame.
   *
   * @param log the log
   * @param index how many logs there were in the transaction before
   * @param position how many calls the frame had made before
   */
  private record Position(Log log, int index, int position) {}

  private final CallType type;
  private final Address from;
  private final Address to;
  private final Bytes input;
  private final UInt256 value;
  private final List<CallFrame> calls = new ArrayList<>();
  private final List<Position> logs = new ArrayList<>();
  private long gas;
  private long gasUsed;
  private Bytes output = Bytes.EMPTY;
  private @Nullable String error;

  /** Makes a frame that has just been entered. */
  public CallFrame(CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    this.type = type;
    this.from = from;
    this.to = to;
    this.input = input;
    this.gas = gas;
    this.value = value;
  }

  void setGas(long limit) {
    gas = limit;
  }

  void setGasUsed(long used) {
    gasUsed = used;
  }

  void end(Bytes data, long used, @Nullable String failure) {
    output = data;
    gasUsed = used;
    error = failure;
  }

  void add(Log log, int index) {
    logs.add(new Position(log, index, calls.size()));
  }

  /** Returns what the frame was entered by. */
  public CallType type() {
    return type;
  }

  /** Returns whether the frame creates a contract. */
  public boolean creates() {
    return type == CallType.CREATE || type == CallType.CREATE2;
  }

  /** Returns the caller. */
  public Address from() {
    return from;
  }

  /** Returns the account whose code runs; of a creation the new contract. */
  public Address to() {
    return to;
  }

  /** Returns the call data or init code. */
  public Bytes input() {
    return input;
  }

  /** Returns the value in wei. */
  public UInt256 value() {
    return value;
  }

  /** Returns the gas that the frame could use; of the outermost the gas limit. */
  public long gas() {
    return gas;
  }

  /** Returns the gas that the frame used; of the outermost what the sender pays for. */
  public long gasUsed() {
    return gasUsed;
  }

  /** Returns the output: returned or reverted data, or deployed code. */
  public Bytes output() {
    return output;
  }

  /** Returns why the frame failed; null when it did not. */
  public @Nullable String error() {
    return error;
  }

  /** Returns whether the frame ended by REVERT. */
  public boolean reverted() {
    return REVERTED.equals(error);
  }

  /** Returns the calls that the frame made, in order; may be changed. */
  public List<CallFrame> calls() {
    return calls;
  }

  /**
   * Returns the frame without its calls as geth's {@code callTracer} shows it.
   *
   * @param withLogs whether to show logs: those of a frame that was undone were never written
   */
  public Map<String, @Nullable Object> json(boolean withLogs) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("from", from.toString());
    out.put("gas", Hex.quantity(gas));
    out.put("gasUsed", Hex.quantity(gasUsed));
    if (error == null || !creates()) {
      out.put("to", to.toString());
    }
    out.put("input", input.toString());
    if (!output.isEmpty() && (error == null || reverted())) {
      out.put("output", output.toString());
    }
    if (error != null) {
      out.put("error", error);
      String reason = reverted() ? RevertReason.of(output) : null;
      if (reason != null) {
        out.put("revertReason", reason);
      }
    }
    if (type != CallType.STATICCALL) {
      out.put("value", value.toHex());
    }
    out.put("type", type.name());
    if (withLogs && !logs.isEmpty()) {
      out.put("logs", logs.stream().map(CallFrame::json).toList());
    }
    return out;
  }

  private static Map<String, Object> json(Position position) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("address", position.log.address().toString());
    out.put("topics", position.log.topics().stream().map(Hash::toString).toList());
    out.put("data", position.log.data().toString());
    out.put("index", Hex.quantity(position.index));
    out.put("position", Hex.quantity(position.position));
    return out;
  }
}
