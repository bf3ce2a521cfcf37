// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How long states are kept. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeptStatesTest {
  private final AtomicLong now =
      new AtomicLong(Long.MAX_VALUE - Duration.ofSeconds(5).toNanos()); // it overflows
  private final KeptStates states = new KeptStates(now::get);
  private final List<String> dropped = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    states.close();
  }

  @Test
  void aStateIsTakenOnce() {
    states.put("a", List.of(1));
    states.put("b", List.of(2));
    states.put("a", List.of(3));
    assertThat(states.take("a")).isEqualTo(List.of(3));
    assertThat(states.take("a")).isNull();
    assertThat(states.take("b")).isEqualTo(List.of(2));
    assertThat(states.take("c")).isNull();
  }

  @Test
  void aStateThatNobodyTakesIsDropped() {
    states.put("early", 1);
    now.addAndGet(Duration.ofSeconds(20).toNanos());
    states.put("late", 2);
    assertThat(states.expire()).isEqualTo(10_001);
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertThat(states.take("early")).as("before it is dropped").isNull();
    states.put("early", 1);
    now.addAndGet(Duration.ofSeconds(20).toNanos());
    assertThat(states.expire()).isEqualTo(10_001);
    assertThat(states.count()).isEqualTo(1);
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertThat(states.expire()).isEqualTo(Loop.UNTIL_WOKEN);
    assertThat(states.count()).isZero();
  }

  private void putNoted(String name) {
    states.put(name, 1, () -> dropped.add(name));
  }

  /** Waits until states have ended: the thread of the states may be at it. */
  private void awaitDropped(int count) {
    while (dropped.size() < count) { // the class has a timeout
      Thread.yield();
    }
  }

  @Test
  void aStateThatIsTakenIsNotEnded() {
    putNoted("a");
    assertThat(states.take("a")).isEqualTo(1);
    now.addAndGet(Duration.ofSeconds(31).toNanos());
    states.expire();
    states.put("a", 2);
    states.close();
    assertThat(dropped).isEmpty();
  }

  @Test
  void aStateThatExpiresIsEndedOnce() {
    putNoted("a");
    putNoted("b");
    now.addAndGet(Duration.ofSeconds(31).toNanos());
    assertThat(states.take("a")).isNull();
    states.expire();
    awaitDropped(2);
    states.expire();
    states.close();
    assertThat(dropped).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void aStateThatIsReplacedIsEnded() {
    putNoted("a");
    states.put("a", 2);
    assertThat(dropped).containsExactly("a");
    assertThat(states.take("a")).isEqualTo(2);
  }

  @Test
  void statesEndWithTheService() {
    states.put(
        "bad",
        1,
        () -> {
          throw new LinkageError("the bundle is uninstalled");
        });
    putNoted("a");
    putNoted("b");
    states.close();
    assertThat(dropped).containsExactlyInAnyOrder("a", "b");
    putNoted("late");
    assertThat(dropped).contains("late");
    assertThat(states.take("late")).isNull();
    states.close();
    assertThat(dropped).hasSize(3);
  }

  /** What a state stands for may hand over itself. */
  @Test
  void noLockIsHeldWhileAStateIsEnded() {
    states.put("a", 1, () -> dropped.add(String.valueOf(Thread.holdsLock(states))));
    states.put("a", 2, () -> dropped.add(String.valueOf(Thread.holdsLock(states))));
    now.addAndGet(Duration.ofSeconds(31).toNanos());
    states.expire();
    awaitDropped(2);
    assertThat(dropped).containsOnly("false");
  }
}
