// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.osgi.annotation.versioning.ProviderType;

/** The connection that a request came by. Threading: any thread. */
@ProviderType
public interface RpcSession {
  /** Returns whether the server can send to the client: true over WebSocket and IPC. */
  boolean canNotify();

  /**
   * Sends {@code eth_subscription} to the client.
   *
   * @param subscription its id
   * @param result JSON-neutral value
   * @return false when the connection is gone or too slow; the subscription should end then
   */
  boolean notify(String subscription, Object result);

  /** Runs an action once the connection has ended, or at once when it has. */
  void onClose(Runnable action);
}
