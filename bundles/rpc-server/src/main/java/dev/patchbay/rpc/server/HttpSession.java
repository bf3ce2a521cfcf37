// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;

/**
 * What all requests over HTTP have: nothing is sent to them but their answers.
 *
 * @param logLimits what a search for logs may be for
 */
record HttpSession(LogLimits logLimits) implements RpcSession {
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
}
