// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A call, or the rest of one, that can take long, as traces and searches do. A method returns one
 * in place of a value. Few of them run at a time, so that other calls keep their pace, and each has
 * a deadline, which it looks at ({@link dev.patchbay.api.execution.Deadline}).
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
