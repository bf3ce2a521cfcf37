// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.StateBase;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.TransactionRules;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Calls whose traces would take more memory than one trace may. */
class TraceLimitTest {
  private static final Address TO = Address.fromHex("0x00000000000000000000000000000000000000c0");

  /** JUMPDEST PUSH0 JUMP: four million times with 50 million gas. */
  private static final Bytes LOOP = Bytes.fromHex("0x5b5f56");

  /** PUSH3 200000 PUSH0 RETURN: 2 MiB of zeros. */
  private static final Bytes RETURN = Bytes.fromHex("0x622000005ff3");

  private static final Block BLOCK =
      new Block(BlockHeader.builder().number(17).build(), List.of(), List.of(), null);

  private Bytes code = LOOP;
  private final TraceNamespace namespace =
      new TraceNamespace(
          stub(
              ChainReader.class,
              (self, method, args) ->
                  method.getName().equals("config")
                      ? ChainConfig.of(UInt256.ONE, Fork.PRAGUE)
                      : BLOCK),
          stub(StateProvider.class, (self, method, args) -> null),
          stub(BlockExecutor.class, (self, method, args) -> null),
          stub(
              CallSimulator.class,
              (self, method, args) ->
                  method.getName().equals("simulate")
                      ? stub(
                          Simulation.class,
                          (simulation, inner, of) ->
                              switch (inner.getName()) {
                                case "nonce" -> 0L;
                                case "add" -> run((Transaction) of[0], (Tracer) of[2]);
                                default -> null;
                              })
                      : run((Transaction) args[0], (Tracer) args[4])),
          stub(TracerRegistry.class, (self, method, args) -> null));

  private static <T> T stub(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private ExecutionResult run(Transaction call, Tracer tracer) throws Exception {
    BlockContext block =
        new BlockContext(
            Fork.PRAGUE,
            UInt256.ONE,
            Address.ZERO,
            17,
            1_234,
            call.gasLimit(),
            UInt256.ZERO,
            Hash.ZERO,
            UInt256.ZERO,
            UInt256.ONE,
            0,
            9,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    StateBase state =
        stub(
            StateBase.class,
            (self, method, args) ->
                switch (method.getName()) {
                  case "account" ->
                      args[0].equals(TO)
                          ? new Account(1, UInt256.ZERO, Account.EMPTY_ROOT, code.keccak())
                          : null;
                  case "code" -> code;
                  default -> UInt256.ZERO;
                });
    return new TransactionProcessor(new EvmState(state, new CodeCache(1 << 20)), block)
        .process(call, call.gasLimit(), TransactionProcessor.Mode.SIMULATION, tracer);
  }

  private @Nullable Object call(String method, Object... params) throws Exception {
    RpcSession session = stub(RpcSession.class, (self, name, args) -> null);
    Object result = namespace.methods().get(method).call(List.of(params), session);
    return ((RpcExpensive) result).call();
  }

  private void assertLimit(String method, Object... params) {
    assertThatThrownBy(() -> call(method, params))
        .isInstanceOfSatisfying(RpcError.class, error -> assertThat(error.code()).isEqualTo(-32005))
        .hasMessageContaining("bytes of memory");
  }

  @Test
  void theOperationsOfACallAreBounded() throws Exception {
    List<String> types = List.of("vmTrace");
    assertThat(
            String.valueOf(call("trace_call", Map.of("to", TO.toString(), "gas", "0x5300"), types)))
        .contains("JUMPDEST");
    assertLimit("trace_call", Map.of("to", TO.toString()), types);
  }

  /** Each trace of 2 MiB is small enough; a thousand of them are not. */
  @Test
  void theTracesOfManyCallsAreBoundedTogether() throws Exception {
    code = RETURN;
    List<Object> one = List.of(Map.of("to", TO.toString()), List.of());
    assertThat((List<?>) call("trace_callMany", List.of(one, one))).hasSize(2);
    assertLimit("trace_callMany", Collections.nCopies(1_000, one));
  }
}
