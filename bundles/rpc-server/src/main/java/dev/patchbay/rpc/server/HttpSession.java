// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.util.function.BooleanSupplier;

/**
 * The session of a request over HTTP: nothing is sent to its client but the response.
 *
 * @param logLimits what a search for logs may be for
 * @param client the client, as of {@link Connections#client}
 * @param gone whether the client has left before the response
 */
record HttpSession(LogLimits logLimits, Object client, BooleanSupplier gone) implements RpcSession {
  @Override
  public boolean canNotify() {
    return false;
  }

  @Override
  public String newSubscription() {
    throw new IllegalStateException("nothing is sent over HTTP but answers");
  }

  @Override
  public boolean notify(String method, String subscription, Object result) {
    return false;
  }

  @Override
  public boolean hasRoom() {
    return true;
  }

  @Override
  public void onClose(Runnable action) {
    action.run();
  }

  @Override
  public void removeOnClose(Runnable action) {}

  @Override
  public boolean isGone() {
    return gone.getAsBoolean();
  }

  @Override
  public void disconnect() {}
}
