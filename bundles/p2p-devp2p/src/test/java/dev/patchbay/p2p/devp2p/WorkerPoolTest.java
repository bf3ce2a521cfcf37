// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkerPoolTest {
  private static final int SIZE = 2;

  private final AtomicLong nanos = new AtomicLong();
  private final WorkerPool pool = new WorkerPool(SIZE, nanos::get);
  private final CountDownLatch go = new CountDownLatch(1);

  @AfterEach
  void close() {
    go.countDown();
    pool.shutdown();
    assertThat(pool.join(Duration.ofSeconds(60))).isTrue();
  }

  private void block(int tasks) throws InterruptedException {
    CountDownLatch blocked = new CountDownLatch(tasks);
    for (int i = 0; i < tasks; i++) {
      pool.execute(
          () -> {
            blocked.countDown();
            await(go);
          });
    }
    assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aThreadIsAddedWhileAllAreBlockedAndTakenBack() throws InterruptedException {
    block(SIZE);
    CountDownLatch other = new CountDownLatch(1);
    pool.execute(other::countDown);
    pool.relieve();
    assertThat(pool.size()).as("the task has not waited for long").isEqualTo(SIZE);
    passTime();
    pool.relieve();
    assertThat(other.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(pool.size()).isEqualTo(SIZE + 1);
    pool.relieve(); // nothing waits
    assertThat(pool.size()).isEqualTo(SIZE);
  }

  private void passTime() {
    nanos.addAndGet(WorkerPool.MAX_WAIT_NANOS + 1);
  }

  @Test
  void aThreadIsAddedAlthoughOtherTasksAreCompleted() throws InterruptedException {
    block(SIZE - 1);
    CountDownLatch honest = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch firstEnds = new CountDownLatch(1);
    pool.execute(() -> await(firstEnds));
    pool.execute(
        () -> {
          begun.countDown();
          await(go);
        });
    pool.execute(honest::countDown);
    passTime();
    firstEnds.countDown();
    assertThat(begun.await(60, TimeUnit.SECONDS)).as("a task is completed").isTrue();
    pool.relieve();
    assertThat(pool.size()).isEqualTo(SIZE + 1);
    assertThat(honest.await(60, TimeUnit.SECONDS)).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void atMost32ThreadsAreAdded() throws InterruptedException {
    block(SIZE);
    for (int i = 0; i < 2 * WorkerPool.MAX_ADDED; i++) {
      pool.execute(() -> await(go));
      passTime();
      pool.relieve();
      pool.relieve();
    }
    assertThat(pool.size()).isEqualTo(SIZE + WorkerPool.MAX_ADDED);
  }
}
