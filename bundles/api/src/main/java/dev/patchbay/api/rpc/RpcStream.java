// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import dev.patchbay.api.json.JsonWriter;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A result that is written while it is made, so that its length costs no memory. A method returns
 * one in place of a value; it is asked to write once, by the thread that called the method and
 * under the deadline of the call.
 */
@ConsumerType
@FunctionalInterface
public interface RpcStream {
  /**
   * Writes one JSON value.
   *
   * @throws RpcError when the call fails. The client is told as long as little has been written;
   *     later its connection is cut, so that it does not take a part for the whole
   */
  void writeTo(JsonWriter out) throws RpcError;
}
