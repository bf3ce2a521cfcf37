// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/** Instances of interfaces of the framework, of which a test needs few methods. */
final class Stubs {
  private Stubs() {}

  interface Answer {
    @Nullable Object to(String method, Object[] args);
  }

  /** Returns an instance whose methods answer; all but those of {@link Object}. */
  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  static <T> T stub(Class<? super T> type, Answer answer) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "equals" -> proxy == args[0];
                  case "hashCode" -> System.identityHashCode(proxy);
                  case "toString" -> type.getSimpleName();
                  default -> answer.to(method.getName(), args);
                });
  }
}
