// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Bytes;
import org.jspecify.annotations.Nullable;

/** Keeps what a transaction returned. */
final class OutputTracer implements Tracer {
  /** The output is kept as bytes, and each byte as two digits of the result. */
  private static final long OUTPUT_FACTOR = 3;

  private final TraceBudget budget;
  private Bytes output = Bytes.EMPTY;

  OutputTracer(TraceBudget budget) {
    this.budget = budget;
  }

  @Override
  public void onExit(
      int depth, Bytes data, long gasUsed, @Nullable String error, boolean reverted) {
    if (depth == 0) {
      budget.charge(OUTPUT_FACTOR * data.size());
      output = data;
    }
  }

  @Override
  public Object result() {
    return output.toString();
  }
}
