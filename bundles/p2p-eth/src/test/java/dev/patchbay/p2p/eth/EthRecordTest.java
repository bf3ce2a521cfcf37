// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The entry of node records. */
class EthRecordTest {
  private final FakeChain chain = new FakeChain(50);
  private final NodeServices services = new NodeServices();
  private final EthRecord nodeRecord = new EthRecord(services);

  private static Map<String, Bytes> entry(String hex) {
    return Map.of("eth", Bytes.fromHex(hex));
  }

  @Test
  void encodesAForkIdInAList() {
    assertThat(EthRecord.encode(new ForkId(0xfc64ec04, 1_150_000)))
        .isEqualTo(Bytes.fromHex("0xcac984fc64ec0483118c30"));
  }

  @Test
  void hasAnEntryOnceThereIsAChainAndKeepsItWhileTheChainIsReplaced() {
    assertThat(nodeRecord.entries()).isEmpty();
    services.chain().replace(chain, Duration.ZERO);
    Map<String, Bytes> entries = nodeRecord.entries();
    ForkId id = ForkId.of(chain.genesis(), chain.config(), 50, 500);
    assertThat(entries).isEqualTo(Map.of("eth", EthRecord.encode(id)));
    chain.isUnavailable = true;
    assertThat(nodeRecord.entries()).isEqualTo(entries);
    services.chain().release(chain, Duration.ZERO);
    assertThat(nodeRecord.entries()).isEqualTo(entries);
  }

  @Test
  void acceptsNodesOfTheChainOnly() {
    services.chain().replace(chain, Duration.ZERO);
    Map<String, Bytes> own = nodeRecord.entries();
    assertThat(nodeRecord.accepts(own)).isTrue();
    assertThat(nodeRecord.accepts(Map.of())).isFalse();
    assertThat(nodeRecord.accepts(entry("0xcac984fc64ec0483118c30"))).isFalse();
    for (String malformed : new String[] {"0x", "0x80", "0xc0", "0xc1c0", "0xc4c3820102", "0xff"}) {
      assertThat(nodeRecord.accepts(entry(malformed))).as(malformed).isFalse();
    }
    chain.isUnavailable = true;
    assertThat(nodeRecord.accepts(own)).isFalse();
  }

  @Test
  void acceptsAnEntryWithFurtherFields() {
    services.chain().replace(chain, Duration.ZERO);
    String hash = ForkId.of(chain.genesis(), chain.config(), 50, 500).hashHex().substring(2);
    assertThat(nodeRecord.accepts(entry("0xc8c784" + hash + "8001"))).isTrue();
    assertThat(nodeRecord.accepts(entry("0xc8c684" + hash + "8001"))).isTrue();
  }
}
