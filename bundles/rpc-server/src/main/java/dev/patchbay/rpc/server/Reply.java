// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import org.jspecify.annotations.Nullable;

/** Takes the outcome of a message: one of its methods is called, exactly once, on any thread. */
interface Reply {
  /**
   * Takes the response.
   *
   * @param response null when there is nothing to answer, or when all of it was written to the
   *     exchange's {@code direct}
   */
  void answered(@Nullable Answer response);

  /**
   * Takes the reason why there is no response.
   *
   * @param failure a {@link BrokenAnswerException} when {@code direct} was opened and the response
   *     cannot be ended: the connection must be cut
   */
  void failed(Throwable failure);
}
