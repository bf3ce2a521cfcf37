// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.noop;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import java.util.Map;

/** Follows every instruction and keeps nothing. */
final class NoopTracer implements Tracer {
  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    // following is all that is asked for
  }

  @Override
  public Object result() {
    return Map.of();
  }
}
