// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerEngine;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.binding.ConfigurationValues;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Hashtable;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes tracers of programs in JavaScript, and one by name: {@code callTracerLegacy}. */
@Capability(
    namespace = "osgi.service",
    attribute =
        "objectClass:List<String>=\""
            + "dev.patchbay.api.tracing.TracerEngine,"
            + "dev.patchbay.api.tracing.TracerFactory\"")
@Component(
    name = "dev.patchbay.tracer.js",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = JsTracerEngine.Config.class)
public final class JsTracerEngine implements TracerEngine, TracerFactory {
  private static final Logger LOG = LoggerFactory.getLogger(JsTracerEngine.class);
  private static final int MAX_SECONDS = 86_400;
  private static final long MIN_MEMORY_BYTES = 1 << 20;
  private static final String LEGACY = "call_tracer_legacy.js";

  /** Limits of one trace. */
  @ObjectClassDefinition(name = "Patchbay tracers in JavaScript")
  public @interface Config {
    /** Instructions of the program. */
    @AttributeDefinition(description = "Instructions of JavaScript that one trace may run")
    long steps() default 500_000_000;

    /** Seconds inside of the program. */
    @AttributeDefinition(description = "Seconds that one trace may spend in JavaScript")
    int seconds() default 10;

    /** Bytes that the program allocates. */
    @AttributeDefinition(
        description =
            "Bytes that one trace may allocate; a sixteenth while the heap is nearly full")
    long memory_bytes() default 4_294_967_296L;
  }

  private final Sandbox sandbox;
  private final String legacy;
  private @Nullable ServiceRegistration<?> registration;

  /** Makes the engine. */
  @Activate
  public JsTracerEngine(Config config, Map<String, Object> properties) {
    this(
        limits(
            config,
            ConfigurationValues.of("dev.patchbay.tracer.js", properties)
                .reportUnknown(Config.class, LOG::warn)));
  }

  /** Reads the limits. */
  static Sandbox.Limits limits(Config config, ConfigurationValues values) {
    return new Sandbox.Limits(
        values.number("steps", config::steps, 1, Long.MAX_VALUE),
        TimeUnit.SECONDS.toNanos(values.integer("seconds", config::seconds, 1, MAX_SECONDS)),
        values.number("memory.bytes", config::memory_bytes, MIN_MEMORY_BYTES, Long.MAX_VALUE));
  }

  /** Creates an engine without a container. */
  public JsTracerEngine(long steps, int seconds, long memoryBytes) {
    this(new Sandbox.Limits(steps, TimeUnit.SECONDS.toNanos(seconds), memoryBytes));
  }

  private JsTracerEngine(Sandbox.Limits limits) {
    sandbox = new Sandbox(limits);
    legacy = resource(LEGACY);
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    String[] types = {TracerEngine.class.getName(), TracerFactory.class.getName()};
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(TracerFactory.NAME, "callTracerLegacy");
    registration = context.registerService(types, this, properties);
  }

  /** Ends the registration. */
  @Deactivate
  void deactivate() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
  }

  private static String resource(String name) {
    try (InputStream in = JsTracerEngine.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      throw new IllegalStateException("cannot read " + name, unreadable);
    }
  }

  @Override
  public Tracer create(String program, Map<String, Object> config, TraceSubject subject) {
    return new JsTracer(sandbox, program, config, subject);
  }

  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    return create(legacy, config, subject);
  }
}
