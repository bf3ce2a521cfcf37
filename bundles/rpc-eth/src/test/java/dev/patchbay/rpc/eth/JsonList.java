// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A writer that takes an array of a number of values. */
final class JsonList implements JsonWriter {
  private final int capacity;
  private final List<Object> values = new ArrayList<>();
  private int depth;

  JsonList(int capacity) {
    this.capacity = capacity;
  }

  /** Returns the values that were written. */
  List<Object> values() {
    return values;
  }

  /** Returns what a method answers in the end: an expensive call is made, a stream is written. */
  static @Nullable Object of(@Nullable Object result) throws RpcError {
    Object outcome = result instanceof RpcExpensive expensive ? expensive.call() : result;
    if (!(outcome instanceof RpcStream stream)) {
      return outcome;
    }
    JsonList written = new JsonList(Integer.MAX_VALUE);
    stream.writeTo(written);
    if (written.depth != 0) {
      throw new AssertionError("the array is not ended");
    }
    return written.values;
  }

  @Override
  public void beginArray() {
    depth++;
  }

  @Override
  public void endArray() {
    depth--;
  }

  @Override
  public void value(@Nullable Object value) {
    if (depth != 1 || value == null) {
      throw new AssertionError("not an element: " + value);
    }
    if (values.size() == capacity) {
      throw new IllegalStateException("full");
    }
    values.add(value);
  }

  @Override
  public void beginObject() {
    throw new AssertionError("an element is written whole");
  }

  @Override
  public void endObject() {
    throw new AssertionError("an element is written whole");
  }

  @Override
  public void name(String name) {
    throw new AssertionError("an element is written whole");
  }
}
