// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Replay;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code debug_traceCall} with the option {@code txIndex}, on a block of two transactions. */
class TransactionIndexTest {
  private static final Transaction TRANSACTION =
      Transaction.builder(TransactionType.LEGACY).signature(0, UInt256.ONE, UInt256.ONE).build();

  /** How many transactions of the block a call was made after; null for all. */
  private final List<Object> calls = new ArrayList<>();

  private static <T> T stub(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Block block(int number) {
    return new Block(
        BlockHeader.builder().number(number).build(),
        Collections.nCopies(number == 0 ? 0 : 2, TRANSACTION),
        List.of(),
        null);
  }

  private void trace(Block block, Map<String, Object> options) throws Exception {
    ChainReader chain =
        stub(
            ChainReader.class,
            (self, method, args) ->
                method.getName().equals("config")
                    ? ChainConfig.of(UInt256.ONE, Fork.PRAGUE)
                    : block);
    StateProvider states = stub(StateProvider.class, (self, method, args) -> null);
    TracerFactory factory = (config, subject) -> stub(Tracer.class, (self, method, args) -> null);
    Replay replay =
        new Replay(
            states,
            stub(BlockExecutor.class, (self, method, args) -> null),
            stub(TracerRegistry.class, (self, method, args) -> factory));
    CallSimulator simulator =
        stub(
            CallSimulator.class,
            (self, method, args) -> {
              calls.add(args[2] instanceof Integer count ? count : "all");
              return null;
            });
    Object call =
        new TraceMethods(chain, states, simulator, replay, new BadBlocks(chain))
            .methods()
            .get("debug_traceCall")
            .call(
                List.of(Map.of(), "latest", options),
                stub(RpcSession.class, (self, method, args) -> null));
    Object stream = ((RpcExpensive) call).call();
    ((RpcStream) stream).writeTo(stub(JsonWriter.class, (self, method, args) -> null));
  }

  @Test
  void aCallIsMadeBeforeTheTransactionWithTheIndex() throws Exception {
    trace(block(45), Map.of("tracer", "callTracer", "txIndex", "0x0"));
    trace(block(45), Map.of("tracer", "callTracer", "txIndex", "0x1"));
    trace(block(45), Map.of("tracer", "callTracer"));
    assertThat(calls).containsExactly(0, 1, "all");
  }

  @Test
  void anIndexOutsideOfTheBlockIsAnError() {
    for (String index : List.of("0x2", "0xff", "0xffffffffffffffff")) {
      Block block = block(45);
      assertThatThrownBy(() -> trace(block, Map.of("tracer", "callTracer", "txIndex", index)))
          .isInstanceOfSatisfying(
              RpcError.class, error -> assertThat(error.code()).isEqualTo(-32000))
          .hasMessage(
              "transaction index "
                  + Long.toUnsignedString(Long.parseUnsignedLong(index.substring(2), 16))
                  + " out of range for block "
                  + block.hash());
    }
    assertThatThrownBy(() -> trace(block(0), Map.of("tracer", "callTracer", "txIndex", "0x0")))
        .isInstanceOf(RpcError.class)
        .hasMessage("no transaction in genesis");
    assertThat(calls).isEmpty();
  }
}
