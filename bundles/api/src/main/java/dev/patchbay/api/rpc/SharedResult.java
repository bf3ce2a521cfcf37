// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The result of a notification that many subscriptions get. The server serializes it once, and not
 * once a subscription ({@link RpcSession#notify}).
 *
 * <p>Threading: any thread.
 */
public final class SharedResult {
  private final Object value;
  private byte @Nullable [] json;

  /**
   * Creates a result that is not serialized yet.
   *
   * @param value JSON-neutral value; must not be changed afterwards
   */
  public SharedResult(Object value) {
    this.value = value;
  }

  /** Returns the JSON-neutral value. */
  public Object value() {
    return value;
  }

  /**
   * Returns the value as UTF-8 JSON, which must not be changed.
   *
   * @param serializer serializes the value; called at most once for all calls, unless it throws
   */
  public synchronized byte[] json(Function<Object, byte[]> serializer) {
    byte[] known = json;
    if (known == null) {
      known = serializer.apply(value);
      json = known;
    }
    return known;
  }
}
