// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import io.netty.channel.ConnectTimeoutException;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Each node that is due is dialed, and each dial ends exactly once. */
class DialerTest {
  /** A dial that has been given to the connector. */
  private record Connecting(Dialer.Dial dial, InetSocketAddress address, Promise<Void> result) {}

  private final TestClock clock = new TestClock();
  private final DialSchedule schedule = new DialSchedule(clock);
  private final List<Connecting> connecting = new ArrayList<>();
  private final Queue<Runnable> lookups = new ArrayDeque<>();
  private final AtomicInteger ends = new AtomicInteger();
  private final Set<NodeId> excluded = new HashSet<>();
  private final Dialer dialer = dialer("127.0.0.0/8", "::1");

  private Dialer dialer(String... networks) {
    return new Dialer(
        schedule,
        new NetRestrict(List.of(networks)),
        lookups::add,
        this::connect,
        ends::incrementAndGet);
  }

  private Future<?> connect(Dialer.Dial dial, InetSocketAddress address) {
    Promise<Void> result = ImmediateEventExecutor.INSTANCE.newPromise();
    connecting.add(new Connecting(dial, address, result));
    return result;
  }

  private static NodeUrl url(int number, String host) {
    return new NodeUrl(PeerManagerTest.node(number), host, 30_303, 30_303);
  }

  /** Dials a node, and returns the dial. */
  private Connecting dial(Dialer by) {
    schedule.configure(url(1, "127.0.0.1"));
    by.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(by.underWay()).containsExactly(url(1, "127.0.0.1").toString());
    assertThat(ends).hasValue(0);
    return connecting.remove(0);
  }

  /** Asserts that the dial has ended once, and that the node can be dialed again. */
  private void assertEnded(Dialer by) {
    assertThat(ends).hasValue(1);
    assertThat(by.underWay()).isEmpty();
    clock.advance(DialSchedule.LONG_INTERVAL);
    by.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).hasSize(1);
  }

  @Test
  void aConnectionThatIsRefused() {
    dial(dialer).result().setFailure(new ConnectException("refused"));
    assertEnded(dialer);
  }

  @Test
  void aConnectionThatTimesOut() {
    Connecting dial = dial(dialer);
    clock.advance(DialSchedule.INTERVAL.multipliedBy(2));
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).as("a second dial to the same node").isEmpty();
    dial.result().setFailure(new ConnectTimeoutException("no reply"));
    assertEnded(dialer);
  }

  @Test
  void aHandshakeThatThePeerRefuses() {
    Connecting dial = dial(dialer);
    dial.result().setSuccess(null);
    assertThat(ends).hasValue(0);
    dialer.failed(dial.dial(), true, DisconnectReason.TOO_MANY_PEERS);
    assertEnded(dialer);
  }

  @Test
  void aConnectionThatThisNodeClosesWhileItIsDialed() {
    Connecting dial = dial(dialer);
    dialer.failed(dial.dial(), false, DisconnectReason.REQUESTED); // the end of its session
    dial.result().setFailure(new ConnectException("closed"));
    assertEnded(dialer);
  }

  @Test
  void aPeerThatDisconnects() {
    Connecting dial = dial(dialer);
    dial.result().setSuccess(null);
    dialer.succeeded(dial.dial());
    dialer.failed(dial.dial(), true, DisconnectReason.REQUESTED); // the end of its session
    assertEnded(dialer);
  }

  @Test
  void aNetworkThatIsStoppedWhileItDials() {
    Connecting dial = dial(dialer);
    dialer.close();
    assertThat(ends).hasValue(1);
    assertThat(dialer.underWay()).isEmpty();
    dial.result().setFailure(new ConnectException("closed"));
    dialer.failed(dial.dial(), false, DisconnectReason.CLIENT_QUITTING);
    dialer.close();
    assertThat(ends).hasValue(1);
    clock.advance(DialSchedule.INTERVAL);
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).isEmpty();
    assertThat(ends).as("each node that was due").hasValue(2);
    assertThat(dialer.underWay()).isEmpty();
  }

  @Test
  void aNetworkThatIsStoppedWhileItLooksUpAName() {
    schedule.configure(url(1, "localhost"));
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(dialer.underWay()).hasSize(1);
    dialer.close();
    assertThat(ends).hasValue(1);
    lookups.remove().run(); // unless it was dropped
    assertThat(connecting).isEmpty();
    assertThat(ends).hasValue(1);
  }

  @Test
  void aNameThatIsLookedUp() {
    schedule.configure(url(1, "localhost"));
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).isEmpty();
    lookups.remove().run();
    assertThat(connecting.get(0).address().getAddress().isLoopbackAddress()).isTrue();
    connecting.remove(0).result().setFailure(new ConnectException("refused"));
    clock.advance(DialSchedule.INTERVAL);
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(ends).hasValue(1);
    assertThat(lookups).hasSize(1);
  }

  @Test
  void anErrorInTheDialItself() {
    AtomicInteger attempts = new AtomicInteger();
    Dialer failing =
        new Dialer(
            schedule,
            new NetRestrict(List.of()),
            task -> {
              throw new RejectedExecutionException("the network ends");
            },
            (dial, address) -> {
              attempts.incrementAndGet();
              throw new OutOfMemoryError("unable to create native thread");
            },
            ends::incrementAndGet);
    schedule.configure(url(1, "127.0.0.1"));
    schedule.configure(url(2, "127.0.0.1"));
    schedule.configure(url(3, "localhost"));
    failing.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(attempts).hasValue(2);
    assertThat(ends).hasValue(3);
    assertThat(failing.underWay()).isEmpty();
    clock.advance(DialSchedule.INTERVAL);
    failing.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(ends).hasValue(6);
  }

  @Test
  void anAddressOutsideOfThePermittedNetworks() {
    Dialer restricted = dialer("10.0.0.0/8");
    schedule.configure(url(1, "127.0.0.1"));
    restricted.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).isEmpty();
    assertThat(ends).hasValue(1);
    assertThat(restricted.underWay()).isEmpty();
  }

  @Test
  void aNodeThatIsRemovedAndAddedWhileItIsDialed() {
    Connecting first = dial(dialer);
    schedule.remove(url(1, "127.0.0.1").id());
    schedule.configure(url(1, "127.0.0.1"));
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).as("a second dial to the same node").isEmpty();
    first.result().setFailure(new ConnectException("refused"));
    assertEnded(dialer);
    dialer.failed(first.dial(), false, null); // does not end the second dial
    assertThat(ends).hasValue(1);
    assertThat(dialer.underWay()).hasSize(1);
  }

  @Test
  void aNodeThatIsExcluded() {
    schedule.configure(url(1, "127.0.0.1"));
    excluded.add(PeerManagerTest.node(1));
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).isEmpty();
    excluded.clear();
    dialer.dialDue(0, excluded::contains, subnet -> 0);
    assertThat(connecting).hasSize(1);
  }
}
