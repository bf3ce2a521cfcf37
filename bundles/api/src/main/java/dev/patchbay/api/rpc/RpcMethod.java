// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import dev.patchbay.primitives.Bytes;
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
   *     null, and {@link Bytes} when they are results of another method
   * @param session the connection of the client
   * @return a JSON-neutral value, which may hold {@link Bytes}, told as hexadecimal text, an {@link
   *     RpcStream}, an {@link RpcConstant} or an {@link RpcExpensive}
   * @throws RpcError when the call fails in a way that the client is to know
   */
  @Nullable Object call(List<@Nullable Object> params, RpcSession session) throws RpcError;

  /**
   * Returns a method that does the same and can always take long: the server runs it as an {@link
   * RpcExpensive} call.
   */
  static RpcMethod expensive(RpcMethod method) {
    return (params, session) -> (RpcExpensive) () -> method.call(params, session);
  }
}
