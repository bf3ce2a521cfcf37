// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TasksTest {
  @Test
  void oneThatThrowsStopsNoOther() {
    for (Throwable failure :
        List.of(
            new OutOfMemoryError("Java heap space"),
            new StackOverflowError(),
            new NoClassDefFoundError("dev/patchbay/Exchanged"),
            new AssertionError("an assertion"),
            new IllegalStateException("a state"))) {
      List<String> ran = new ArrayList<>();
      Runnable broken =
          () -> {
            ran.add("broken");
            if (failure instanceof Error error) {
              throw error;
            }
            throw (RuntimeException) failure;
          };
      assertThatThrownBy(
              () -> Tasks.runAll(List.of(broken, () -> ran.add("a"), broken, () -> ran.add("b"))))
          .isSameAs(failure);
      assertThat(ran).containsExactly("broken", "a", "broken", "b");
    }
    Tasks.runAll(List.of());
  }
}
