// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class SocketTest {
  private static boolean bidsFarewell(String hex) {
    return Socket.bidsFarewell(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
  }

  @Test
  void aCloseFrameIsFoundBehindPings() {
    String mask = "00000000";
    assertThat(bidsFarewell("8880" + mask)).isTrue();
    assertThat(bidsFarewell("8882" + mask + "03e8")).isTrue();
    assertThat(bidsFarewell("8980" + mask + "8a81" + mask + "ff" + "8880")).isTrue();
  }

  @Test
  void whateverElseIsNone() {
    String mask = "00000000";
    assertThat(bidsFarewell("")).isFalse();
    assertThat(bidsFarewell("88")).isFalse();
    assertThat(bidsFarewell("8182" + mask + "7b7d" + "8880" + mask)).isFalse();
    assertThat(bidsFarewell("8980" + mask)).isFalse();
    assertThat(bidsFarewell("89ff" + mask)).isFalse();
    assertThat(bidsFarewell("8985" + mask + "8880")).isFalse();
  }
}
