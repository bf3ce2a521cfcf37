// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Makes tracers of programs that clients send in place of a name. A program must not harm the node:
 * the engine keeps it from everything but the hooks, and limits what it uses.
 *
 * <p>Threading: called from any thread.
 */
@ConsumerType
public interface TracerEngine {
  /**
   * Creates a tracer of a program for one trace.
   *
   * @param program its text
   * @param config the client's {@code tracerConfig}; JSON-neutral values, never null
   * @param subject the transaction or call that is traced
   * @throws IllegalArgumentException when the program cannot be read; the message goes to the
   *     client
   */
  Tracer create(String program, Map<String, Object> config, TraceSubject subject);
}
