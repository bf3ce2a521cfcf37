// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Bytes;
import org.jspecify.annotations.Nullable;

/** Keeps what a transaction returned. */
final class OutputTracer implements Tracer {
  private final TraceBudget budget;
  private Bytes output = Bytes.EMPTY;

  OutputTracer(TraceBudget budget) {
    this.budget = budget;
  }

  @Override
  public void onExit(
      int depth, Bytes data, long gasUsed, @Nullable String error, boolean reverted) {
    if (depth == 0) {
      budget.chargeData(data);
      output = data;
    }
  }

  @Override
  public Object result() {
    return output.toString();
  }
}
