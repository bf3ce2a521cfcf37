// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.prestate;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes prestate tracers. */
@Component(property = TracerFactory.NAME + "=prestateTracer")
public final class PrestateTracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new PrestateTracer(config, subject.budget());
  }
}
