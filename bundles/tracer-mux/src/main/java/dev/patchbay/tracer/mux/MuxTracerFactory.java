// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.mux;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Hex;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Makes tracers of several others, which are the keys of the configuration. */
@Component(property = TracerFactory.NAME + "=" + MuxTracerFactory.MUX)
public final class MuxTracerFactory implements TracerFactory {
  static final String MUX = "muxTracer";

  /** Programs in JavaScript have limits for each of them. */
  private static final int MAX_TRACERS = 16;

  private final TracerRegistry registry;

  /** Makes the factory. */
  @Activate
  public MuxTracerFactory(@Reference TracerRegistry registry) {
    this.registry = registry;
  }

  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    if (config.isEmpty()) {
      throw new IllegalArgumentException("a muxTracer needs the names of tracers as keys");
    }
    if (config.size() > MAX_TRACERS) {
      throw new IllegalArgumentException(
          "a muxTracer of " + config.size() + " tracers, at most " + MAX_TRACERS);
    }
    Map<String, Tracer> tracers = new LinkedHashMap<>();
    config.forEach(
        (name, options) -> {
          TracerFactory factory = name.startsWith(MUX) ? null : registry.find(name);
          if (factory == null) {
            throw new NotReadyException(
                "tracer "
                    + Hex.shown(name)
                    + " is not installed; installed are "
                    + registry.names());
          }
          Map<String, Object> own = new HashMap<>();
          if (options instanceof Map<?, ?> map) {
            map.forEach((key, value) -> own.put(String.valueOf(key), value));
          } else if (options != null) {
            throw new IllegalArgumentException(
                "the options of "
                    + name
                    + " are not an object: "
                    + Hex.shown(String.valueOf(options)));
          }
          tracers.put(name, factory.create(own, subject));
        });
    return new MuxTracer(tracers);
  }
}
