// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The configuration. */
class DevP2pSettingsTest {
  private static final String FIRST = "enode://" + PeerManagerTest.node(1) + "@127.0.0.1:1";
  private static final String SECOND = "enode://" + PeerManagerTest.node(2) + "@[::1]:2";

  /** A configuration in which one key has another value. */
  record Values(
      String host,
      int port,
      int max_peers,
      String[] static_nodes,
      String[] trusted_nodes,
      String[] boot_nodes,
      String[] netrestrict,
      String[] discovery,
      String[] dns,
      String nat)
      implements DevP2pComponent.Config {
    static Values of(String host, int port, int maxPeers) {
      String[] none = {};
      return new Values(
          host, port, maxPeers, none, none, none, none, new String[] {"off"}, none, "none");
    }

    Values nodes(String[] statics, String[] trusted, String[] boot) {
      return new Values(
          host, port, max_peers, statics, trusted, boot, netrestrict, discovery, dns, nat);
    }

    Values networks(String... networks) {
      return new Values(
          host,
          port,
          max_peers,
          static_nodes,
          trusted_nodes,
          boot_nodes,
          networks,
          discovery,
          dns,
          nat);
    }

    Values finding(String versions, String lists, String address) {
      return new Values(
          host,
          port,
          max_peers,
          static_nodes,
          trusted_nodes,
          boot_nodes,
          netrestrict,
          new String[] {versions},
          new String[] {lists},
          address);
    }

    @Override
    public Class<? extends Annotation> annotationType() {
      return DevP2pComponent.Config.class;
    }
  }

  /** The example of EIP-778: UDP port 30303 of 127.0.0.1. */
  static final String RECORD =
      "enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0xOIN1ZHCCdl8";

  private static final String[] NONE = {};

  private static final Values VALID = Values.of("0.0.0.0", 30_303, 50);

  @Test
  void listsMayBeOneLine() {
    String[] lines = {FIRST + ", " + SECOND + "\n"};
    DevP2pSettings settings =
        DevP2pSettings.of(
            VALID.nodes(lines, new String[] {FIRST}, new String[] {"", SECOND}), Map.of());
    assertThat(settings.staticNodes()).map(NodeUrl::toString).isEqualTo(List.of(FIRST, SECOND));
    assertThat(settings.trustedNodes()).map(NodeUrl::toString).isEqualTo(List.of(FIRST));
    assertThat(settings.bootNodes()).map(NodeUrl::toString).isEqualTo(List.of(SECOND));
  }

  @Test
  void aBootNodeMayBeANodeRecordOrHaveDiscoveryOnly() {
    String udpOnly = "enode://" + PeerManagerTest.node(1) + "@127.0.0.1:0?discport=5";
    DevP2pSettings settings =
        DevP2pSettings.of(VALID.nodes(NONE, NONE, new String[] {udpOnly, RECORD}), Map.of());
    assertThat(settings.bootNodes().get(0).isDialable()).isFalse();
    NodeUrl second = settings.bootNodes().get(1);
    assertThat(second.host()).isEqualTo("127.0.0.1");
    assertThat(second.udpPort()).isEqualTo(30_303);
    assertInvalid(VALID.nodes(new String[] {udpOnly}, NONE, NONE), "static.nodes");
    String[] malformed = {"enr:-abc"};
    assertInvalid(VALID.nodes(NONE, NONE, malformed), "boot.nodes");
    assertThatThrownBy(() -> DevP2pSettings.of(VALID.nodes(NONE, NONE, malformed), Map.of()))
        .hasMessageContaining("enr:-abc");
  }

  @Test
  void anInvalidValueIsNamed() {
    assertInvalid(Values.of("localhost", 1, 1), "host");
    assertInvalid(Values.of("0.0.0.0", -2, 1), "port");
    assertInvalid(Values.of("0.0.0.0", 65_536, 1), "port");
    assertInvalid(Values.of("0.0.0.0", 1, -1), "max.peers");
    assertInvalid(Values.of("0.0.0.0", 1, 1_001), "max.peers");
    String[] none = {};
    String[] malformed = {"enode://00"};
    String[] withoutAddress = {"enode://" + PeerManagerTest.node(1)};
    assertInvalid(VALID.nodes(malformed, none, none), "static.nodes");
    assertInvalid(VALID.nodes(withoutAddress, none, none), "static.nodes");
    assertInvalid(VALID.nodes(none, malformed, none), "trusted.nodes");
    assertInvalid(VALID.nodes(none, none, withoutAddress), "boot.nodes");
    assertInvalid(VALID.networks("10.0.0.0/99"), "netrestrict");
    assertThat(DevP2pSettings.of(VALID.nodes(none, withoutAddress, none), Map.of()).trustedNodes())
        .hasSize(1);
    assertThat(DevP2pSettings.of(Values.of("::", -1, 0), Map.of()).port()).isEqualTo(-1);
  }

  private static void assertInvalid(Values values, String key) {
    assertThatThrownBy(() -> DevP2pSettings.of(values, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("--[a-z0-9-]+ \\(" + key + " of dev\\.patchbay\\.p2p\\.devp2p\\): .+");
  }

  @Test
  void theOptionAndTheValueAreNamed() {
    assertThatThrownBy(() -> DevP2pSettings.of(Values.of("0.0.0.0", 1, 1_001), Map.of()))
        .hasMessage(
            "--max-peers (max.peers of dev.patchbay.p2p.devp2p): must be between 0 and 1000, not"
                + " 1001");
    DevP2pComponent.Config noNumber =
        (DevP2pComponent.Config)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {DevP2pComponent.Config.class},
                (self, method, arguments) -> {
                  if (method.getName().equals("port")) {
                    throw new IllegalStateException("of the container");
                  }
                  return method.invoke(VALID);
                });
    assertThatThrownBy(() -> DevP2pSettings.of(noNumber, Map.of("port", "abc")))
        .hasMessage(
            "--p2p-port (port of dev.patchbay.p2p.devp2p): must be a number between -1 and 65535,"
                + " not 'abc'");
  }
}
