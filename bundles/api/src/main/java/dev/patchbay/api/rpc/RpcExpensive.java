// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The rest of a call that has turned out to take long. A method that is not expensive as such
 * returns one in place of a value, and the server runs it as it runs expensive calls ({@link
 * RpcMethod#isExpensive}).
 */
@ConsumerType
@FunctionalInterface
public interface RpcExpensive {
  /**
   * Returns what the method would have returned.
   *
   * @throws RpcError when the call fails in a way that the client is to know
   */
  @Nullable Object call() throws RpcError;
}
