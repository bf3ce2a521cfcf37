// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.health.Snapshot.CheckState;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

class HealthChecksTest {
  private record Check(String name, Supplier<Health> health) implements HealthCheck {
    @Override
    public Health check() {
      return health.get();
    }
  }

  @Test
  void aCheckThatThrowsCountsAsFailed() {
    Check throwing =
        new Check(
            "mine",
            () -> {
              throw new IllegalStateException("a bug");
            });
    CheckState state = HealthChecks.ask(throwing);
    assertThat(state.name()).isEqualTo("mine");
    assertThat(state.health().status()).isEqualTo(Health.Status.FAILED);
    assertThat(state.health().message()).contains("a bug");
  }

  @Test
  void aCheckThatReturnsNullCountsAsFailed() {
    assertThat(HealthChecks.ask(new Check("mine", () -> null)).health().status())
        .isEqualTo(Health.Status.FAILED);
  }

  private final AtomicLong now = new AtomicLong();
  private final HealthChecks checks = new HealthChecks(Duration.ofMillis(100), now::get);

  /** Returns a reference of a bundle whose properties may change. */
  @SuppressWarnings("unchecked")
  private static ServiceReference<HealthCheck> reference(Map<String, Object> properties) {
    ClassLoader loader = HealthChecksTest.class.getClassLoader();
    Object bundle =
        Proxy.newProxyInstance(
            loader,
            new Class<?>[] {Bundle.class},
            (self, method, arguments) ->
                method.getName().equals("getBundleId") ? 57L : "com.example.mine");
    return (ServiceReference<HealthCheck>)
        Proxy.newProxyInstance(
            loader,
            new Class<?>[] {ServiceReference.class},
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "getProperty" -> properties.get(arguments[0]);
                  case "getBundle" -> bundle;
                  case "compareTo" ->
                      Integer.compare(
                          (int) properties.get("service.ranking"),
                          (int)
                              ((ServiceReference<?>) arguments[0]).getProperty("service.ranking"));
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private static Map<String, Object> properties(long id, int ranking) {
    return new ConcurrentHashMap<>(Map.of("service.id", id, "service.ranking", ranking));
  }

  /** Asks until a healthy check has answered, however busy the machine is. */
  private CheckState askUntilOthersAnswer() {
    while (true) {
      List<CheckState> states = checks.ask();
      if (states.get(1).equals(new CheckState("well", Health.healthy("works"), Set.of()))) {
        return states.get(0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"name", "check", "dependencies"})
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aCheckThatDoesNotAnswerIsAskedOnceAndTheOthersAreReported(String blocked) throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    Queue<Thread> callers = new ConcurrentLinkedQueue<>();
    HealthCheck stuck =
        (HealthCheck)
            Proxy.newProxyInstance(
                HealthChecksTest.class.getClassLoader(),
                new Class<?>[] {HealthCheck.class},
                (self, method, arguments) -> {
                  if (method.getName().equals(blocked)) {
                    callers.add(Thread.currentThread());
                    goOn.await();
                  }
                  return switch (method.getName()) {
                    case "name" -> "stuck";
                    case "check" -> Health.healthy("answers again");
                    default -> Set.of("chain");
                  };
                });
    checks.add(reference(properties(1, 0)), stuck);
    checks.add(reference(properties(2, 0)), new Check("well", () -> Health.healthy("works")));
    for (int i = 0; i < 3; i++) {
      CheckState silent = askUntilOthersAnswer();
      assertThat(silent.health())
          .isEqualTo(
              Health.unavailable(
                  "the health check of bundle com.example.mine (57) does not answer"));
      assertThat(silent.name())
          .isEqualTo(blocked.equals("name") ? stuck.getClass().getName() : "stuck");
    }
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertThat(askUntilOthersAnswer().health().status()).isEqualTo(Health.Status.FAILED);
    Thread caller = callers.element();
    assertThat(callers).as("threads that the check keeps").hasSize(1);
    assertThat(caller.isDaemon()).isTrue();
    assertThat(caller.getName()).startsWith("health-check-");
    assertThat(caller.getContextClassLoader()).isNull();
    goOn.countDown();
    caller.join();
    CheckState answer = new CheckState("stuck", Health.healthy("answers again"), Set.of("chain"));
    while (!checks.ask().get(0).equals(answer)) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aCheckThatInterruptsItsThreadDoesNotKeepOthersFromBeingAsked() {
    AtomicInteger asked = new AtomicInteger();
    Check interrupting =
        new Check(
            "mine",
            () -> {
              Thread.currentThread().interrupt();
              return Health.healthy("interrupts");
            });
    checks.add(reference(properties(1, 0)), interrupting);
    checks.add(
        reference(properties(2, 0)),
        new Check("well", () -> Health.healthy("asked " + asked.incrementAndGet())));
    while (asked.get() < 2) {
      checks.ask();
    }
  }

  @Test
  void aCheckWhoseRankingChangesMovesAndIsRemoved() {
    Map<String, Object> properties = properties(1, 5);
    ServiceReference<HealthCheck> moving = reference(properties);
    ServiceReference<HealthCheck> other = reference(properties(2, 3));
    Check first = new Check("first", () -> Health.healthy("first"));
    Check second = new Check("second", () -> Health.healthy("second"));
    HealthChecks patient = new HealthChecks(Duration.ofMinutes(1), now::get);
    patient.add(moving, first);
    patient.add(other, second);
    assertThat(patient.ask()).extracting(CheckState::name).containsExactly("first", "second");
    properties.put("service.ranking", 1);
    assertThat(patient.ask()).extracting(CheckState::name).containsExactly("second", "first");
    patient.remove(moving, first);
    patient.remove(other, second);
    assertThat(patient.ask()).isEmpty();
  }

  @Test
  void aRepeatedWorkIsDegradedWhileItFails() {
    String[] failure = {null};
    HealthCheck check =
        HealthCheck.ofFailures("index", "blocks are indexed", () -> failure[0], "c");
    assertThat(HealthChecks.ask(check))
        .isEqualTo(new CheckState("index", Health.healthy("blocks are indexed"), Set.of("c")));
    failure[0] = "the disk is full";
    assertThat(HealthChecks.ask(check).health().status()).isEqualTo(Health.Status.DEGRADED);
  }
}
