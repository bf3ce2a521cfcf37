// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The commands for peers, on a network of two peers and one dial under way. */
class PeerCommandsTest {
  private static final String FIRST = "aa11".repeat(32);
  private static final String SECOND = "aa22".repeat(32);
  private static final String OWN = "00ff".repeat(32);

  /** Records what is added, removed and banned. */
  private static final class FakeNetwork implements Network {
    @Override
    public Map<String, Long> disconnects() {
      return Map.of();
    }

    final List<PeerInfo> peers =
        List.of(peer(FIRST, false, true, "Geth/v1"), peer(SECOND, true, false, "x".repeat(500)));
    final Set<String> added = new HashSet<>();
    final Set<String> trusted = new HashSet<>();
    final Map<String, Duration> banned = new java.util.HashMap<>();

    static PeerInfo peer(String id, boolean inbound, boolean configured, String client) {
      return new PeerInfo(
          new PeerId("devp2p", id),
          url(id),
          client,
          List.of(new Capability("eth", 69)),
          InetSocketAddress.createUnresolved("127.0.0.1", 1),
          InetSocketAddress.createUnresolved("127.0.0.1", 30_304),
          inbound,
          false,
          configured,
          null,
          Map.of());
    }

    @Override
    public String name() {
      return "devp2p";
    }

    @Override
    public LocalNode localNode() {
      return new LocalNode(OWN, url(OWN), null, "127.0.0.1", 30_303, 30_303);
    }

    @Override
    public List<PeerInfo> peers() {
      return peers;
    }

    @Override
    public List<String> pending() {
      return List.of("enode://dialed");
    }

    @Override
    public int maxPeers() {
      return 50;
    }

    @Override
    public boolean isListening() {
      return true;
    }

    @Override
    public boolean addPeer(String url) {
      return added.add(url);
    }

    @Override
    public boolean removePeer(String url) {
      return added.remove(url) || peers.stream().anyMatch(peer -> peer.url().equals(url));
    }

    @Override
    public boolean addTrustedPeer(String url) {
      return trusted.add(url);
    }

    @Override
    public boolean removeTrustedPeer(String url) {
      return trusted.remove(url);
    }

    @Override
    public void ban(String url, Duration duration) {
      banned.put(url, duration);
    }

    @Override
    public boolean unban(String url) {
      return banned.remove(url) != null;
    }
  }

  private final FakeNetwork network = new FakeNetwork();

  private static String url(String id) {
    return "enode://" + id + "@127.0.0.1:30304";
  }

  private List<String> list(boolean urls) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PeerListCommand.print(network, urls, new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void dialsUnderWayAreListedAndDoNotCount() {
    List<String> lines = list(false);
    assertThat(lines)
        .hasSize(5)
        .contains(
            "devp2p: 2 peers of at most 50 (1 inbound, 1 dialed), 1 dials and handshakes under way",
            "  this node: " + url(OWN),
            "  not a peer yet: enode://dialed");
    assertThat(lines.get(2))
        .isEqualTo("  aa11aa11aa11aa11  127.0.0.1:30304       dialed   Geth/v1  eth/69  static");
    assertThat(lines.get(3))
        .contains("inbound")
        .doesNotContain("x".repeat(61))
        .doesNotContain("static");
    assertThat(list(true)).contains("  " + url(FIRST), "  " + url(SECOND));
  }

  @Test
  void aPeerIsAddedOnce() {
    assertThat(PeerAddCommand.add(network, "enode://1", true))
        .isEqualTo("added, and dialed from now on: enode://1 (trusted)");
    assertThat(PeerAddCommand.add(network, "enode://1", false)).startsWith("was added before: ");
    assertThat(network.trusted).containsExactly("enode://1");
    assertThatThrownBy(() -> PeerAddCommand.add(network, url(OWN), false))
        .hasMessage(url(OWN) + " is this node itself");
  }

  @Test
  void aPeerIsNamedByItsFirstDigits() {
    assertThat(PeerRemoveCommand.remove(network, "aa11aa", false))
        .isEqualTo(
            "removed: "
                + url(FIRST)
                + " (node discovery may find it again; peer:ban keeps it away)");
    assertThat(PeerBanCommand.ban(network, "aa22", "12h"))
        .isEqualTo("banned for 12h: " + url(SECOND));
    assertThat(network.banned).containsEntry(url(SECOND), Duration.ofHours(12));
    for (String wrong : new String[] {"aa", "bb33", "", "nonsense"}) {
      assertThatThrownBy(() -> PeerRemoveCommand.remove(network, wrong, false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("'" + wrong + "' is neither an enode URL nor");
    }
    assertThatThrownBy(() -> PeerRemoveCommand.remove(network, "enode://unknown", false))
        .hasMessage("enode://unknown was neither added nor connected");
  }

  @Test
  void aBanEnds() {
    PeerBanCommand.ban(network, "enode://1", "1d");
    assertThat(PeerUnbanCommand.unban(network, "enode://1"))
        .isEqualTo("no longer banned: enode://1");
    assertThatThrownBy(() -> PeerUnbanCommand.unban(network, "enode://1"))
        .hasMessage("enode://1 is not banned");
    assertThat(PeerBanCommand.duration("90s")).isEqualTo(Duration.ofSeconds(90));
    assertThat(PeerBanCommand.duration("5m")).isEqualTo(Duration.ofMinutes(5));
    for (String wrong : new String[] {"", "5", "0d", "-1d", "1w", "9".repeat(30) + "d"}) {
      assertThatThrownBy(() -> PeerBanCommand.duration(wrong))
          .hasMessageContaining("'" + wrong + "'");
    }
  }

  @Test
  void theNetworkIsNamedWhenThereAreSeveral() {
    List<Network> none = new ArrayList<>();
    assertThatThrownBy(() -> Networks.find(none, null)).hasMessageContaining("--p2p on");
    assertThat(Networks.find(List.of(network), null)).isSameAs(network);
    assertThat(Networks.find(List.of(network, network), "devp2p")).isSameAs(network);
    assertThatThrownBy(() -> Networks.find(List.of(network, network), null))
        .hasMessageContaining("--network: devp2p");
    assertThatThrownBy(() -> Networks.find(List.of(network), "libp2p"))
        .hasMessage("there is no network 'libp2p'; there are: devp2p");
  }
}
