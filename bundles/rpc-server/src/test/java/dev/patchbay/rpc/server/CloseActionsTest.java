// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CloseActionsTest {
  private final List<String> log = new ArrayList<>();
  private final CloseActions actions = new CloseActions();

  @Test
  void anActionThatWasRemovedDoesNotRun() {
    Runnable first = () -> log.add("first");
    Runnable second = () -> log.add("second");
    actions.add(first);
    actions.add(second);
    assertThat(actions.remove(first)).isTrue();
    assertThat(actions.remove(first)).as("it is no longer there").isFalse();
    actions.run();
    assertThat(log).containsExactly("second");
    assertThat(actions.remove(second)).as("the connection has ended").isFalse();
    actions.run();
    actions.add(first);
    assertThat(log).containsExactly("second", "first");
  }
}
