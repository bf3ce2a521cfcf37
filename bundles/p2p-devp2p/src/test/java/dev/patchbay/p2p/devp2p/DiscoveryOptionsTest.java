// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.p2p.devp2p.DevP2pSettingsTest.Values;
import org.junit.jupiter.api.Test;

/** The configuration of node discovery: an invalid value is named, with its key. */
class DiscoveryOptionsTest {
  private static final String LIST =
      "enrtree://AM5FCQLWIZX2QFPNJAP7VUERCCRNGRHWZG3YYHIUV7BVDQ5FDPRT2@morenodes.example.org";
  private static final Values VALID = Values.of("0.0.0.0", 30_303, 50);

  private static DiscoveryOptions of(String versions, String lists, String nat) {
    return DiscoveryOptions.of(VALID.finding(versions, lists, nat));
  }

  private static void assertInvalid(String versions, String lists, String nat, String... parts) {
    assertThatThrownBy(() -> of(versions, lists, nat))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--")
        .hasMessageContainingAll(parts);
  }

  @Test
  void readsVersionsListsAndTheAddress() {
    DiscoveryOptions all = of("v4, v5", LIST, "extip:203.0.113.7");
    assertThat(all.isOn()).isTrue();
    assertThat(all.versions()).isEqualTo("v4,v5");
    assertThat(all.dnsLists()).containsExactly(LIST);
    assertThat(all.externalAddress()).hasToString("/203.0.113.7");
    assertThat(of("v5", "", "none").versions()).isEqualTo("v5");
    assertThat(of("v4", "", "").externalAddress()).isNull();
    assertThat(of("off", "", "none").isOn()).isFalse();
    assertThat(of("v4", "", "extip:2001:db8::1").externalAddress()).isNotNull();
  }

  @Test
  void aBootNodeThatIsARecordIsKept() {
    Values boot =
        VALID.nodes(new String[0], new String[0], new String[] {DevP2pSettingsTest.RECORD});
    assertThat(DiscoveryOptions.of(boot).bootRecords()).hasSize(1);
  }

  @Test
  void anInvalidValueIsNamed() {
    assertInvalid(
        "v6",
        "",
        "none",
        "--discovery (discovery of dev.patchbay.p2p.devp2p): must be v4, v5, v4,v5 or off, not",
        "v6");
    assertInvalid("off,v4", "", "none", "discovery", "off,v4");
    assertInvalid("", "", "none", "--discovery (discovery of ", "not ''");
    assertInvalid("v4", "enrtree://x", "none", "(dns of ", "enrtree://x");
    assertInvalid("v4", "nodes.example.org", "none", "(dns of ", "nodes.example.org");
    assertInvalid(
        "off", LIST, "none", "--dns (dns of dev.patchbay.p2p.devp2p): needs node discovery", LIST);
    assertInvalid(
        "v4",
        "",
        "upnp",
        "--nat (nat of dev.patchbay.p2p.devp2p): must be none or extip:ADDRESS, not",
        "upnp",
        "router");
    assertInvalid("v4", "", "extip:example.org", "(nat of ", "example.org");
    assertInvalid("v4", "", "extip:", "(nat of ");
  }
}
