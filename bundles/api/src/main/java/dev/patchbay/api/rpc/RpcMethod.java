// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/** One method of a namespace. Threading: any thread, many calls at a time. */
@ConsumerType
@FunctionalInterface
public interface RpcMethod {
  /**
   * Answers a call.
   *
   * @param params positional parameters; JSON-neutral values: Map, List, String, Number, Boolean or
   *     null
   * @param session the connection of the client
   * @return a JSON-neutral value, an {@link RpcStream}, an {@link RpcConstant} or an {@link
   *     RpcExpensive}
   * @throws RpcError when the call fails in a way that the client is to know
   */
  @Nullable Object call(List<@Nullable Object> params, RpcSession session) throws RpcError;

  /**
   * Returns whether a call can take long, as traces and searches do: few of them run at a time, so
   * that other calls keep their pace, and each has a deadline, which it looks at ({@link
   * dev.patchbay.api.execution.Deadline}).
   */
  default boolean isExpensive() {
    return false;
  }

  /** Returns a method that does the same, and says that it can take long. */
  static RpcMethod expensive(RpcMethod method) {
    return new RpcMethod() {
      @Override
      public @Nullable Object call(List<@Nullable Object> params, RpcSession session)
          throws RpcError {
        return method.call(params, session);
      }

      @Override
      public boolean isExpensive() {
        return true;
      }
    };
  }
}
