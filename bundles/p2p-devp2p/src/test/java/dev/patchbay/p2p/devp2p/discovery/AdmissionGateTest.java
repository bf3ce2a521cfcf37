// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The limits of packets before their cryptographic verification. */
class AdmissionGateTest {
  private final TestClock clock = new TestClock();
  private final AdmissionGate gate = new AdmissionGate(clock::nanoTime);

  private static InetAddress source(int number) {
    return Addresses.of(new byte[] {9, 9, (byte) (number >> 8), (byte) number});
  }

  private int enter(InetAddress source, int packets) {
    int admitted = 0;
    for (int i = 0; i < packets; i++) {
      admitted += gate.tryEnter(source) ? 1 : 0;
    }
    return admitted;
  }

  @Test
  void packetsInFlightAreBoundedBySourceAndInTotal() {
    assertThat(enter(source(1), 100)).isEqualTo(AdmissionGate.MAX_IN_FLIGHT_PER_SOURCE);
    int admitted = AdmissionGate.MAX_IN_FLIGHT_PER_SOURCE;
    for (int i = 2; i < 50; i++) {
      admitted += enter(source(i), 100);
    }
    assertThat(admitted).isEqualTo(AdmissionGate.MAX_IN_FLIGHT);
    gate.leave(source(1));
    assertThat(enter(source(60), 100)).isEqualTo(1);
  }

  @Test
  void theRateOfASourceIsBounded() {
    assertThat(pass(source(1), 1_000)).isEqualTo(2 * AdmissionGate.RATE_PER_SOURCE);
    assertThat(pass(source(2), 1_000)).isEqualTo(2 * AdmissionGate.RATE_PER_SOURCE);
    clock.advance(Duration.ofSeconds(1));
    assertThat(pass(source(1), 1_000)).isEqualTo(AdmissionGate.RATE_PER_SOURCE);
    clock.advance(Duration.ofHours(1));
    assertThat(pass(source(1), 1_000)).isEqualTo(2 * AdmissionGate.RATE_PER_SOURCE);
  }

  /** Sends packets that leave the gate at once. */
  private int pass(InetAddress source, int packets) {
    int admitted = 0;
    for (int i = 0; i < packets; i++) {
      if (gate.tryEnter(source)) {
        admitted += gate.tryVerify() ? 1 : 0;
        gate.leave(source);
      }
    }
    return admitted;
  }

  @Test
  void theRateInTotalIsBounded() {
    int admitted = 0;
    for (int i = 0; i < 2 * AdmissionGate.MAX_SOURCES; i++) {
      admitted += pass(source(i), 1);
    }
    assertThat(admitted).isEqualTo(2 * AdmissionGate.RATE);
  }

  @Test
  void packetsOfAWrongFormDoNotCountInTotal() {
    for (int i = 0; i < 2 * AdmissionGate.RATE; i++) {
      assertThat(gate.tryEnter(source(i))).isTrue();
      gate.leave(source(i));
    }
    assertThat(pass(source(0), 1)).isEqualTo(1);
  }

  @Test
  void aSourceOfIp6IsANetworkOf64Bits() {
    byte[] one = {0x20, 1, 0x48, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    byte[] other = one.clone();
    other[15] = 2;
    byte[] apart = one.clone();
    apart[7] = 1;
    assertThat(pass(Addresses.of(one), 1_000)).isEqualTo(2 * AdmissionGate.RATE_PER_SOURCE);
    assertThat(pass(Addresses.of(other), 10)).isZero();
    assertThat(pass(Addresses.of(apart), 10)).isEqualTo(10);
  }
}
