// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The form of enode URLs. */
class NodeUrlTest {
  private static final byte[] SECRET = new byte[32];

  static {
    SECRET[31] = 7;
  }

  private static final String ID = NodeKey.of(SECRET).id().toString();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "@127.0.0.1:30303",
        "@127.0.0.1:30303?discport=0",
        "@127.0.0.1:30303?discport=30304",
        "@[::1]:30303",
        "@[fe80::1:2]:1?discport=2",
        "@node-1.example.org:30303",
        "@localhost:0"
      })
  void aUrlIsPrintedAsItWasRead(String rest) {
    assertThat(NodeUrl.parse("enode://" + ID + rest)).hasToString("enode://" + ID + rest);
  }

  @Test
  void thePartsAreRead() {
    NodeUrl url = NodeUrl.parse("enode://" + ID + "@10.3.58.6:30303?discport=30301");
    assertThat(url.id()).hasToString(ID);
    assertThat(url.host()).isEqualTo("10.3.58.6");
    assertThat(url.tcpPort()).isEqualTo(30_303);
    assertThat(url.udpPort()).isEqualTo(30_301);
    assertThat(url.literalAddress()).hasToString("/10.3.58.6");
    assertThat(NodeUrl.parse("enode://" + ID + "@a.b:5").literalAddress()).isNull();
    assertThat(NodeUrl.parse("enode://" + ID + "@a.b:5").udpPort()).isEqualTo(5);
    assertThat(NodeUrl.parse("enode://" + ID + "@A.b:5").host()).isEqualTo("a.b");
    assertThat(NodeUrl.parse("enode://" + ID).isDialable()).isFalse();
    assertThat(NodeUrl.parse("enode://" + ID + "@a.b:0").isDialable()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "@127.0.0.1",
        "@127.0.0.1:65536",
        "@127.0.0.1:-1",
        "@127.0.0.1:303033",
        "@127.0.0.256:1",
        "@1.2.3:1",
        "@::1:30303",
        "@[127.0.0.1]:30303",
        "@[::1:30303",
        "@[gg::]:30303",
        "@-a.b:1",
        "@a..b:1",
        "@:1",
        "@a b:1",
        "@127.0.0.1:1?discport=",
        "@127.0.0.1:1?discport=70000",
        "@127.0.0.1:1?other=1",
        "@127.0.0.1:1/",
        "0"
      })
  void aMalformedUrlIsRefused(String rest) {
    assertThatThrownBy(() -> NodeUrl.parse("enode://" + ID + rest))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("enode://" + ID.substring(0, 64));
  }

  @Test
  void anIdOffTheCurveIsRefused() {
    assertThatThrownBy(() -> NodeUrl.parse("enode://" + "01".repeat(64) + "@127.0.0.1:1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not a point");
  }

  @Test
  void aLongTextIsRefusedWithAShortMessage() {
    assertThatThrownBy(() -> NodeUrl.parse("enode://" + "a.".repeat(100_000)))
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void changedUrlsAreRefusedOrReadable() {
    Random random = new Random(4);
    String valid = "enode://" + ID + "@[fe80::1]:30303?discport=30304";
    int refused = 0;
    for (int i = 0; i < 1_000; i++) {
      StringBuilder changed = new StringBuilder(valid);
      changed.setCharAt(random.nextInt(valid.length()), (char) (32 + random.nextInt(95)));
      try {
        String printed = NodeUrl.parse(changed.toString()).toString();
        assertThat(NodeUrl.parse(printed)).hasToString(printed);
      } catch (IllegalArgumentException malformed) {
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }
}
