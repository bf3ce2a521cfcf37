// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.fourbyte;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes 4byte tracers. */
@Component(property = TracerFactory.NAME + "=4byteTracer")
public final class FourByteTracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new FourByteTracer(subject.budget());
  }
}
