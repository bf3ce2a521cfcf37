// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.binding.DurableFiles;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits of addresses, and bans. */
class PeerLimitsTest {
  private final TestClock clock = new TestClock();
  private final List<String> warnings = new ArrayList<>();

  @TempDir Path folder;

  private static InetAddress address(String text) {
    try {
      return InetAddress.getByAddress(NetUtil.createByteArrayFromIpAddressString(text));
    } catch (UnknownHostException malformed) {
      throw new IllegalArgumentException(malformed);
    }
  }

  private InboundLimiter limiter(String... networks) {
    return new InboundLimiter(clock, new NetRestrict(List.of(networks)));
  }

  @Test
  void anAddressMayConnectOnceIn30Seconds() {
    InboundLimiter limiter = limiter();
    assertThat(limiter.accept(address("8.8.8.8"))).isTrue();
    clock.advance(Duration.ofSeconds(29));
    assertThat(limiter.accept(address("8.8.8.8"))).isFalse();
    assertThat(limiter.accept(address("8.8.8.9"))).isTrue();
    clock.advance(Duration.ofSeconds(1));
    assertThat(limiter.accept(address("8.8.8.8"))).isTrue(); // refused attempts do not count
    clock.advance(Duration.ofSeconds(28));
    assertThat(limiter.accept(address("8.8.8.9"))).isFalse();
    assertThat(limiter.accept(address("8.8.8.8"))).isFalse();
    clock.advance(Duration.ofSeconds(1));
    assertThat(limiter.accept(address("8.8.8.9"))).isTrue();
    assertThat(limiter.pending()).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "::1", "fd00::1"})
  void localAddressesMayConnectAtAnyTime(String local) {
    InboundLimiter limiter = limiter();
    assertThat(limiter.accept(address(local))).isTrue();
    assertThat(limiter.accept(address(local))).isTrue();
  }

  @Test
  void fiftyConnectionsMayBeInHandshakes() {
    InboundLimiter limiter = limiter();
    for (int i = 0; i < InboundLimiter.MAX_PENDING; i++) {
      assertThat(limiter.accept(address("10.0.0." + i))).isTrue();
    }
    assertThat(limiter.accept(address("10.0.0.99"))).isFalse();
    limiter.handshakeEnded(address("10.0.0.0"));
    assertThat(limiter.accept(address("10.0.0.99"))).isTrue();
  }

  @Test
  void anIpv6NetworkOfOneHostIsOneSource() {
    InboundLimiter limiter = limiter();
    assertThat(limiter.accept(address("2001:db8:0:1::1"))).isTrue();
    assertThat(limiter.accept(address("2001:db8:0:1::2"))).isFalse();
    assertThat(limiter.accept(address("2001:db8:0:1:ffff::"))).isFalse();
    assertThat(limiter.accept(address("2001:db8:0:2::1"))).isTrue();
    assertThat(limiter.accept(address("::ffff:8.8.8.8"))).as("IPv4 in IPv6").isTrue();
    assertThat(limiter.accept(address("::ffff:8.8.8.9"))).isTrue();
    clock.advance(InboundLimiter.INTERVAL);
    assertThat(limiter.accept(address("2001:db8:0:1::2"))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.", "fd00::"})
  void oneHostDoesNotOccupyAllPlaces(String network) {
    InboundLimiter limiter = limiter();
    InetAddress host = address(network + 1);
    for (int i = 0; i < InboundLimiter.MAX_PENDING_PER_SOURCE; i++) {
      assertThat(limiter.accept(host)).isTrue();
    }
    assertThat(limiter.accept(host)).isFalse();
    assertThat(limiter.accept(address("10.0.1.1"))).isTrue();
    limiter.handshakeEnded(address("10.0.1.1"));
    assertThat(limiter.accept(host)).isFalse();
    limiter.handshakeEnded(host);
    assertThat(limiter.accept(host)).isTrue();
    assertThat(limiter.pending()).isEqualTo(InboundLimiter.MAX_PENDING_PER_SOURCE);
  }

  @Test
  void manyNodesOfThisMachineMayConnectAtOnce() {
    InboundLimiter limiter = limiter();
    for (int i = 0; i < InboundLimiter.MAX_PENDING; i++) {
      assertThat(limiter.accept(address("127.0.0.1"))).isTrue();
    }
    assertThat(limiter.accept(address("127.0.0.1"))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.1.2, true",
    "10.0.0.0/8, 11.0.0.1, false",
    "10.0.0.0/8, ::1, false",
    "192.168.1.128/25, 192.168.1.129, true",
    "192.168.1.128/25, 192.168.1.127, false",
    "1.2.3.4, 1.2.3.4, true",
    "1.2.3.4, 1.2.3.5, false",
    "0.0.0.0/0, 9.9.9.9, true",
    "fd00::/8, fd12::1, true",
    "fd00::/8, fe80::1, false",
    "fd00::/8, 10.0.0.1, false"
  })
  void networksRestrictAddresses(String network, String address, boolean allowed) {
    assertThat(new NetRestrict(List.of(network)).allows(address(address))).isEqualTo(allowed);
    assertThat(limiter("4.4.4.4", network).accept(address(address))).isEqualTo(allowed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "a/8", "", "/8"})
  void malformedNetworksAreRefused(String network) {
    assertThatThrownBy(() -> new NetRestrict(List.of(network)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aBanEndsByItselfAndSurvivesARestart() {
    Path file = folder.resolve("p2p/bans");
    NodeId id = PeerManagerTest.node(1);
    BanList bans = new BanList(file, clock, warnings::add);
    bans.ban(id, Duration.ofMinutes(10), "");
    bans.ban(PeerManagerTest.node(2), Duration.ofMinutes(1), "");
    assertThat(bans.isBanned(PeerManagerTest.node(3))).isFalse();
    bans.close();
    clock.advance(Duration.ofMinutes(9));
    BanList restarted = new BanList(file, clock, warnings::add);
    assertThat(restarted.isBanned(id)).isTrue();
    assertThat(restarted.isBanned(PeerManagerTest.node(2))).isFalse();
    clock.advance(Duration.ofMinutes(1));
    assertThat(restarted.isBanned(id)).isFalse();
    assertThat(warnings).isEmpty();
  }

  @Test
  void bansAreListedWithTheirReasons() throws IOException {
    Path file = folder.resolve("bans");
    BanList bans = new BanList(file, clock, warnings::add);
    bans.ban(
        PeerManagerTest.node(1),
        Duration.ofMinutes(10),
        "two\nlines \u001b[31m " + "x".repeat(500));
    bans.ban(PeerManagerTest.node(2), Duration.ofMinutes(5), "");
    bans.ban(PeerManagerTest.node(3), Duration.ofMinutes(1), "short");
    bans.close();
    clock.advance(Duration.ofMinutes(1));
    List<BanList.Ban> read = new BanList(file, clock, warnings::add).list();
    assertThat(read)
        .extracting(BanList.Ban::id)
        .as("without the one that has ended, the next one to end first")
        .containsExactly(PeerManagerTest.node(2), PeerManagerTest.node(1));
    assertThat(read.get(0).reason()).isEmpty();
    assertThat(read.get(1).reason()).startsWith("two?lines ?[31m xxx").hasSize(200);
    assertThat(read.get(1).until()).isEqualTo(clock.instant().plus(Duration.ofMinutes(9)));
    assertThat(read).isEqualTo(bans.list());
    assertThat(warnings).isEmpty();
  }

  /** The disk is full: each ban meets it. */
  @Test
  void bansThatCannotBeWrittenAreReportedOnce() throws Exception {
    CountDownLatch tried = new CountDownLatch(5);
    BanList bans =
        new BanList(
            folder.resolve("bans"),
            clock,
            warnings::add,
            (to, content) -> {
              tried.countDown();
              throw new IOException("No space left on device");
            });
    for (long left = tried.getCount(); left > 0; left--) {
      bans.ban(PeerManagerTest.node((int) left), Duration.ofMinutes(1), "");
      while (tried.getCount() >= left) {
        Thread.onSpinWait(); // until this ban was tried
      }
    }
    bans.close();
    assertThat(warnings).hasSize(1);
  }

  @Test
  void linesThatAreNoBansAreIgnored() throws IOException {
    Path file = folder.resolve("bans");
    NodeId id = PeerManagerTest.node(1);
    Files.writeString(
        file, "rubbish\n\n" + id + " 2099-01-01T00:00:00Z\n" + id + " never\n00 2099-01-01\n");
    BanList bans = new BanList(file, clock, warnings::add);
    assertThat(bans.isBanned(id)).isTrue();
    assertThat(warnings)
        .containsExactly(
            "3 lines of %1$s are not bans, and are ignored; it is kept as %1$s.damaged"
                .formatted(file));
    assertThat(file).hasContent(id + " 2099-01-01T00:00:00Z");
    assertThat(folder.resolve("bans.damaged")).content().contains("rubbish", "never");
  }

  @Test
  void aFileOfBansThatCannotBeReadIsMovedAside() throws IOException {
    Path file = folder.resolve("bans");
    Files.createDirectory(file);
    Files.writeString(file.resolve("kept"), "kept"); // also root cannot read a folder
    try (BanList bans = new BanList(file, clock, warnings::add)) {
      bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), "");
    }
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains(file + " are ignored", "kept as " + file + ".damaged");
    assertThat(folder.resolve("bans.damaged/kept")).hasContent("kept");
    assertThat(file).content().contains(PeerManagerTest.node(1).toString());
  }

  @Test
  void aFileOfBansThatCannotBeMovedAsideIsNotOverwritten() throws IOException {
    Path file = Files.writeString(folder.resolve("bans"), "rubbish");
    Files.createDirectories(folder.resolve("bans.damaged/full"));
    try (BanList bans = new BanList(file, clock, warnings::add)) {
      bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), "");
      assertThat(bans.isBanned(PeerManagerTest.node(1))).isTrue();
    }
    assertThat(file).hasContent("rubbish");
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("cannot be moved", "not written until the next start");
  }

  /** A disk that is slow: no call waits for it, and what has changed meanwhile is written once. */
  @Test
  @Timeout(60) // a call that waits for the disk never returns
  void noCallWaitsForTheDisk() throws InterruptedException {
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    List<String> written = new CopyOnWriteArrayList<>();
    BanList bans =
        new BanList(
            folder.resolve("bans"),
            clock,
            warnings::add,
            (file, content) -> {
              written.add(new String(content, StandardCharsets.ISO_8859_1));
              writing.countDown();
              try {
                released.await();
              } catch (InterruptedException interrupted) {
                throw new IOException(interrupted);
              }
            });
    bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), "");
    writing.await();
    for (int i = 2; i <= 9; i++) {
      bans.ban(PeerManagerTest.node(i), Duration.ofMinutes(1), "");
      assertThat(bans.isBanned(PeerManagerTest.node(i))).isTrue();
    }
    assertThat(bans.unban(PeerManagerTest.node(1))).isTrue();
    released.countDown();
    bans.close();
    assertThat(written).hasSize(2);
    assertThat(written.get(0)).contains(PeerManagerTest.node(1).toString());
    assertThat(written.get(1).lines()).hasSize(8);
    assertThat(written.get(1)).doesNotContain(PeerManagerTest.node(1).toString());
    assertThat(warnings).isEmpty();
  }

  @Test
  void aWriteThatHasFailedIsRepeatedAtTheEnd() throws InterruptedException {
    Path file = folder.resolve("p2p/bans");
    CountDownLatch failed = new CountDownLatch(1);
    BanList bans =
        new BanList(
            file,
            clock,
            text -> failed.countDown(),
            (to, content) -> {
              if (failed.getCount() > 0) {
                throw new IOException("No space left on device");
              }
              DurableFiles.replace(to, content);
            });
    bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), "");
    failed.await();
    bans.close();
    assertThat(file).content().contains(PeerManagerTest.node(1).toString());
  }

  @Test
  void aFileThatCannotBeWrittenIsReportedAndTheBanHolds() throws IOException {
    Files.writeString(folder.resolve("p2p"), "a file");
    BanList bans = new BanList(folder.resolve("p2p/bans"), clock, warnings::add);
    bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), "");
    assertThat(bans.isBanned(PeerManagerTest.node(1))).isTrue();
    bans.close();
    assertThat(warnings).isNotEmpty();
    assertThat(warnings.get(0)).contains("the bans last until the node stops");
  }

  @Test
  void bansAreBounded() throws IOException {
    Path file = folder.resolve("bans");
    StringBuilder lines = new StringBuilder();
    for (int i = 1; i <= 1_100; i++) {
      lines.append(PeerManagerTest.node(i)).append(" 2099-01-01T00:00:00Z\n");
    }
    Files.writeString(file, lines);
    BanList bans = new BanList(file, clock, warnings::add);
    assertThat(bans.isBanned(PeerManagerTest.node(100))).isFalse();
    assertThat(bans.isBanned(PeerManagerTest.node(101))).isTrue();
  }

  private static void banNodes(BanList bans, int from, Duration duration, String reason) {
    for (int i = from; i < from + 1_000; i++) {
      bans.ban(PeerManagerTest.node(i), duration, reason);
    }
  }

  @Test
  void bansOfPeersDoNotEvictThoseOfTheOperator() {
    BanList bans = new BanList(null, clock, warnings::add);
    bans.ban(PeerManagerTest.node(1), Duration.ofMinutes(1), PeerBan.BY_OPERATOR);
    bans.ban(PeerManagerTest.node(2), Duration.ofMinutes(20), "an invalid block");
    banNodes(bans, 3, Duration.ofMinutes(10), "an invalid block");
    assertThat(bans.list()).hasSize(1_000);
    assertThat(bans.isBanned(PeerManagerTest.node(1))).isTrue();
    assertThat(bans.isBanned(PeerManagerTest.node(2))).as("it ends last").isTrue();
    assertThat(bans.isBanned(PeerManagerTest.node(3))).as("it ends first").isFalse();
    assertThat(bans.isBanned(PeerManagerTest.node(1_002))).isTrue();
  }

  @Test
  void aBanOfTheOperatorTakesAPlaceInAnyCase() {
    BanList bans = new BanList(null, clock, warnings::add);
    banNodes(bans, 1, Duration.ofMinutes(10), PeerBan.BY_OPERATOR);
    bans.ban(PeerManagerTest.node(1_001), Duration.ofDays(1), "an invalid block");
    assertThat(bans.isBanned(PeerManagerTest.node(1_001))).isFalse();
    bans.ban(PeerManagerTest.node(1_002), Duration.ofMinutes(1), PeerBan.BY_OPERATOR);
    assertThat(bans.isBanned(PeerManagerTest.node(1_002))).isTrue();
    assertThat(bans.isBanned(PeerManagerTest.node(1))).isFalse();
    assertThat(bans.list()).hasSize(1_000);
  }

  @Test
  void aBanOfTheOperatorIsNotShortened() {
    BanList bans = new BanList(null, clock, warnings::add);
    NodeId id = PeerManagerTest.node(1);
    bans.ban(id, Duration.ofDays(1), PeerBan.BY_OPERATOR);
    bans.ban(id, Duration.ofMinutes(10), "an invalid block");
    clock.advance(Duration.ofMinutes(10));
    assertThat(bans.isBanned(id)).isTrue();
    bans.ban(id, Duration.ofMinutes(1), PeerBan.BY_OPERATOR);
    clock.advance(Duration.ofMinutes(1));
    assertThat(bans.isBanned(id)).as("the operator may do so").isFalse();
  }

  @Test
  void endsAreCountedByReasonAndSide() {
    DisconnectCounts counts = new DisconnectCounts();
    counts.count(new SessionEnd(DisconnectReason.TOO_MANY_PEERS, true, "a"));
    counts.count(new SessionEnd(DisconnectReason.TOO_MANY_PEERS, true, "b"));
    counts.count(new SessionEnd(DisconnectReason.TOO_MANY_PEERS, false, "c"));
    counts.count(new SessionEnd(null, true, "d"));
    assertThat(counts.snapshot())
        .containsOnly(
            java.util.Map.entry("received: too many peers", 2L),
            java.util.Map.entry("sent: too many peers", 1L),
            java.util.Map.entry("received: unknown reason", 1L));
  }
}
