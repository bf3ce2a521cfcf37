// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.json.JsonWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** Writes to a generator of Jackson, as long as the deadline of the thread allows. */
final class GeneratedJson implements JsonWriter {
  private final JsonGenerator generator;

  GeneratedJson(JsonGenerator generator) {
    this.generator = generator;
  }

  private interface Write {
    void run() throws IOException;
  }

  private static void unchecked(Write write) {
    Deadline.check();
    try {
      write.run();
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }

  @Override
  public void beginObject() {
    unchecked(generator::writeStartObject);
  }

  @Override
  public void endObject() {
    unchecked(generator::writeEndObject);
  }

  @Override
  public void beginArray() {
    unchecked(generator::writeStartArray);
  }

  @Override
  public void endArray() {
    unchecked(generator::writeEndArray);
  }

  @Override
  public void name(String name) {
    unchecked(() -> generator.writeFieldName(name));
  }

  @Override
  public void value(@Nullable Object value) {
    if (value instanceof String text) {
      unchecked(() -> generator.writeString(text)); // an object mapper takes long to find that out
    } else {
      unchecked(() -> generator.writePOJO(value));
    }
  }
}
