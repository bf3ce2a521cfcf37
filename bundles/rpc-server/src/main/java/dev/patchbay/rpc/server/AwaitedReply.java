// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** The outcome of a message, for a thread that has nothing else to do than to wait for it. */
final class AwaitedReply implements Reply {
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile @Nullable Answer response;
  private volatile @Nullable Throwable failure;

  @Override
  public void answered(@Nullable Answer answer) {
    response = answer;
    done.countDown();
  }

  @Override
  public void failed(Throwable reason) {
    failure = reason;
    done.countDown();
  }

  /**
   * Waits for the response; null when there is nothing to answer.
   *
   * @throws RuntimeException or an Error, when there is none
   */
  @Nullable Answer await() throws InterruptedException {
    done.await();
    Throwable reason = failure;
    if (reason instanceof Error error) {
      throw error;
    }
    if (reason != null) {
      throw reason instanceof RuntimeException unchecked
          ? unchecked
          : new IllegalStateException(reason);
    }
    return response;
  }
}
