// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.erc7562;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Makes ERC-7562 tracers. */
@Component(property = TracerFactory.NAME + "=erc7562Tracer")
public final class Erc7562TracerFactory implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return new Erc7562Tracer(config, subject.budget());
  }
}
