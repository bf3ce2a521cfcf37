// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.crypto.KeyFile;
import dev.patchbay.primitives.ForkId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole nodes on loopback: socket, threads, life cycle. */
@Timeout(120)
class DiscoveryTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final ForkId FORK_ID = new ForkId(0x01020304, 0);

  @TempDir Path folder;

  private final BlockingQueue<Node> candidates = new LinkedBlockingQueue<>();

  private DiscoverySettings settings(boolean v4, boolean v5, int port, List<NodeRecord> boot)
      throws Exception {
    return new DiscoverySettings(
        KeyFile.generate(RANDOM),
        new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port),
        30_303,
        null,
        List.of(),
        boot,
        List.of(),
        folder.resolve(boot.isEmpty() ? "a" : "b").resolve("nodes.rlp"),
        address -> true,
        v4,
        v5);
  }

  private Discovery discovery(DiscoverySettings settings) {
    return new Discovery(
        settings, () -> EthEntry.of(FORK_ID), EthEntry.filter(FORK_ID), candidates::add);
  }

  /** Looks up until a candidate is found: on a busy machine responses may be late. */
  private Node candidate(Discovery of) throws InterruptedException {
    while (true) {
      of.lookup();
      Node found = candidates.poll(100, TimeUnit.MILLISECONDS);
      if (found != null) {
        return found;
      }
    }
  }

  private void expectEachOther(boolean v4, boolean v5) throws Exception {
    try (Discovery first = discovery(settings(v4, v5, 0, List.of()))) {
      first.start();
      try (Discovery second = discovery(settings(v4, v5, 0, List.of(first.localRecord())))) {
        second.start();
        Node found = candidate(second);
        assertThat(found.publicKey()).isEqualTo(first.localRecord().publicKey());
        assertThat(found.udpPort()).isEqualTo(first.port());
        assertThat(found.tcpPort()).isEqualTo(30_303);
        do { // the second node may find the first one again
          found = candidate(first);
        } while (found.publicKey().equals(first.localRecord().publicKey()));
        assertThat(found.publicKey()).isEqualTo(second.localRecord().publicKey());
        assertThat(first.failure()).isNull();
        assertThat(second.failure()).isNull();
      }
    }
  }

  @Test
  void nodesFindEachOtherByVersion4() throws Exception {
    expectEachOther(true, false);
  }

  @Test
  void nodesFindEachOtherByVersion5() throws Exception {
    expectEachOther(false, true);
  }

  @Test
  void bothVersionsShareThePort() throws Exception {
    try (Discovery both = discovery(settings(true, true, 0, List.of()))) {
      both.start();
      for (boolean v4 : new boolean[] {true, false}) {
        candidates.clear();
        try (Discovery other = discovery(settings(v4, !v4, 0, List.of(both.localRecord())))) {
          other.start();
          assertThat(candidate(other).publicKey()).isEqualTo(both.localRecord().publicKey());
        }
      }
    }
  }

  @Test
  void theRecordIsUpdatedAndStored() throws Exception {
    DiscoverySettings settings = settings(true, true, 0, List.of());
    NodeRecord record;
    try (Discovery discovery = discovery(settings)) {
      discovery.start();
      record = discovery.localRecord();
      assertThat(record.entries()).containsAllEntriesOf(EthEntry.of(FORK_ID));
      discovery.setTcpPort(4_444);
      while (discovery.localRecord().equals(record)) {
        Thread.onSpinWait();
      }
      record = discovery.localRecord();
      assertThat(Objects.requireNonNull(record.node()).tcpPort()).isEqualTo(4_444);
    }
    NodeDatabase stored =
        new NodeDatabase(Objects.requireNonNull(settings.database()), java.time.Clock.systemUTC());
    assertThat(stored.localRecord()).isEqualTo(record);
  }

  @Test
  void aTakenPortIsReportedAndNothingIsStarted() throws Exception {
    try (Discovery first = discovery(settings(true, true, 0, List.of()))) {
      first.start();
      Discovery second = discovery(settings(true, true, first.port(), List.of()));
      assertThatThrownBy(second::start)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot be bound")
          .hasMessageContaining(String.valueOf(first.port()));
      assertThatThrownBy(second::localRecord).isInstanceOf(IllegalStateException.class);
      second.close();
    }
    assertThat(ownThreads()).isZero();
  }

  @Test
  void closeEndsTheThreads() throws Exception {
    for (int i = 0; i < 3; i++) {
      Discovery discovery = discovery(settings(true, true, 0, List.of()));
      discovery.start();
      assertThat(ownThreads()).isEqualTo(2);
      discovery.close();
      discovery.close();
      assertThat(ownThreads()).isZero();
    }
  }

  private static long ownThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(Set.of("p2p-devp2p-udp-0", "p2p-devp2p-discovery-0")::contains)
        .count();
  }
}
