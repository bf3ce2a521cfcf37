// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.call;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes call tracers. */
@Component(property = TracerFactory.NAME + "=callTracer")
public final class CallTracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new CallTracer(config, subject.budget());
  }
}
