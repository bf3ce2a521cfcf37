// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When an interrupt reaches a thread that answers requests. */
class RequestThreadTest {
  private final List<Boolean> interrupts = new ArrayList<>();

  private void look() {
    interrupts.add(Thread.currentThread().isInterrupted());
  }

  private static void run(Runnable body) throws InterruptedException {
    Thread thread = new RequestThread(body, "answers");
    thread.start();
    thread.join();
  }

  @Test
  void anInterruptWaitsForTheMethod() throws Exception {
    run(
        () -> {
          try (RequestThread.Running outer = RequestThread.beginMethod()) {
            try (RequestThread.Running inner = RequestThread.beginMethod()) {
              Thread.currentThread().interrupt();
              look();
            }
            look();
          }
          look();
        });
    assertThat(interrupts).containsExactly(false, false, true);
  }

  @Test
  void aMethodDoesNotSeeAnEarlierInterrupt() throws Exception {
    run(
        () -> {
          Thread.currentThread().interrupt();
          look();
          try (RequestThread.Running running = RequestThread.beginMethod()) {
            look();
          }
          look();
          assertThat(Thread.interrupted()).isTrue();
          try (RequestThread.Running running = RequestThread.beginMethod()) {
            look();
          }
          look();
        });
    assertThat(interrupts).containsExactly(true, false, true, false, false);
  }
}
