// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.json;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Writes one JSON value (RFC 8259) to where it goes, so that it is never whole in memory.
 *
 * <p>Every method may throw an unchecked exception when nobody takes what is written any more; let
 * it through, it ends the work. The same exception comes when the value has grown beyond what may
 * be held. Threading: one thread at a time.
 */
@ProviderType
public interface JsonWriter {
  /** Begins an object. */
  void beginObject();

  /** Ends the object begun last. */
  void endObject();

  /** Begins an array. */
  void beginArray();

  /** Ends the array begun last. */
  void endArray();

  /** Writes the name of the next value of an object. */
  void name(String name);

  /**
   * Writes a whole value.
   *
   * @param value made of Map, List, String, Bytes, Number, Boolean and null
   */
  void value(@Nullable Object value);
}
