// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.chronos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Hash;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChronosNamespaceTest {
  private final List<String> calls = new ArrayList<>();

  private final Network network =
      (Network)
          Proxy.newProxyInstance(
              Network.class.getClassLoader(),
              new Class<?>[] {Network.class},
              (proxy, method, args) -> {
                if (method.getName().equals("peers")) {
                  return List.of(peer());
                }
                if (args[0].equals("x")) {
                  throw new IllegalArgumentException("must be HOST:PORT, not 'x'");
                }
                calls.add(method.getName() + " " + args[0]);
                return calls.size() == 1;
              });

  private static PeerInfo peer() {
    InetSocketAddress address = new InetSocketAddress("127.0.0.1", 30_403);
    return new PeerInfo(
        new PeerId("chronos", "0x01"),
        "127.0.0.1:30403",
        "chronos/1",
        List.of(),
        address,
        address,
        true,
        false,
        false,
        new ChainHead(Hash.ZERO, 17L, null),
        Map.of(
            "chronos", Map.of("height", 18L, "timestamp", 255L, "sent", Map.of("GET_BLOCK", 2L))));
  }

  private static Object call(@Nullable Network network, String method, Object... params)
      throws Exception {
    Peers peers =
        (Peers)
            Proxy.newProxyInstance(
                Peers.class.getClassLoader(),
                new Class<?>[] {Peers.class},
                (proxy, called, args) -> network);
    return Objects.requireNonNull(
        Objects.requireNonNull(new ChronosNamespace(peers).methods().get(method))
            .call(List.of(params), null));
  }

  @Test
  void peersAreListedAddedAndRemoved() throws Exception {
    List<?> peers = (List<?>) call(network, "chronos_peers");
    assertThat((Map<?, ?>) peers.get(0))
        .asString()
        .contains(
            "peer=127.0.0.1:30403",
            "height=0x12",
            "number=0x11",
            "timestamp=0xff",
            "sent={GET_BLOCK=2}");
    assertThat(call(network, "chronos_addPeer", "127.0.0.1:1")).isEqualTo(true);
    assertThat(call(network, "chronos_removePeer", "127.0.0.1:1")).isEqualTo(false);
    assertThat(calls).containsExactly("addPeer 127.0.0.1:1", "removePeer 127.0.0.1:1");
  }

  @Test
  void errorsSayWhatIsWrong() {
    assertThatThrownBy(() -> call(network, "chronos_addPeer", "x"))
        .isInstanceOf(RpcError.class)
        .hasMessageContaining("HOST:PORT");
    assertThatThrownBy(() -> call(network, "chronos_addPeer"))
        .isInstanceOf(RpcError.class)
        .hasMessageContaining("missing");
    assertThatThrownBy(() -> call(null, "chronos_peers"))
        .isInstanceOfSatisfying(
            RpcError.class, error -> assertThat(error.isAbsence()).as("it is waited for").isTrue())
        .hasMessageContaining("does not speak Chronos");
  }
}
