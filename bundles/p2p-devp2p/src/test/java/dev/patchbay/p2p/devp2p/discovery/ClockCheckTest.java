// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When the clock of this machine is reported as wrong. */
class ClockCheckTest {
  private final TestClock clock = new TestClock();
  private final List<String> warnings = new ArrayList<>();
  private final ClockCheck check = new ClockCheck(new Timers(clock::nanoTime), warnings::add);

  private static InetAddress address(int... bytes) {
    return Addresses.of(
        new byte[] {(byte) bytes[0], (byte) bytes[1], (byte) bytes[2], (byte) bytes[3]});
  }

  /** Adds a packet of a node whose clock is so many seconds ahead of the one of this machine. */
  private void add(InetAddress source, long seconds) {
    check.add(source, clock.inSeconds(seconds + 20), clock.inSeconds(0));
  }

  @Test
  void aClockThatIsAheadIsReportedOnceAnHour() {
    for (int i = 0; i < 100; i++) {
      add(address(50, 1, i, 1), -3_600 + i % 30);
    }
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("3599 s ahead of the clocks", "Set the clock");
    clock.advance(Duration.ofMinutes(59));
    add(address(50, 1, 1, 1), -3_600);
    add(address(50, 1, 2, 1), -3_600);
    add(address(50, 1, 3, 1), -3_600);
    assertThat(warnings).hasSize(1);
    clock.advance(Duration.ofMinutes(1));
    add(address(50, 1, 4, 1), -3_600);
    assertThat(warnings).hasSize(2);
  }

  @Test
  void aClockThatIsBehindIsReported() {
    for (int i = 0; i < 3; i++) {
      add(address(10, 0, 0, i), 7_200);
    }
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("7200 s behind the clocks");
  }

  @Test
  void oneSubnetHasOneVote() {
    for (int i = 0; i < 1_000; i++) {
      add(address(50, 1, 1, i), -3_600);
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void nodesWithTheRightTimePrevail() {
    for (int i = 0; i < 3; i++) {
      add(address(50, 1, i, 1), 0);
      add(address(50, 2, i, 1), -3_600);
      add(address(50, 3, i, 1), -3_600);
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void nodesThatDisagreeDoNotCount() {
    for (int i = 0; i < 100; i++) {
      add(address(50, 1, i, 1), -3_600 - 100L * i);
    }
    assertThat(warnings).isEmpty();
    check.add(address(60, 1, 1, 1), Long.MIN_VALUE, clock.inSeconds(0));
    check.add(address(60, 1, 2, 1), Long.MAX_VALUE, clock.inSeconds(0));
    assertThat(warnings).isEmpty();
  }

  @Test
  void packetsThatWereSeenLongAgoDoNotCount() {
    add(address(50, 1, 1, 1), -3_600);
    add(address(50, 1, 2, 1), -3_600);
    clock.advance(Duration.ofMinutes(11));
    add(address(50, 1, 3, 1), -3_600);
    assertThat(warnings).isEmpty();
    add(address(50, 1, 1, 1), -3_600);
    add(address(50, 1, 2, 1), -3_600);
    assertThat(warnings).hasSize(1);
  }

  @Test
  void rightClocksAreNotReported() {
    for (int i = 0; i < 300; i++) {
      add(address(50, i / 200, i % 200, 1), i % 60 - 10);
    }
    assertThat(warnings).isEmpty();
  }
}
