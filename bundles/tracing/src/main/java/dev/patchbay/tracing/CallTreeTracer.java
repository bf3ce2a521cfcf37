// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracing;

import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Builds the tree of calls; what is made of it is left to subclasses. Threading: one thread at a
 * time.
 */
public abstract class CallTreeTracer implements Tracer {
  /** A frame and what a result shows of it, without data. */
  private static final long FRAME_BYTES = 1_500;

  private static final long LOG_BYTES = 1_000;

  private final TraceBudget budget;
  private final Deque<CallFrame> open = new ArrayDeque<>();
  private @Nullable CallFrame root;
  private @Nullable TraceContext context;
  private long gasLimit;
  private int logs;

  /**
   * Creates a tracer.
   *
   * @param budget what the tree is counted in; a subclass counts what it keeps beyond
   */
  protected CallTreeTracer(TraceBudget budget) {
    this.budget = budget;
  }

  /** Returns what the trace is counted in. */
  protected final TraceBudget budget() {
    return budget;
  }

  /** Makes a frame that is entered; a subclass may keep more with it. */
  protected CallFrame frame(
      CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    return new CallFrame(type, from, to, input, gas, value);
  }

  /** Returns whether calls at a depth are followed; 0 is the outermost. */
  protected boolean follows(int depth) {
    return true;
  }

  /** Called when a frame has ended; it stands in its parent already. */
  protected void ended(CallFrame frame, @Nullable CallFrame parent) {}

  /** Returns the outermost frame; null before it is entered. */
  protected final @Nullable CallFrame root() {
    return root;
  }

  /** Returns the frame that runs; null when none does. */
  protected final @Nullable CallFrame current() {
    return open.peek();
  }

  /** Returns what can be asked while the transaction runs. */
  protected final TraceContext context() {
    return Objects.requireNonNull(context, "the transaction has not started");
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction transaction, Address from) {
    context = asked;
    gasLimit = transaction.gasLimit();
  }

  @Override
  public final void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    if (!follows(depth)) {
      return;
    }
    // its place in the tree may be shown as one number for each level
    budget.charge(FRAME_BYTES + Integer.BYTES * (long) depth);
    budget.chargeData(input);
    CallFrame frame = frame(type, from, to, input, gas, value);
    CallFrame parent = open.peek();
    if (parent == null) {
      root = frame;
      frame.setGas(gasLimit);
    } else {
      parent.calls().add(frame);
    }
    open.push(frame);
  }

  @Override
  public final void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    if (!follows(depth)) {
      return;
    }
    budget.chargeData(output);
    CallFrame frame = open.pop();
    frame.end(output, gasUsed, error);
    ended(frame, open.peek());
  }

  @Override
  public void onLog(Log log) {
    CallFrame frame = open.peek();
    if (frame != null) {
      budget.charge(LOG_BYTES);
      budget.chargeData(log.data());
      frame.add(log, logs);
    }
    logs++;
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    if (root != null) {
      root.setGasUsed(gasUsed);
    }
  }
}
