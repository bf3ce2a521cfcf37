// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Makes tracers of one kind. Registered as a service with the property {@value #NAME}: the name
 * that clients ask for.
 *
 * <p>Threading: called from any thread.
 */
@ConsumerType
public interface TracerFactory {
  /**
   * Service property: the name that clients put into the {@code tracer} field, e.g. {@code
   * callTracer}.
   */
  String NAME = "tracer.name";

  /**
   * Service property: the version of the tracer, as OSGi writes versions; that of the bundle when
   * it is absent.
   */
  String VERSION = "tracer.version";

  /** The name of the tracer used when a client names none. */
  String DEFAULT = "structLogger";

  /**
   * Creates a tracer for one trace.
   *
   * @param config the client's {@code tracerConfig}, or for the default tracer the whole options
   *     object; JSON-neutral values, never null
   * @param subject the transaction or call that is traced
   * @throws IllegalArgumentException when the configuration is not valid; the message goes to the
   *     client
   * @throws dev.patchbay.api.execution.NotReadyException when the tracer needs another one, which
   *     is not installed
   */
  Tracer create(Map<String, Object> config, TraceSubject subject);
}
