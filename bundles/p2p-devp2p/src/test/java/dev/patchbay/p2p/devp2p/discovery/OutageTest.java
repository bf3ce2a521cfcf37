// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is logged of work that is tried again. */
class OutageTest {
  private final List<String> log = new ArrayList<>();
  private final Outage outage =
      new Outage(text -> log.add("warn " + text), text -> log.add("info " + text));

  @Test
  void aFailureAndItsEndAreLoggedOnce() {
    outage.succeeded("works");
    assertThat(log).isEmpty();
    outage.failed("one");
    outage.failed("one");
    assertThat(outage.latest()).isEqualTo("one");
    outage.failed("two");
    outage.succeeded("works");
    outage.succeeded("works");
    assertThat(outage.latest()).isNull();
    outage.failed("two");
    assertThat(log).containsExactly("warn one", "warn two", "info works", "warn two");
  }
}
