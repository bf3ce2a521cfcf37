// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.flat;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes flat call tracers. */
@Component(property = TracerFactory.NAME + "=flatCallTracer")
public final class FlatCallTracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new FlatCallTracer(config, subject);
  }
}
