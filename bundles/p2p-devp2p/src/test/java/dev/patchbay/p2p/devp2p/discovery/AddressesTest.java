// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;

/** Which addresses may be named by whom, and how subnets are counted. */
class AddressesTest {
  private static InetAddress ip(String text) throws Exception {
    return InetAddress.getByName(text);
  }

  @Test
  void privateAddressesAreLan() throws Exception {
    for (String lan :
        new String[] {
          "127.0.0.1",
          "10.1.2.3",
          "172.16.0.1",
          "172.31.255.255",
          "192.168.1.1",
          "169.254.1.1",
          "::1",
          "fe80::1",
          "fc00::1",
          "fdff::1"
        }) {
      assertThat(Addresses.isLan(ip(lan))).as(lan).isTrue();
    }
    for (String wan :
        new String[] {"8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:4860::1", "fe00::1"}) {
      assertThat(Addresses.isLan(ip(wan))).as(wan).isFalse();
    }
  }

  @Test
  void specialAddressesAreNeverRelayed() throws Exception {
    for (String special :
        new String[] {
          "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.0.1",
          "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "::", "ff02::1",
          "2001:db8::1", "100::1"
        }) {
      assertThat(Addresses.isRelayable(ip("127.0.0.1"), ip(special))).as(special).isFalse();
    }
    assertThat(Addresses.isRelayable(ip("8.8.8.8"), ip("9.9.9.9"))).isTrue();
    assertThat(Addresses.isRelayable(ip("8.8.8.8"), ip("2001:4860::1"))).isTrue();
  }

  @Test
  void aNodeInTheInternetNamesNoPrivateAddress() throws Exception {
    assertThat(Addresses.isRelayable(ip("8.8.8.8"), ip("10.0.0.1"))).isFalse();
    assertThat(Addresses.isRelayable(ip("8.8.8.8"), ip("127.0.0.1"))).isFalse();
    assertThat(Addresses.isRelayable(ip("10.0.0.2"), ip("127.0.0.1"))).isFalse();
    assertThat(Addresses.isRelayable(ip("10.0.0.2"), ip("10.0.0.1"))).isTrue();
    assertThat(Addresses.isRelayable(ip("127.0.0.1"), ip("127.0.0.2"))).isTrue();
    assertThat(Addresses.isRelayable(ip("10.0.0.2"), ip("8.8.8.8"))).isTrue();
  }

  @Test
  void addressesHaveFourOrSixteenBytes() {
    byte[] mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 1, 2, 3, 4};
    assertThat(Addresses.of(mapped).getHostAddress()).isEqualTo("1.2.3.4");
    assertThatThrownBy(() -> Addresses.of(new byte[5]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not 5");
  }

  @Test
  void subnetsAreCountedInBothDirections() throws Exception {
    Subnets subnets = new Subnets(2);
    subnets.add(ip("8.8.8.1"));
    subnets.add(ip("8.8.8.2"));
    assertThat(subnets.allows(ip("8.8.8.3"))).isFalse();
    assertThat(subnets.allows(ip("8.8.9.3"))).isTrue();
    subnets.remove(ip("8.8.8.1"));
    assertThat(subnets.allows(ip("8.8.8.3"))).isTrue();
    subnets.add(ip("2001:4860:1::1"));
    subnets.add(ip("2001:4860:2::1"));
    assertThat(subnets.allows(ip("2001:4860:3::1"))).isFalse();
    for (int i = 0; i < 10; i++) {
      subnets.add(ip("192.168.1." + i));
    }
    assertThat(subnets.allows(ip("192.168.1.99"))).isTrue();
  }
}
