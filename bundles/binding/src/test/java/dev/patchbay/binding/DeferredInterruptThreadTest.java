// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When an interrupt reaches a thread with sections. */
class DeferredInterruptThreadTest {
  private final List<Boolean> interrupts = new ArrayList<>();

  private void look() {
    interrupts.add(Thread.currentThread().isInterrupted());
  }

  private static void run(Runnable body) throws InterruptedException {
    Thread thread = DeferredInterruptThread.factory("sections").newThread(body);
    thread.start();
    thread.join();
  }

  @Test
  void anInterruptWaitsForTheSection() throws Exception {
    run(
        () -> {
          try (DeferredInterruptThread.Section outer = DeferredInterruptThread.beginSection()) {
            try (DeferredInterruptThread.Section inner = DeferredInterruptThread.beginSection()) {
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
  void aSectionDoesNotSeeAnEarlierInterrupt() throws Exception {
    run(
        () -> {
          Thread.currentThread().interrupt();
          look();
          try (DeferredInterruptThread.Section section = DeferredInterruptThread.beginSection()) {
            look();
          }
          look();
          assertThat(Thread.interrupted()).isTrue();
          try (DeferredInterruptThread.Section section = DeferredInterruptThread.beginSection()) {
            look();
          }
          look();
        });
    assertThat(interrupts).containsExactly(true, false, true, false, false);
  }
}
