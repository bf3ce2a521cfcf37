// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Services of which a test needs some methods. */
final class Stubs {
  private Stubs() {}

  /** Returns an object with the given methods, by name; any other one throws. */
  static <T> T of(Class<T> type, Map<String, Function<Object[], @Nullable Object>> calls) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Function<Object[], @Nullable Object> call = calls.get(method.getName());
              if (call == null) {
                throw new UnsupportedOperationException(method.getName());
              }
              return call.apply(args == null ? new Object[0] : args);
            }));
  }
}
