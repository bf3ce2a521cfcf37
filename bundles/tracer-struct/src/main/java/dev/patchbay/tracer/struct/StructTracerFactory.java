// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.struct;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes opcode tracers: the default of {@code debug_traceTransaction}. */
@Component(property = TracerFactory.NAME + "=" + TracerFactory.DEFAULT)
public final class StructTracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new StructTracer(config, subject.budget());
  }
}
