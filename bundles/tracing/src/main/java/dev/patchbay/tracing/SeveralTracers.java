// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracing;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Hands every hook to several tracers; the result is none. Threading: one thread at a time. */
public class SeveralTracers implements Tracer {
  private final List<Tracer> tracers;
  private final List<Tracer> ofSteps;

  /** Takes the tracers, in the order in which they are told. */
  public SeveralTracers(Collection<Tracer> tracers) {
    this.tracers = List.copyOf(tracers);
    this.ofSteps = tracers.stream().filter(Tracer::tracesSteps).toList();
  }

  @Override
  public void onTransactionStart(TraceContext context, Transaction transaction, Address from) {
    tracers.forEach(tracer -> tracer.onTransactionStart(context, transaction, from));
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    tracers.forEach(tracer -> tracer.onTransactionEnd(gasUsed));
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    tracers.forEach(tracer -> tracer.onEnter(depth, type, from, to, input, gas, value));
  }

  @Override
  public void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    tracers.forEach(tracer -> tracer.onExit(depth, output, gasUsed, error, reverted));
  }

  @Override
  public boolean tracesSteps() {
    return !ofSteps.isEmpty();
  }

  @Override
  public void onStep(Step step) {
    ofSteps.forEach(tracer -> tracer.onStep(step));
  }

  @Override
  public void onStepEnd(long gasCost) {
    ofSteps.forEach(tracer -> tracer.onStepEnd(gasCost));
  }

  @Override
  public void onFault(Step step, String error) {
    ofSteps.forEach(tracer -> tracer.onFault(step, error));
  }

  @Override
  public void onLog(Log log) {
    tracers.forEach(tracer -> tracer.onLog(log));
  }

  @Override
  public @Nullable Object result() {
    return null;
  }
}
