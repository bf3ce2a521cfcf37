// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class SipHashTest {
  /** Appendix A of the paper: the key 00 to 0f, the input 00 to 0e. */
  @Test
  void hasTheValueOfThePaper() {
    SipHash keyed = new SipHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
    byte[] input = new byte[15];
    for (int i = 0; i < input.length; i++) {
      input[i] = (byte) i;
    }
    assertThat(keyed.hash(input)).isEqualTo(0xa129ca6149be45e5L);
  }

  /** The first value of the vectors of the reference implementation. */
  @Test
  void hashesNothing() {
    SipHash keyed = new SipHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
    byte[] little =
        ByteBuffer.allocate(8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(keyed.hash(new byte[0]))
            .array();
    assertThat(little).containsExactly(0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72);
  }
}
