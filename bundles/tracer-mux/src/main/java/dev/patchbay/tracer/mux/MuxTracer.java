// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.mux;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Hands every hook to several tracers. */
final class MuxTracer implements Tracer {
  private final Map<String, Tracer> tracers;
  private final List<Tracer> ofSteps;

  MuxTracer(Map<String, Tracer> tracers) {
    this.tracers = new LinkedHashMap<>(tracers);
    this.ofSteps = tracers.values().stream().filter(Tracer::tracesSteps).toList();
  }

  @Override
  public void onTransactionStart(TraceContext context, Transaction transaction, Address from) {
    tracers.values().forEach(tracer -> tracer.onTransactionStart(context, transaction, from));
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    tracers.values().forEach(tracer -> tracer.onTransactionEnd(gasUsed));
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    tracers.values().forEach(tracer -> tracer.onEnter(depth, type, from, to, input, gas, value));
  }

  @Override
  public void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    tracers.values().forEach(tracer -> tracer.onExit(depth, output, gasUsed, error, reverted));
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
    tracers.values().forEach(tracer -> tracer.onLog(log));
  }

  @Override
  public Object result() {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    tracers.forEach((name, tracer) -> out.put(name, tracer.result()));
    return out;
  }
}
