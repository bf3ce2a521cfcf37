// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SlotTest {
  private static final Duration LONG = Duration.ofSeconds(10);

  @Test
  void anEmptySlotSaysWhatIsMissing() {
    assertThatThrownBy(() -> new Slot<String>("storage").lease())
        .isInstanceOf(NotBoundException.class)
        .hasMessageContaining("storage");
  }

  @Test
  void leasesKeepWhatTheyTook() {
    Slot<String> slot = new Slot<>("text");
    slot.replace("a", LONG);
    Lease<String> lease = slot.lease();
    assertThat(slot.replace("b", Duration.ofMillis(1)).leasesLeft()).isEqualTo(1);
    assertThat(lease.get()).isEqualTo("a");
    assertThat(slot.lease().get()).isEqualTo("b");
    lease.close();
    lease.close();
    assertThat(slot.leases()).isEqualTo(1);
  }

  @Test
  void releaseComparesIdentity() {
    Slot<String> slot = new Slot<>("text");
    String bound = new String("same");
    slot.replace(bound, LONG);
    slot.release(new String("same"), LONG);
    assertThat(slot.peek()).isPresent();
    slot.release(bound, LONG);
    assertThat(slot.peek()).isEmpty();
  }

  @Test
  void nothingIsUsedAfterItsDrainUnderLoad() throws Exception {
    Slot<AtomicBoolean> slot = new Slot<>("flag");
    slot.replace(new AtomicBoolean(true), LONG);
    AtomicBoolean running = new AtomicBoolean(true);
    AtomicInteger used = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<?>> workers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      workers.add(
          pool.submit(
              () -> {
                while (running.get()) {
                  try (Lease<AtomicBoolean> lease = slot.lease()) {
                    if (!lease.get().get()) {
                      throw new AssertionError("used after drain");
                    }
                    used.incrementAndGet();
                  }
                }
              }));
    }
    for (int i = 0; i < 2_000; i++) {
      AtomicBoolean old = slot.peek().orElseThrow();
      assertThat(slot.replace(new AtomicBoolean(true), LONG).drained()).isTrue();
      old.set(false);
    }
    running.set(false);
    for (Future<?> worker : workers) {
      worker.get(10, TimeUnit.SECONDS);
    }
    pool.shutdown();
    assertThat(used.get()).isPositive();
  }
}
