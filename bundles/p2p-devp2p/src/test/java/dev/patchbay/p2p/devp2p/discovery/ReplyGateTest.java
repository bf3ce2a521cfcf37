// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.crypto.KeyFile;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Pong;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Packets of nodes to which a request was sent, while the node is flooded. */
@Timeout(60)
class ReplyGateTest {
  private final TestClock clock = new TestClock();
  private final ReplyGate gate = new ReplyGate(clock::nanoTime);

  private static InetAddress address(int number) {
    return Addresses.of(new byte[] {9, 9, (byte) (number >> 8), (byte) number});
  }

  /** Has packets pass that leave the gate at once; returns how many did. */
  private int pass(InetAddress address, int packets) {
    int admitted = 0;
    for (int i = 0; i < packets; i++) {
      if (gate.tryEnter(address)) {
        admitted++;
        gate.leave();
      }
    }
    return admitted;
  }

  @Test
  void onlyNodesWithARequestMaySendAFewPackets() {
    assertThat(pass(address(1), 10)).isZero();
    gate.expect(address(1));
    assertThat(pass(address(2), 10)).isZero();
    assertThat(pass(address(1), 100)).isEqualTo(ReplyGate.PACKETS_PER_REQUEST);
    assertThat(pass(address(1), 100)).isZero();
    for (int i = 0; i < 100; i++) {
      gate.expect(address(1));
    }
    assertThat(pass(address(1), 100)).isEqualTo(ReplyGate.MAX_PACKETS_PER_ADDRESS);
  }

  @Test
  void anAllowanceEndsWithTheRequest() {
    gate.expect(address(1));
    clock.advance(Duration.ofNanos(ReplyGate.EXPIRES_NANOS));
    assertThat(pass(address(1), 1)).isEqualTo(1);
    clock.advance(Duration.ofNanos(1));
    assertThat(pass(address(1), 1)).isZero();
    gate.expect(address(1));
    assertThat(pass(address(1), 100)).isEqualTo(ReplyGate.PACKETS_PER_REQUEST);
  }

  @Test
  void addressesAndPacketsInFlightAreBounded() {
    for (int i = 0; i <= ReplyGate.MAX_ADDRESSES; i++) {
      gate.expect(address(i));
    }
    assertThat(gate.tryEnter(address(0))).as("evicted").isFalse();
    int admitted = 0;
    for (int i = 1; i <= ReplyGate.MAX_ADDRESSES; i++) {
      admitted += gate.tryEnter(address(i)) ? 1 : 0;
    }
    assertThat(admitted).isEqualTo(ReplyGate.MAX_IN_FLIGHT);
    gate.leave();
    assertThat(gate.tryEnter(address(ReplyGate.MAX_ADDRESSES))).isTrue();
  }

  /** The clock stands still: the rate of the address stays exhausted. */
  @Test
  void aFloodDoesNotKeepTheAnswerToAnOwnPingOut() throws Exception {
    byte[] key = KeyFile.generate(new SecureRandom());
    InetSocketAddress any = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0);
    try (V4Client boot = new V4Client("127.0.0.1", key, 0, clock);
        Discovery discovery =
            new Discovery(
                new DiscoverySettings(
                    KeyFile.generate(new SecureRandom()),
                    any,
                    30_303,
                    null,
                    List.of(
                        new Node(
                            boot.publicKey(),
                            boot.endpoint().address(),
                            boot.endpoint().udpPort(),
                            0)),
                    List.of(),
                    List.of(),
                    null,
                    allowed -> true,
                    true,
                    false),
                Map::of,
                accepted -> true,
                candidate -> {},
                clock,
                clock::nanoTime)) {
      discovery.start();
      V4Codec.Received ping = boot.receive();
      assertThat(ping.packet()).isInstanceOf(Ping.class);
      byte[] garbage = new byte[100];
      for (int i = 0; i < 2 * AdmissionGate.RATE_PER_SOURCE; i++) {
        discovery.receive(garbage, new InetSocketAddress(boot.endpoint().address(), 30_303));
      }
      boot.setNode(discovery.port());
      boot.send(new Pong(boot.nodeEndpoint(), ping.hash(), boot.future(), 0));
      boot.send(boot.ping());
      boot.awaitAndRespond(Pong.class);
      discovery.lookup(); // a lookup that began between the Pong and the ping has pinged again
      boot.awaitAndRespond(FindNode.class); // the node has a proof of the endpoint
    }
  }
}
