// SPDX-License-Identifier: Apache-2.0
package com.example.opcount;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.service.component.annotations.Component;

/** Counts how often each instruction is executed: {@code {"tracer": "opcountTracer"}}. */
@Component(property = TracerFactory.NAME + "=opcountTracer")
public final class OpcountTracer implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    Map<String, Integer> counts = new TreeMap<>();
    return new Tracer() {
      @Override
      public boolean tracesSteps() {
        return true;
      }

      @Override
      public void onStep(Step step) {
        counts.merge(step.opcodeName(), 1, Integer::sum);
      }

      @Override
      public Object result() {
        return counts;
      }
    };
  }
}
