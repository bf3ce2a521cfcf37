// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.tracer.call.CallTracerFactory;
import dev.patchbay.tracer.erc7562.Erc7562TracerFactory;
import dev.patchbay.tracer.flat.FlatCallTracerFactory;
import dev.patchbay.tracer.fourbyte.FourByteTracerFactory;
import dev.patchbay.tracer.mux.MuxTracerFactory;
import dev.patchbay.tracer.prestate.PrestateTracerFactory;
import dev.patchbay.tracer.struct.StructTracerFactory;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A loop of which each tracer would keep more than its budget. */
class TraceBudgetTests {
  private static final Address FROM = Address.fromHex("0x00000000000000000000000000000000000000f0");
  private static final Address TO = Address.fromHex("0x00000000000000000000000000000000000000c0");

  /**
   * Adds 2^224 to the first word of the memory, reads the slot with this key, and calls 0xc1 with
   * 1,024 bytes from there: a new slot and a new selector each time.
   */
  private static final String CODE =
      "0x5b5f517c01" + "00".repeat(28) + "01805f5254505f5f6104005f5f60c15af1505f56";

  private static final long BUDGET = 1 << 20;

  static Stream<Arguments> tracers() {
    TracerFactory call = new CallTracerFactory();
    return Stream.of(
        Arguments.of("callTracer", call, Map.of()),
        Arguments.of("flatCallTracer", new FlatCallTracerFactory(), Map.of()),
        Arguments.of("erc7562Tracer", new Erc7562TracerFactory(), Map.of()),
        Arguments.of("4byteTracer", new FourByteTracerFactory(), Map.of()),
        Arguments.of("prestateTracer", new PrestateTracerFactory(), Map.of()),
        Arguments.of(
            "prestateTracer, diffMode", new PrestateTracerFactory(), Map.of("diffMode", true)),
        Arguments.of("structLogger", new StructTracerFactory(), Map.of("enableMemory", true)),
        Arguments.of("muxTracer", mux(call), Map.of("callTracer", Map.of())));
  }

  private static TracerFactory mux(TracerFactory only) {
    return new MuxTracerFactory(
        new TracerRegistry() {
          @Override
          public @Nullable TracerFactory find(String name) {
            return only;
          }

          @Override
          public SortedSet<String> names() {
            return new TreeSet<>();
          }
        });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tracers")
  void aTraceEndsAtItsBudget(String name, TracerFactory factory, Map<String, Object> config)
      throws Exception {
    assertThat(trace(factory, config, 40_000)).isNotNull();
    assertThatThrownBy(() -> trace(factory, config, 50_000_000))
        .isInstanceOfSatisfying(
            TracerException.class, failure -> assertThat(failure.isLimit()).isTrue())
        .hasMessage("the trace takes more than 1048576 bytes of memory");
  }

  private static @Nullable Object trace(TracerFactory factory, Map<String, Object> config, long gas)
      throws Exception {
    Transaction call =
        Transaction.builder(TransactionType.LEGACY).gasLimit(gas).to(TO).sender(FROM).build();
    BlockContext block =
        new BlockContext(
            Fork.PRAGUE,
            UInt256.ONE,
            Address.ZERO,
            17,
            1_234,
            gas,
            UInt256.ZERO,
            Hash.ZERO,
            UInt256.ZERO,
            UInt256.ONE,
            0,
            9,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    TestState state =
        TestState.of(
            new ObjectMapper()
                .valueToTree(
                    Map.of(
                        TO.toString(),
                        Map.of("code", CODE),
                        FROM.toString(),
                        Map.of("nonce", "0x1"))));
    Tracer tracer =
        factory.create(config, new TraceSubject(null, 17, null, 0, new TraceBudget(BUDGET)));
    new TransactionProcessor(new EvmState(state, new CodeCache(1 << 20)), block)
        .process(call, gas, TransactionProcessor.Mode.SIMULATION, tracer);
    return tracer.result();
  }
}
