// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A block whose transactions are slow is finished with those that it has. */
class FillTimeTest {
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.BERLIN);
  private static final int COUNT = 20;

  private long nanos = Long.MAX_VALUE - 1_000_000_000L; // it overflows

  private static Address address(int number) {
    return Address.fromHex(String.format("0x%040x", number + 1));
  }

  private static Map<Address, List<Transaction>> pending() {
    Map<Address, List<Transaction>> out = new HashMap<>();
    for (int i = 0; i < COUNT; i++) {
      out.put(
          address(i),
          List.of(
              Transaction.builder(TransactionType.LEGACY)
                  .gasPrice(UInt256.ONE)
                  .gasLimit(21_000)
                  .sender(address(i))
                  .build()));
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 300, 2",
    "1, 300, 2",
    "2, 300, 4",
    "12, 300, 7",
    "100, 300, 7",
    "12, 5000, 1",
    "12, 1, 20"
  })
  void eachTransactionTakesItsTime(long secondsAfterParent, long millis, int added) {
    Block parent =
        new Block(
            BlockHeader.builder().number(1).timestamp(1).gasLimit(30_000_000).build(),
            List.of(),
            List.of(),
            null);
    Builder builder =
        new Builder(
            Stubs.of(ChainReader.class, Map.of("config", args -> CONFIG)),
            Stubs.of(
                ProtocolSchedule.class, Map.of("config", args -> CONFIG, "rules", args -> null)),
            Stubs.states(),
            Stubs.executor(tx -> nanos += TimeUnit.MILLISECONDS.toNanos(millis)),
            Stubs.of(TransactionPool.class, Map.of("pending", args -> pending())),
            30_000_000,
            () -> nanos);
    BlockSealer.Template template =
        new BlockSealer.Template(
            1 + secondsAfterParent, Address.ZERO, UInt256.ONE, Bytes.EMPTY, 0, Address.ZERO);
    assertThat(builder.build(parent, template).transactions()).hasSize(added);
  }
}
