// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.primitives.Hash;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
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
  private static final String DIALED = "dd33".repeat(32);
  private static final String OWN = "00ff".repeat(32);

  /** Records what is added, removed and banned. */
  private static final class FakeNetwork implements Network {
    @Override
    public Map<String, Long> disconnects() {
      return Map.of();
    }

    final List<PeerInfo> peers =
        new ArrayList<>(
            List.of(
                peer(FIRST, false, true, "Geth/v1"), peer(SECOND, true, false, "x".repeat(500))));
    final Set<String> added = new HashSet<>();
    final Set<String> trusted = new HashSet<>();
    final Map<String, Duration> banned = new java.util.HashMap<>();
    final List<PeerBan> bans = new ArrayList<>();
    boolean listening = true;

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
          new ChainHead(Hash.ZERO, inbound ? null : 1_234L, null),
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
      return List.of(url(DIALED), "10.0.0.7:5");
    }

    @Override
    public int maxPeers() {
      return 50;
    }

    @Override
    public boolean isListening() {
      return listening;
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
    public List<PeerBan> bans() {
      return bans;
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
        .hasSize(6)
        .contains(
            "devp2p: 2 peers of at most 50 (1 inbound, 1 dialed), 2 dials and handshakes under way",
            "  this node: " + url(OWN),
            "  not a peer yet: dd33dd33dd33dd33  127.0.0.1:30304",
            "  not a peer yet: 10.0.0.7:5");
    assertThat(lines.get(2))
        .isEqualTo(
            "  aa11aa11aa11aa11  127.0.0.1:30304       dialed   Geth/v1  eth/69  block 1234 "
                + " static");
    assertThat(lines.get(3))
        .contains("inbound")
        .doesNotContain("x".repeat(61))
        .doesNotContain("static");
    assertThat(list(true))
        .contains("  " + url(FIRST), "  " + url(SECOND), "  not a peer yet: " + url(DIALED));
  }

  @Test
  void aNodeThatDoesNotListenHasNoUrl() {
    network.listening = false;
    assertThat(list(true))
        .contains(
            "  this node: not listening, so that no other node can dial it; patchbay:doctor says"
                + " why");
  }

  @Test
  void bansAreListedAndEndedByWhatIsShown() {
    assertThat(PeerBansCommand.list(network)).isEqualTo("devp2p: no peer is banned");
    ban(FIRST, "2026-01-31T12:00:00.123Z", "header 5 is invalid");
    ban("aa44".repeat(32), "2026-02-01T00:00:00Z", "");
    assertThat(PeerBansCommand.list(network).lines())
        .containsExactly(
            "devp2p: 2 bans; peer:unban ID ends one",
            "  aa11aa11aa11aa11  until 2026-01-31T12:00:00Z  header 5 is invalid",
            "  aa44aa44aa44aa44  until 2026-02-01T00:00:00Z  no reason is known");
    assertThat(PeerUnbanCommand.unban(network, "aa11aa11aa11aa11"))
        .isEqualTo("no longer banned: enode://" + FIRST);
    assertThat(PeerUnbanCommand.unban(network, "AA44"))
        .startsWith("no longer banned: enode://aa44");
    assertThatThrownBy(() -> PeerUnbanCommand.unban(network, "bb55"))
        .hasMessageContaining("peer:bans shows the banned peers");
    assertThatThrownBy(() -> PeerUnbanCommand.unban(network, SECOND))
        .hasMessage("enode://" + SECOND + " is not banned");
  }

  private void ban(String id, String until, String reason) {
    String banned = "enode://" + id;
    network.banned.put(banned, Duration.ofDays(1));
    network.bans.add(new PeerBan(new PeerId("devp2p", id), banned, Instant.parse(until), reason));
  }

  @Test
  void withoutPeersNothingIsDownloaded() {
    assertThat(StatusCommand.sync(null, List.of())).isEqualTo("no peers to download from");
    assertThat(StatusCommand.sync(null, List.of(network))).isEqualTo("no download under way");
    network.peers.clear();
    assertThat(StatusCommand.sync(null, List.of(network))).isEqualTo("no peers to download from");
    assertThat(StatusCommand.sync(() -> new SyncStatus.Progress(1, 5, 9), List.of()))
        .isEqualTo("block 5 of 9");
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
    assertThat(PeerBanCommand.ban(network, DIALED.substring(0, 16), "1d"))
        .as("a dial is shown, too")
        .isEqualTo("banned for 1d: " + url(DIALED));
    assertThat(PeerBanCommand.ban(network, "ee55".repeat(32), "1d"))
        .isEqualTo("banned for 1d: enode://" + "ee55".repeat(32));
    network.peers.add(FakeNetwork.peer("aa11" + "bb".repeat(62), true, false, "x"));
    assertThatThrownBy(() -> PeerBanCommand.ban(network, "aa11", "1d"))
        .hasMessageContaining("one id only: aa11aa11aa11aa11, aa11bbbbbbbbbbbb");
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
