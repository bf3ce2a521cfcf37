// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;

/** Which absent parts may be back soon. */
class ReplacementsTest {
  private long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(5); // it overflows, as nanoTime may
  private final List<Bundle> bundles = new ArrayList<>();
  private final Replacements replacements =
      new Replacements(() -> bundles.toArray(Bundle[]::new), Duration.ofSeconds(5), () -> now);
  private final FakeBundle framework = bundle(0);
  private final FakeBundle first = bundle(7);
  private final FakeBundle second = bundle(8);

  private FakeBundle bundle(long id) {
    FakeBundle made = new FakeBundle(id, replacements);
    bundles.add(made.bundle);
    return made;
  }

  private void pass(long seconds) {
    now += TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  void nothingReturnsWhileNoBundleIsReplaced() {
    assertThat(replacements.mayReturn()).isFalse();
    first.start();
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void anUpdateReturnsUntilSomeTimeAfterItsLatestEvent() {
    first.stop(false);
    pass(4);
    assertThat(replacements.mayReturn()).isTrue();
    first.start();
    pass(4);
    assertThat(replacements.mayReturn()).isTrue();
    pass(1);
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void aBundleThatDoesNotStartIsNotWaitedForLonger() {
    first.stop(false);
    pass(5);
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void whatStopsForGoodDoesNotReturn() {
    first.stop(true);
    assertThat(replacements.mayReturn()).isFalse();
    second.stop(false);
    assertThat(replacements.mayReturn()).isTrue();
    second.isStoppedForGood();
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void aStopForGoodAfterAnUpdateEndsTheWait() {
    first.stop(false);
    first.start();
    assertThat(replacements.mayReturn()).isTrue();
    first.stop(true);
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void anUninstallEndsTheWait() {
    first.stop(false);
    assertThat(replacements.mayReturn()).isTrue();
    first.uninstall();
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void aStopIsSeenBeforeItsEvent() {
    first.beginStop(false);
    assertThat(replacements.mayReturn()).isTrue();
  }

  @Test
  void aRemovedPartReturnsUnlessAllBundlesThatStopDoSoForGood() {
    assertThat(replacements.removed()).as("a new configuration").isTrue();
    assertThat(replacements.mayReturn()).isTrue();
    pass(5);
    assertThat(replacements.mayReturn()).isFalse();
    first.beginStop(true);
    assertThat(replacements.removed()).isFalse();
    second.beginStop(false);
    assertThat(replacements.removed()).isTrue();
    assertThat(replacements.mayReturn()).isTrue();
  }

  @Test
  void nothingReturnsWhenTheFrameworkStops() {
    first.stop(false);
    framework.beginStop(false);
    assertThat(replacements.mayReturn()).isFalse();
  }

  @Test
  void zeroSecondsMeanNoWait() {
    Replacements none =
        new Replacements(() -> bundles.toArray(Bundle[]::new), Duration.ZERO, () -> now);
    first.beginStop(false);
    assertThat(none.mayReturn()).isFalse();
  }
}
