// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MinerSettingsTest {
  private static final long CONFIGURED = 60_000_000;

  @Test
  void aSuccessorGoesOnWithWhatTheOperatorHasSet() {
    MinerSettings before = new MinerSettings(CONFIGURED);
    before.setGasLimit(30_000_000);
    before.setGasPrice(UInt256.of(7));
    before.setExtra(Bytes.fromHex("0x1234"));
    MinerSettings after = new MinerSettings(CONFIGURED);
    after.restore(before.handOver());
    assertThat(after.gasLimit()).isEqualTo(30_000_000);
    assertThat(after.leastTip()).isEqualTo(UInt256.of(7));
    assertThat(after.extra()).isEqualTo(Bytes.fromHex("0x1234"));
  }

  @Test
  void whatWasNotSetStaysUnset() {
    MinerSettings after = new MinerSettings(CONFIGURED);
    after.restore(new MinerSettings(CONFIGURED).handOver());
    assertThat(after.extra()).isNull();
    assertThat(after.leastTip()).isEqualTo(UInt256.ZERO);
    assertThat(after.gasLimit()).isEqualTo(CONFIGURED);
  }

  @Test
  void aLimitThatIsConfiguredLaterReplacesTheOneThatWasSet() {
    MinerSettings before = new MinerSettings(CONFIGURED);
    before.setGasLimit(30_000_000);
    MinerSettings after = new MinerSettings(40_000_000);
    after.restore(before.handOver());
    assertThat(after.gasLimit()).isEqualTo(40_000_000);
  }

  @Test
  void whatAnotherVersionHandsOverIsLeft() {
    MinerSettings after = new MinerSettings(CONFIGURED);
    after.restore(null);
    after.restore("text");
    after.restore(List.of(CONFIGURED, 1L));
    assertThat(after.gasLimit()).isEqualTo(CONFIGURED);
  }

  @Test
  void wrongValuesAreRefusedAndChangeNothing() {
    MinerSettings settings = new MinerSettings(CONFIGURED);
    assertThatThrownBy(() -> settings.setGasLimit(4_999)).hasMessageContaining("4999");
    assertThatThrownBy(() -> settings.setExtra(Bytes.wrap(new byte[33])))
        .hasMessageContaining("33 bytes");
    assertThat(settings.gasLimit()).isEqualTo(CONFIGURED);
    assertThat(settings.extra()).isNull();
  }
}
