// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.api.json.JsonWriter;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A tracer that can write its trace while it is made, because the trace may be longer than memory.
 * Whoever follows an execution chooses: with {@link #begin} before the first hook and {@link #end}
 * after the last the trace is written, otherwise {@link #result} returns it.
 */
@ConsumerType
public interface StreamingTracer extends Tracer {
  /** Begins to write the trace, one JSON value; the hooks write on. */
  void begin(JsonWriter out);

  /** Ends the value that was begun. */
  void end();
}
