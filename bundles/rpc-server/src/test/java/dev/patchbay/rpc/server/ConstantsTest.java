// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.SharedCache;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is kept, and for how long. */
class ConstantsTest {
  private final AtomicInteger asked = new AtomicInteger();
  private @Nullable SharedCache shared;

  /** A shared cache that keeps everything. */
  private static final class Kept implements SharedCache {
    private final Map<String, byte[]> entries = new HashMap<>();

    @Override
    public byte @Nullable [] get(String key) {
      return entries.get(key);
    }

    @Override
    public void put(String key, byte[] json) {
      entries.put(key, json);
    }

    @Override
    public Statistics statistics() {
      throw new UnsupportedOperationException();
    }
  }

  private RpcConstant constant(String key, int length) {
    return new RpcConstant(
        key,
        () -> {
          asked.incrementAndGet();
          return key + "-".repeat(length);
        });
  }

  private String json(Constants constants, String key, int length) throws Exception {
    return new String(
        constants.of(constant(key, length), shared, ConstantsTest::quoted), StandardCharsets.UTF_8);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  private static byte[] quoted(@Nullable Object value) {
    return ('"' + String.valueOf(value) + '"').getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aValueIsMadeOnce() throws Exception {
    Constants constants = new Constants(1 << 16);
    assertThat(json(constants, "a", 1)).isEqualTo("\"a-\"");
    assertThat(json(constants, "a", 1)).isEqualTo("\"a-\"");
    assertThat(json(constants, "b", 2)).isEqualTo("\"b--\"");
    assertThat(asked).hasValue(2);
  }

  @Test
  void whatIsBeingWrittenIsNotWrittenTwice() throws Exception {
    Constants constants = new Constants(1 << 16);
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Constants.Writer slow =
        value -> {
          begun.countDown();
          await(goOn);
          return quoted(value);
        };
    FutureTask<byte[]> first = new FutureTask<>(() -> constants.of(constant("a", 1), null, slow));
    FutureTask<byte[]> second = new FutureTask<>(() -> constants.of(constant("a", 1), null, slow));
    new Thread(first, "first").start();
    assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
    Thread waiting = new Thread(second, "second");
    waiting.start();
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (waiting.getState() != Thread.State.WAITING) {
      assertThat(System.nanoTime()).as("the second one waits").isLessThan(limit);
    }
    goOn.countDown();
    assertThat(second.get(10, TimeUnit.SECONDS)).isSameAs(first.get(10, TimeUnit.SECONDS));
    assertThat(asked).hasValue(1);
  }

  @Test
  void whatCannotBeWrittenIsTriedAgain() throws Exception {
    Constants constants = new Constants(1 << 16);
    assertThatThrownBy(
            () ->
                constants.of(
                    constant("a", 1),
                    null,
                    value -> {
                      throw MemoryBudget.full();
                    }))
        .isInstanceOf(RpcError.class);
    assertThat(json(constants, "a", 1)).isEqualTo("\"a-\"");
  }

  @Test
  void aLongValueIsNotKept() throws Exception {
    Constants constants = new Constants(1 << 16);
    json(constants, "a", 1 << 13);
    json(constants, "a", 1 << 13);
    assertThat(asked).hasValue(2);
  }

  @Test
  void moreThanThereIsRoomForIsForgotten() throws Exception {
    Constants constants = new Constants(1 << 16);
    for (int i = 0; i < 100; i++) {
      json(constants, "a" + i, 7_000);
    }
    for (int i = 0; i < 100; i++) {
      json(constants, "a" + i, 7_000);
    }
    assertThat(asked.get()).isGreaterThan(185);
  }

  @Test
  void whatAnotherNodeHasMadeIsNotMadeAgain() throws Exception {
    Kept kept = new Kept();
    shared = kept;
    json(new Constants(1 << 16), "a", 1);
    assertThat(kept.entries).containsOnlyKeys("a");
    Constants other = new Constants(1 << 16);
    assertThat(json(other, "a", 1)).isEqualTo("\"a-\"");
    assertThat(asked).hasValue(1);
    kept.entries.clear();
    assertThat(json(other, "a", 1)).as("of its own cache").isEqualTo("\"a-\"");
    assertThat(asked).hasValue(1);
  }
}
