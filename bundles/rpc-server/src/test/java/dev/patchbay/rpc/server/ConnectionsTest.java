// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Which connections of many stay open. */
class ConnectionsTest {
  private long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(5); // it overflows, as nanoTime may
  private final Connections connections = new Connections(3, Duration.ofSeconds(10), () -> now);
  private final Map<String, Connections.Entry> entries = new HashMap<>();
  private final List<String> closed = new ArrayList<>();

  private Connections.Entry open(String client, String name) {
    Connections.Entry entry = connections.entry(client, () -> close(name));
    entries.put(name, entry);
    entry.open();
    return entry;
  }

  private void close(String name) {
    closed.add(name);
    entries.get(name).closed();
  }

  private void pass(long seconds) {
    now += TimeUnit.SECONDS.toNanos(seconds);
    connections.closeLate();
  }

  @Test
  void theConnectionThatHasIdledLongestMakesRoom() {
    Connections.Entry first = open("a", "first");
    open("a", "second");
    open("a", "third");
    first.begin(0);
    first.end();
    open("a", "fourth");
    open("a", "fifth");
    assertThat(closed).containsExactly("second", "third");
    assertThat(connections.count()).isEqualTo(3);
  }

  @Test
  void aRequestThatIsBegunDoesNotEndTheIdleTime() {
    Connections.Entry first = open("a", "first");
    Connections.Entry second = open("a", "second");
    open("a", "third");
    first.received();
    second.received();
    second.begin(1_000);
    open("a", "fourth");
    open("a", "fifth");
    open("a", "sixth");
    assertThat(closed).containsExactly("first", "second", "third");
  }

  @Test
  void oneClientDoesNotKeepOthersOut() {
    open("honest", "honest");
    for (int i = 0; i < 10_000; i++) {
      open("hostile", "hostile" + i);
    }
    assertThat(closed).hasSize(9_998).doesNotContain("honest");
    assertThat(connections.count()).isEqualTo(3);
  }

  @Test
  void aConnectionWithACallIsNotClosed() {
    for (String name : List.of("x", "y", "z")) {
      Connections.Entry entry = open("a", name);
      entry.begin(0);
      entry.hold();
    }
    open("b", "late");
    assertThat(closed).containsExactly("late");
    pass(100);
    assertThat(closed).containsExactly("late");
    entries.get("y").release(0);
    open("b", "next");
    assertThat(closed).containsExactly("late", "y");
  }

  @Test
  void trafficDoesNotExtendTheDeadlineOfAHeader() {
    open("a", "silent");
    pass(10);
    assertThat(closed).isEmpty();
    pass(1);
    assertThat(closed).containsExactly("silent");
    assertThat(connections.count()).isZero();
  }

  @Test
  void theFirstByteOfARequestStartsTheIdleTimeAgain() {
    Connections.Entry entry = open("a", "polling");
    for (int request = 0; request < 3; request++) {
      pass(9);
      entry.received();
      pass(9);
      entry.received();
      entry.begin(0);
      entry.received(); // of the body
      entry.end();
    }
    assertThat(closed).isEmpty();
    entry.received();
    pass(6);
    entry.received();
    pass(6);
    assertThat(closed).as("later bytes do not extend it").containsExactly("polling");
  }

  @Test
  void aBodyAndAResponseHaveTimeByTheirLength() {
    Connections.Entry entry = open("a", "slow");
    pass(9);
    entry.begin(16_384 * 20);
    pass(30);
    assertThat(closed).isEmpty();
    entry.hold();
    pass(1_000);
    entry.release(16_384 * 5);
    pass(15);
    assertThat(closed).isEmpty();
    entry.end();
    pass(10);
    assertThat(closed).isEmpty();
    entry.begin(16_384 * 20);
    pass(31);
    assertThat(closed).containsExactly("slow");
  }

  @Test
  void aTransferHasADeadlineOfItsOwn() {
    Connections.Entry entry = open("a", "held");
    entry.hold();
    Connections.Transfer first = entry.transfer();
    Connections.Transfer second = entry.transfer();
    first.begin(16_384 * 5);
    pass(14);
    second.begin(16_384 * 100);
    entry.begin(16_384 * 100);
    first.end();
    pass(100);
    assertThat(closed).isEmpty();
    first.begin(0);
    second.begin(0);
    pass(9);
    second.begin(0);
    assertThat(closed).isEmpty();
    pass(2);
    assertThat(closed).as("the second transfer does not extend the first").containsExactly("held");
    pass(100);
    assertThat(closed).hasSize(1);
  }

  @Test
  void aConnectionIsCountedAndClosedOnce() {
    Connections.Entry entry = open("a", "x");
    entry.closed();
    entry.closed();
    entry.release(0);
    assertThat(connections.count()).isZero();
    pass(100);
    assertThat(closed).isEmpty();
  }

  @Test
  void clientsAreToldApartByAddress() throws Exception {
    assertThat(client("10.0.0.1", 1)).isEqualTo(client("10.0.0.1", 2));
    assertThat(client("10.0.0.1", 1)).isNotEqualTo(client("10.0.0.2", 1));
    assertThat(client("2001:db8::1", 1)).isEqualTo(client("2001:db8::ffff:2", 1));
    assertThat(client("2001:db8::1", 1)).isNotEqualTo(client("2001:db8:0:1::1", 1));
    assertThat(Connections.client(null)).isEqualTo(Connections.ONE_CLIENT);
  }

  private static Object client(String address, int port) throws Exception {
    return Connections.client(new InetSocketAddress(InetAddress.getByName(address), port));
  }
}
