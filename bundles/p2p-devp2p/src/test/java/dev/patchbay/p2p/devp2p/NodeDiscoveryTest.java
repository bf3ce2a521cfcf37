// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.p2p.devp2p.discovery.Node;
import dev.patchbay.p2p.devp2p.discovery.NodeRecord;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks of one process that find each other over the loopback interface. */
class NodeDiscoveryTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String[] NONE = {};

  @TempDir Path folder;

  private final List<DevP2pNetwork> networks = new ArrayList<>();
  private final ManualScheduler scheduler = new ManualScheduler();
  private final List<NodeUrl> found = new CopyOnWriteArrayList<>();
  private volatile int tcpPort;
  private volatile boolean dnsResponds;

  @AfterEach
  void closeAll() {
    networks.forEach(DevP2pNetwork::close);
    assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
        .noneMatch(name -> name.startsWith("p2p-devp2p-"));
  }

  /** A sub-protocol whose nodes have an entry with one number. */
  private static final class Chain extends TestProtocol {
    volatile Bytes entry;

    Chain(int number) {
      super("test", 1, 2);
      entry = Bytes.of(new byte[] {(byte) number});
    }

    @Override
    public Map<String, Bytes> recordEntries() {
      return entry.isEmpty() ? Map.of() : Map.of("test", entry);
    }

    @Override
    public boolean acceptsRecord(Map<String, Bytes> entries) {
      return entry.equals(entries.get("test"));
    }
  }

  private DevP2pNetwork start(Chain chain, int port, String versions, String... bootNodes) {
    return start(NodeKey.random(RANDOM), chain, port, versions, bootNodes);
  }

  private DevP2pNetwork start(
      NodeKey key, Chain chain, int port, String versions, String... bootNodes) {
    DevP2pSettingsTest.Values values =
        DevP2pSettingsTest.Values.of("127.0.0.1", port, 30)
            .nodes(NONE, NONE, bootNodes)
            .finding(versions, "", "none");
    InstantSource clock = InstantSource.system();
    DevP2pNetwork network =
        new DevP2pNetwork(
            key,
            DevP2pSettings.of(values, Map.of()),
            SessionSettings.DEFAULT,
            "Patchbay/test",
            new BanList(null, clock, text -> {}),
            clock,
            RANDOM);
    networks.add(network);
    network.configureDiscovery(
        DiscoveryOptions.of(values), folder.resolve(key.id().shortText()).resolve("nodes"));
    network.addProtocol(new Registration(1, 0, "test", "bundle test"), chain);
    network.start();
    return network;
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("a time before the limit").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private static boolean arePeers(DevP2pNetwork one, DevP2pNetwork other) {
    String id = other.localNode().id();
    return one.peers().stream().anyMatch(peer -> peer.id().value().equals(id));
  }

  private void findEachOther(String versions, boolean byRecord) throws Exception {
    DevP2pNetwork first = start(new Chain(1), 0, versions);
    String boot =
        byRecord ? Objects.requireNonNull(first.localNode().record()) : first.localNode().url();
    DevP2pNetwork second = start(new Chain(1), 0, versions, boot);
    DevP2pNetwork stranger = start(new Chain(2), 0, versions, boot);
    DevP2pNetwork third = start(new Chain(1), 0, versions, boot);
    await(() -> arePeers(first, second) && arePeers(first, third) && arePeers(second, third));
    assertThat(second.peers())
        .noneMatch(peer -> peer.configured() && !peer.url().contains(first.localNode().id()));
    assertThat(arePeers(second, stranger)).isFalse();
    assertThat(first.health().status()).isEqualTo(Health.Status.HEALTHY);
    third.close();
    assertThat(folder.resolve(third.localNode().id().substring(0, 16)).resolve("nodes")).exists();
  }

  @Test
  void nodesOfOneChainFindEachOtherByVersion4() throws Exception {
    findEachOther("v4", false);
  }

  @Test
  void nodesOfOneChainFindEachOtherByVersion5() throws Exception {
    findEachOther("v5", true);
  }

  @Test
  void thePortsAreTheSameAndTheRecordFollowsTheSubProtocol() {
    Chain chain = new Chain(1);
    DevP2pNetwork network = start(chain, 0, "v4,v5");
    int port = network.localNode().tcpPort();
    assertThat(port).isPositive();
    assertThat(network.localNode().udpPort()).isEqualTo(port);
    assertThat(network.localNode().url()).endsWith("@127.0.0.1:" + port);
    NodeRecord before = NodeRecord.parse(Objects.requireNonNull(network.localNode().record()));
    assertThat(Objects.requireNonNull(before.node()).tcpPort()).isEqualTo(port);
    chain.entry = Bytes.of(new byte[] {2});
    network.addProtocol(new Registration(2, 0, "test", "bundle test"), new Chain(2));
    await(
        () -> {
          String text = Objects.requireNonNull(network.localNode().record());
          return NodeRecord.parse(text).seq() == before.seq() + 1;
        });
  }

  @Test
  void entriesThatAreKnownLaterAreAnnouncedSoon() {
    Chain chain = new Chain(1);
    chain.entry = Bytes.EMPTY;
    DevP2pNetwork network = start(chain, 0, "v4");
    String before = Objects.requireNonNull(network.localNode().record());
    chain.entry = Bytes.of(new byte[] {1});
    await(() -> !before.equals(network.localNode().record()));
  }

  @Test
  void withoutDiscoveryThereIsNoUdpPortAndNoRecord() {
    DevP2pNetwork network = start(new Chain(1), 0, "off");
    assertThat(network.localNode().udpPort()).isZero();
    assertThat(network.localNode().record()).isNull();
    assertThat(network.localNode().url()).endsWith("?discport=0");
  }

  @Test
  void aUdpPortThatIsTakenIsReportedAndAnotherOneIsUsed() throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (DatagramSocket taken = new DatagramSocket(FreePorts.next(), loopback)) {
      DevP2pNetwork network = start(new Chain(1), taken.getLocalPort(), "v4");
      assertThat(network.isListening()).isTrue();
      assertThat(network.localNode().udpPort()).isNotIn(0, taken.getLocalPort());
      assertThat(network.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(network.health().message())
          .contains("node discovery uses UDP port " + network.localNode().udpPort())
          .contains("127.0.0.1 UDP port " + taken.getLocalPort() + " cannot be used");
    }
  }

  @Test
  void aTcpPortThatIsTakenIsReportedAndTheNodeFindsOthers() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      DevP2pNetwork first = start(new Chain(1), 0, "v4");
      DevP2pNetwork second =
          start(new Chain(1), taken.getLocalPort(), "v4", first.localNode().url());
      assertThat(second.isListening()).isFalse();
      assertThat(second.localNode().tcpPort()).isZero();
      assertThat(second.localNode().udpPort()).isPositive();
      assertThat(second.health().message()).contains("port " + taken.getLocalPort());
      await(() -> arePeers(second, first));
    }
  }

  /** A discovery in which the test makes time pass. */
  private NodeDiscovery discovery(
      String host, int port, Supplier<Map<String, Bytes>> entries, String... bootNodes) {
    DevP2pSettingsTest.Values values =
        DevP2pSettingsTest.Values.of(host, port, 30)
            .nodes(NONE, NONE, bootNodes)
            .finding("v4,v5", "", "none");
    return new NodeDiscovery(
        DiscoveryOptions.of(values),
        NodeKey.random(RANDOM),
        DevP2pSettings.of(values, Map.of()),
        null,
        entries,
        accepted -> true,
        found::add,
        InstantSource.system(),
        () -> tcpPort,
        scheduler,
        name -> {
          if (!dnsResponds) {
            throw new UnknownHostException(name);
          }
          return InetAddress.getByName("127.0.0.1");
        });
  }

  private static Node announced(NodeDiscovery discovery) {
    return Objects.requireNonNull(Objects.requireNonNull(discovery.localRecord()).node());
  }

  @Test
  void discoveryMovesToItsUdpPortWhenThatIsFree() throws Exception {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    DatagramSocket taken = new DatagramSocket(FreePorts.next(), loopback);
    int wanted = taken.getLocalPort();
    try (NodeDiscovery discovery = discovery("127.0.0.1", wanted, Map::of)) {
      discovery.start();
      int meanwhile = discovery.port();
      scheduler.advance(Duration.ofMinutes(10));
      assertThat(discovery.port()).isEqualTo(meanwhile).isNotIn(0, wanted);
      assertThat(discovery.failures()).hasSize(1);
      assertThat(discovery.failures().get(0))
          .contains("node discovery uses UDP port " + meanwhile)
          .contains("UDP port " + wanted + " cannot be used")
          .contains("End the program that uses it");
      taken.close();
      scheduler.advance(BindFailure.MAX_PAUSE);
      assertThat(discovery.port()).isEqualTo(wanted);
      assertThat(discovery.failures()).isEmpty();
      assertThat(scheduler.size()).isZero();
      await(() -> announced(discovery).udpPort() == wanted);
      tcpPort = wanted;
      discovery.tcpPortChanged();
      await(() -> announced(discovery).tcpPort() == wanted);
    } finally {
      taken.close();
    }
  }

  @Test
  void theCauseOfAFailedStartIsReportedAndTheStartTriedAgain() {
    try (NodeDiscovery discovery = discovery("192.0.2.1", 30_303, Map::of)) {
      discovery.start();
      assertThat(discovery.port()).isZero();
      assertThat(discovery.failures()).hasSize(1);
      assertThat(discovery.failures().get(0))
          .contains("node discovery does not work: 192.0.2.1 UDP port 30303 cannot be used")
          .contains("Set --p2p-host (host of")
          .doesNotContain("End the program");
    }
    boolean[] open = {false};
    Supplier<Map<String, Bytes>> entries =
        () -> {
          if (!open[0]) {
            throw new IllegalStateException("the chain is not open");
          }
          return Map.of();
        };
    try (NodeDiscovery discovery = discovery("127.0.0.1", 0, entries)) {
      discovery.start();
      assertThat(discovery.port()).isZero();
      assertThat(discovery.failures()).hasSize(1);
      assertThat(discovery.failures().get(0))
          .contains("node discovery does not work")
          .contains("the chain is not open")
          .doesNotContain("port");
      open[0] = true;
      scheduler.advance(BindFailure.MIN_PAUSE);
      assertThat(discovery.port()).isPositive();
      assertThat(discovery.failures()).isEmpty();
    }
  }

  /** The node may start before the network is up. */
  @Test
  void aBootNodeWhoseNameIsFoundLaterIsUsed() {
    DevP2pNetwork boot = start(new Chain(1), 0, "v4");
    String url = boot.localNode().url().replace("127.0.0.1", "boot.example.org");
    try (NodeDiscovery discovery = discovery("127.0.0.1", 0, Map::of, url)) {
      tcpPort = 30_303;
      discovery.start();
      assertThat(discovery.port()).as("discovery does not wait for names").isPositive();
      scheduler.advance(Duration.ofMinutes(10));
      assertThat(found).isEmpty();
      dnsResponds = true;
      scheduler.advance(BootNodes.MAX_PAUSE);
      await(() -> found.stream().anyMatch(node -> node.tcpPort() == boot.localNode().tcpPort()));
    }
  }

  @Test
  void aTcpPortIsUsedAndAnnouncedWhenItIsFree() throws Exception {
    DevP2pNetwork network;
    int port = FreePorts.next();
    try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      network = start(new Chain(1), port, "v4");
      assertThat(network.isListening()).isFalse();
    }
    await(network::isListening);
    assertThat(network.localNode().tcpPort()).isEqualTo(port);
    assertThat(network.health().status()).isEqualTo(Health.Status.HEALTHY);
    await(
        () -> {
          String text = Objects.requireNonNull(network.localNode().record());
          return Objects.requireNonNull(NodeRecord.parse(text).node()).tcpPort() == port;
        });
  }

  @Test
  void aNodeThatNamesItselfGoesOnAndACopiedKeyIsReported() {
    NodeKey key = NodeKey.random(RANDOM);
    DevP2pNetwork network =
        start(key, new Chain(1), 0, "v4", "enode://" + key.id() + "@203.0.113.7:1");
    assertThat(network.pending()).isEmpty();
    assertThat(network.health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(network.health().message())
        .contains(
            "(boot.nodes of dev.patchbay.p2p.devp2p): enode://"
                + key.id()
                + "@203.0.113.7:1 has the key of this node")
        .contains("p2p_key");
    int port = network.localNode().tcpPort();
    network.close();
    DevP2pNetwork itself =
        start(key, new Chain(1), port, "v4", "enode://" + key.id() + "@127.0.0.1:" + port);
    assertThat(itself.health().message()).doesNotContain("has the key of this node");
    assertThat(itself.pending()).isEmpty();
  }

  @Test
  void aBootNodeMayHaveANameAndAnUnknownOneIsSkipped() {
    DevP2pNetwork first = start(new Chain(1), 0, "v4");
    String url = first.localNode().url();
    DevP2pNetwork second =
        start(
            new Chain(1),
            0,
            "v4",
            url.replace("127.0.0.1", "no-such-host.invalid")
                .replace(first.localNode().id(), NodeKey.random(RANDOM).id().toString()),
            url.replace("127.0.0.1", "localhost"));
    await(() -> arePeers(first, second) && second.localNode().udpPort() != 0);
  }

  @Test
  void aDamagedNodeDatabaseIsMovedAside() throws Exception {
    NodeKey key = NodeKey.random(RANDOM);
    Path file = folder.resolve(key.id().shortText()).resolve("nodes");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "damaged");
    DevP2pNetwork network = start(key, new Chain(1), 0, "v4");
    assertThat(network.localNode().record()).isNotNull();
    assertThat(file.resolveSibling("nodes.damaged")).hasContent("damaged");
  }
}
