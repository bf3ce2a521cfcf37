// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PrecompilesTest {
  private static final Address IDENTITY = Address.fromHex("0x" + "00".repeat(19) + "04");
  private static final Address P256_VERIFY = Address.fromHex("0x" + "00".repeat(18) + "0100");

  private static final TransactionRules LIMITED =
      new TransactionRules() {
        @Override
        public Map<Address, Integer> maxPrecompileInputBytes() {
          return Map.of(IDENTITY, 10, Address.ZERO, 5);
        }

        @Override
        public Long p256VerifyGas() {
          return 3_450L;
        }
      };

  @Test
  void aChainLimitsInputAndBringsP256VerifyForward() {
    Precompiles cancun = Precompiles.of(Fork.CANCUN);
    Precompiles limited = cancun.under(LIMITED);
    Precompiles.Contract identity = limited.get(IDENTITY);
    assertThat(identity.run(new byte[10])).hasSize(10);
    assertThat(identity.run(new byte[11])).as("it fails, and takes all gas").isNull();
    assertThat(identity.gas(new byte[11])).isEqualTo(18);
    assertThat(identity.failure(new byte[11])).contains("11 bytes", "at most 10");
    assertThat(limited.has(Address.ZERO)).as("a limit makes no contract").isFalse();
    assertThat(limited.get(P256_VERIFY).gas(new byte[160])).isEqualTo(3_450);
    assertThat(cancun.has(P256_VERIFY)).isFalse();
    assertThat(cancun.get(IDENTITY).run(new byte[11])).hasSize(11);
  }

  @Test
  void ethereumHasTheContractsOfItsFork() {
    Precompiles osaka = Precompiles.of(Fork.OSAKA);
    assertThat(osaka.under(TransactionRules.ETHEREUM)).isSameAs(osaka);
    assertThat(osaka.get(P256_VERIFY).gas(new byte[160])).isEqualTo(6_900);
  }
}
