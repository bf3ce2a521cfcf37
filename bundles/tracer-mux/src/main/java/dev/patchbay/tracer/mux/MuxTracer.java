// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.mux;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.tracing.SeveralTracers;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Several tracers by name. */
final class MuxTracer extends SeveralTracers {
  private final Map<String, Tracer> tracers;

  MuxTracer(Map<String, Tracer> tracers) {
    super(tracers.values());
    this.tracers = new LinkedHashMap<>(tracers);
  }

  @Override
  public Object result() {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    tracers.forEach((name, tracer) -> out.put(name, tracer.result()));
    return out;
  }
}
