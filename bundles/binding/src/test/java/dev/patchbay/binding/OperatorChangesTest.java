// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OperatorChangesTest {
  private final OperatorChanges changes = new OperatorChanges("[one, two]");

  private void note(String list, String value, boolean added) {
    changes.note(list, value, value, added);
  }

  private static List<String> restored(String configured, @Nullable Object state) {
    List<String> out = new ArrayList<>();
    new OperatorChanges(configured)
        .restore(
            state,
            (list, value, added) -> {
              out.add((added ? "+" : "-") + list + " " + value);
              if (value.equals("refused")) {
                throw new IllegalArgumentException(value);
              }
            });
    return out;
  }

  @Test
  void theLatestChangeOfEachValueIsMadeAgainInOrder() {
    note("peers", "one", false);
    note("peers", "refused", true);
    note("peers", "three", true);
    note("trusted", "one", true);
    note("peers", "one", true);
    note("peers", "two", false);

    assertThat(restored("[one, two]", changes.state()))
        .containsExactly(
            "+peers refused", "+peers three", "+trusted one", "+peers one", "-peers two");
  }

  @Test
  void anotherConfigurationTakesRemovalsBack() {
    note("peers", "one", false);
    note("peers", "three", true);

    assertThat(restored("[one]", changes.state())).containsExactly("+peers three");
  }

  @Test
  void whatWasAddedInOneFormAndRemovedInAnotherIsNotAddedAgain() {
    changes.note("peers", "one", "one:1", true);
    changes.note("peers", "one", "one", false);

    assertThat(restored("[one, two]", changes.state())).containsExactly("-peers one");
    assertThat(restored("[one]", changes.state())).isEmpty();
  }

  @Test
  void stateOfAnotherVersionIsIgnored() {
    Object odd =
        Arrays.asList(
            "peers", null, List.of(), List.of("peers", "one", 1, ""), List.of(1, 2, 3, 4));

    assertThat(restored("", odd)).isEmpty();
    assertThat(restored("", null)).isEmpty();
    assertThat(restored("", "peers")).isEmpty();
  }

  @Test
  void theEldestIsRemoved() {
    for (int i = 0; i <= 10_000; i++) {
      note("peers", "" + i, true);
    }

    assertThat(restored("", changes.state()))
        .hasSize(10_000)
        .startsWith("+peers 1")
        .endsWith("+peers 10000");
  }
}
