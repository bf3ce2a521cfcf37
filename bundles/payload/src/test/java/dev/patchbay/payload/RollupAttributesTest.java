// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.consensus.RollupRules;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a builder asks the consensus rules for, when attributes are those of a rollup. */
class RollupAttributesTest {
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.PARIS);
  private static final Bytes PARAMETERS = Bytes.fromHex("0x000000fa00000006");
  private static final Block PARENT =
      new Block(
          BlockHeader.builder().number(1).timestamp(1).gasLimit(30_000_000).build(),
          List.of(),
          List.of(),
          null);
  private static final PayloadAttributes ATTRIBUTES =
      new PayloadAttributes(
          3,
          Hash.ZERO,
          Address.ZERO,
          List.of(),
          Hash.ZERO,
          Bytes.EMPTY,
          null,
          null,
          new PayloadAttributes.Rollup(List.of(), true, 20_000_000, PARAMETERS, 7L));

  /** Ends a build once its header is complete. */
  private static final class HeaderException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient BlockHeader header;

    HeaderException(BlockHeader header) {
      this.header = header;
    }
  }

  private static Object stub(
      Map<String, Function<Object[], @Nullable Object>> calls, Class<?>... types) {
    return Proxy.newProxyInstance(
        RollupAttributesTest.class.getClassLoader(),
        types,
        (proxy, method, args) -> {
          Function<Object[], @Nullable Object> call = calls.get(method.getName());
          if (call == null) {
            throw new UnsupportedOperationException(method.getName());
          }
          return call.apply(args == null ? new Object[0] : args);
        });
  }

  private static Builder builder(Supplier<Object> rules) {
    return new Builder(
        (ChainReader) stub(Map.of("config", args -> CONFIG), ChainReader.class),
        (ProtocolSchedule)
            stub(
                Map.of("config", args -> CONFIG, "rules", args -> rules.get()),
                ProtocolSchedule.class),
        (StateProvider)
            stub(
                Map.of(
                    "stateAt", args -> stub(Map.of("close", a -> null), IterableStateReader.class)),
                StateProvider.class),
        (BlockExecutor)
            stub(
                Map.of(
                    "assemble",
                    args -> {
                      throw new HeaderException((BlockHeader) args[0]);
                    }),
                BlockExecutor.class),
        (TransactionPool) stub(Map.of(), TransactionPool.class),
        30_000_000);
  }

  private static Function<Object[], @Nullable Object> baseFee() {
    return args -> UInt256.of(9);
  }

  @Test
  void theRulesOfARollupEncodeTheExtraData() {
    Bytes encoded = Bytes.fromHex("0x00000000fa00000006");
    Object rules =
        stub(
            Map.of(
                "nextBaseFee",
                baseFee(),
                "extraData",
                args -> {
                  assertThat(args).containsExactly(3L, PARAMETERS, 7L, CONFIG);
                  return encoded;
                }),
            ConsensusRules.class,
            RollupRules.class);
    assertThatThrownBy(() -> builder(() -> rules).build(PARENT, ATTRIBUTES))
        .isInstanceOfSatisfying(
            HeaderException.class,
            built -> {
              assertThat(built.header.extraData()).isEqualTo(encoded);
              assertThat(built.header.gasLimit()).isEqualTo(20_000_000);
              assertThat(built.header.baseFeePerGas()).isEqualTo(UInt256.of(9));
            });
  }

  @Test
  void otherRulesRejectTheAttributes() {
    Object rules = stub(Map.of("nextBaseFee", baseFee()), ConsensusRules.class);
    assertThatThrownBy(() -> builder(() -> rules).build(PARENT, ATTRIBUTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "payload attributes of a rollup: the consensus rules 'engine' are not those of a"
                + " rollup");
  }

  @Test
  void withoutRulesNothingIsBuilt() {
    Builder builder =
        builder(
            () -> {
              throw new NotReadyException("the consensus rules 'op' are not installed");
            });
    assertThatThrownBy(() -> builder.build(PARENT, ATTRIBUTES))
        .isInstanceOf(NotReadyException.class)
        .hasMessageContaining("'op'");
  }
}
