// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class GateTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(50);

  @Test
  void aCallThatChecksItsDeadlineEndsInTime() {
    try (Gate gate = new Gate(1, 0, () -> false)) {
      assertThatThrownBy(
              () ->
                  gate.call(
                      SHORT,
                      () -> false,
                      () -> {
                        while (true) {
                          Deadline.check();
                          Thread.onSpinWait();
                        }
                      }))
          .isInstanceOf(Deadline.ExceededException.class)
          .hasMessageContaining("execution timeout");
    }
  }

  @Test
  void anInnerDeadlineShortensAndNeverExtends() throws Exception {
    try (Gate gate = new Gate(1, 0, () -> false)) {
      assertThatThrownBy(
              () ->
                  gate.call(
                      SHORT,
                      () -> false,
                      () -> {
                        try (Deadline longer = Deadline.after(LONG)) {
                          Thread.sleep(2 * SHORT.toMillis());
                          Deadline.check();
                        }
                        return null;
                      }))
          .isInstanceOf(Deadline.ExceededException.class);
      Object result =
          gate.call(
              LONG,
              () -> false,
              () -> {
                try (Deadline shorter = Deadline.after(Duration.ZERO)) {
                  assertThatThrownBy(Deadline::check)
                      .isInstanceOf(Deadline.ExceededException.class);
                }
                Deadline.check();
                return "done";
              });
      assertThat(result).isEqualTo("done");
    }
  }

  @Test
  void aCallEndsWhenNobodyWaits() {
    AtomicBoolean gone = new AtomicBoolean();
    try (Gate gate = new Gate(1, 0, () -> false)) {
      assertThatThrownBy(
              () ->
                  gate.call(
                      LONG,
                      gone::get,
                      () -> {
                        gone.set(true);
                        try (Deadline inner = Deadline.after(LONG)) {
                          while (true) {
                            Deadline.check();
                            Thread.onSpinWait();
                          }
                        }
                      }))
          .isInstanceOf(Deadline.ExceededException.class)
          .hasMessage("nobody waits for the result any more");
      assertThatThrownBy(() -> gate.call(LONG, gone::get, () -> fail("was begun")))
          .isInstanceOf(Deadline.ExceededException.class);
    }
  }

  @Test
  void aCallThatWaitsEndsWhenItsClientDisconnects() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    try (Gate gate = new Gate(1, 1, () -> false)) {
      Thread busy = new Thread(() -> occupy(gate, running, end), "busy");
      busy.start();
      running.await();
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> gate.call(LONG, () -> true, () -> fail("was begun")))
            .isInstanceOf(RpcError.class)
            .hasMessage("the client has disconnected");
      }
      end.countDown();
      busy.join();
      assertThat(gate.call(LONG, () -> false, () -> 1)).isEqualTo(1);
    }
  }

  @Test
  void callsThatWaitHaveTheirTurnsInOrder() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    try (Gate gate = new Gate(1, 10, () -> false)) {
      List<Thread> threads = new ArrayList<>();
      threads.add(new Thread(() -> occupy(gate, running, end), "busy"));
      threads.get(0).start();
      running.await();
      for (int i = 0; i < 10; i++) {
        int number = i;
        CountDownLatch waits = new CountDownLatch(1);
        BooleanSupplier gone =
            () -> {
              waits.countDown();
              return false;
            };
        Thread thread = new Thread(() -> add(gate, gone, order, number), "waiting-" + i);
        threads.add(thread);
        thread.start();
        waits.await();
      }
      end.countDown();
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  private static void add(Gate gate, BooleanSupplier gone, List<Integer> order, int number) {
    try {
      gate.call(LONG, gone, () -> order.add(number));
    } catch (RpcError refused) {
      throw new IllegalStateException(refused);
    }
  }

  @Test
  void errorsComeThroughAndMakeRoom() throws Exception {
    try (Gate gate = new Gate(1, 0, () -> false)) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(
                () ->
                    gate.call(
                        LONG,
                        () -> false,
                        () -> {
                          throw RpcError.invalidParams("wrong");
                        }))
            .isInstanceOf(RpcError.class)
            .hasMessage("wrong");
        assertThatThrownBy(
                () ->
                    gate.call(
                        LONG,
                        () -> false,
                        () -> {
                          throw new StackOverflowError();
                        }))
            .isInstanceOf(StackOverflowError.class);
      }
      assertThat(gate.call(LONG, () -> false, () -> 1)).isEqualTo(1);
    }
  }

  @Test
  void whatIsTooMuchIsRefusedAndWhatWaitsTooLongToldSo() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    try (Gate refusing = new Gate(1, 0, () -> false);
        Gate patient = new Gate(1, 1, () -> false)) {
      Thread busy = new Thread(() -> occupy(refusing, running, end), "busy");
      busy.start();
      running.await();
      assertThatThrownBy(() -> refusing.call(LONG, () -> false, () -> null))
          .isInstanceOf(RpcError.class)
          .hasMessageContaining("too many expensive calls: 1 run and 0 wait");
      CountDownLatch second = new CountDownLatch(1);
      Thread other = new Thread(() -> occupy(patient, second, end), "other");
      other.start();
      second.await();
      assertThatThrownBy(() -> patient.call(SHORT, () -> false, () -> null))
          .isInstanceOf(RpcError.class)
          .hasMessageContaining("waited too long");
      end.countDown();
      busy.join();
      other.join();
      assertThat(refusing.call(LONG, () -> false, () -> 2)).isEqualTo(2);
    }
  }

  @Test
  void aClosedGateRefuses() {
    Gate gate = new Gate(1, 0, () -> false);
    gate.close();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> gate.call(LONG, () -> false, () -> null))
          .isInstanceOf(RpcError.class)
          .hasMessage("the node is stopping");
    }
  }

  private static void occupy(Gate gate, CountDownLatch running, CountDownLatch end) {
    try {
      gate.call(
          LONG,
          () -> false,
          () -> {
            running.countDown();
            end.await();
            return null;
          });
    } catch (RpcError refused) {
      throw new IllegalStateException(refused);
    }
  }
}
