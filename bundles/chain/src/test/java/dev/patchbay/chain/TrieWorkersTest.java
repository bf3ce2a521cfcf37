// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.execution.Deadline;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class TrieWorkersTest {
  private static final int TASKS = 1_000;

  @Test
  void tasksThatNobodyWantsAreLeftOut() throws Exception {
    AtomicBoolean unwanted = new AtomicBoolean();
    AtomicInteger running = new AtomicInteger();
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger runningAtTheEnd = new AtomicInteger(-1);
    AtomicReference<Throwable> told = new AtomicReference<>();
    Runnable task =
        () -> {
          running.incrementAndGet();
          if (begun.incrementAndGet() == 10) {
            unwanted.set(true);
          }
          long end = System.nanoTime() + 1_000_000;
          while (System.nanoTime() < end) {
            Thread.onSpinWait();
          }
          running.decrementAndGet();
        };
    try (TrieWorkers workers = new TrieWorkers(1)) {
      Thread caller =
          new Deadline.Worker(
              () -> {
                try (Deadline wanted = Deadline.unless(unwanted::get)) {
                  workers.run(Collections.nCopies(TASKS, task));
                } catch (Deadline.ExceededException ended) {
                  told.set(ended);
                  runningAtTheEnd.set(running.get());
                }
              },
              "caller",
              () -> {});
      caller.start();
      caller.join();
    }
    assertThat(told.get()).hasMessage("nobody waits for the result any more");
    assertThat(begun).hasValueBetween(10, 100);
    assertThat(runningAtTheEnd).as("a task may read what the caller drops").hasValue(0);
  }

  @Test
  void allTasksRunWhenSomebodyWaits() {
    AtomicInteger ran = new AtomicInteger();
    try (TrieWorkers workers = new TrieWorkers(1)) {
      workers.run(Collections.nCopies(TASKS, ran::incrementAndGet));
    }
    assertThat(ran).hasValue(TASKS);
  }

  @Test
  void anErrorOfAHelperIsThrownWhenNoTaskRunsAnyMore() {
    for (Error error : List.of(new OutOfMemoryError("heap"), new StackOverflowError())) {
      AtomicInteger running = new AtomicInteger();
      Thread caller = Thread.currentThread();
      Runnable task =
          () -> {
            running.incrementAndGet();
            try {
              if (Thread.currentThread() != caller) {
                throw error;
              }
              long end = System.nanoTime() + 1_000_000;
              while (System.nanoTime() < end) {
                Thread.onSpinWait();
              }
            } finally {
              running.decrementAndGet();
            }
          };
      try (TrieWorkers workers = new TrieWorkers(2)) {
        assertThatThrownBy(
                () -> {
                  while (true) { // until a helper gets a share
                    workers.run(Collections.nCopies(50, task));
                  }
                })
            .isSameAs(error);
        assertThat(running).hasValue(0);
      }
    }
  }
}
