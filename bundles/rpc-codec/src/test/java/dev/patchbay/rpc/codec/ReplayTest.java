// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/**
 * A trace that first needs a class of its tracer when the tracer's bundle has been replaced lacks a
 * part: the server makes it again.
 */
class ReplayTest {
  private static final String MISSING = "dev/patchbay/tracer/call/Frame";
  private static final TraceSubject SUBJECT = new TraceSubject(null, 1, null, 0);
  private static final InvocationHandler FAILING =
      (self, method, args) -> {
        throw new NoClassDefFoundError(MISSING);
      };
  private static final InvocationHandler EMPTY = (self, method, args) -> null;

  private static <T> T stub(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(ReplayTest.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Replay replay(TracerFactory factory) {
    IterableStateReader state = stub(IterableStateReader.class, EMPTY);
    return new Replay(
        stub(StateProvider.class, (self, method, args) -> state),
        stub(BlockExecutor.class, FAILING),
        stub(TracerRegistry.class, (self, method, args) -> factory));
  }

  private static void assertAbsence(ThrowingCallable trace) {
    assertThatThrownBy(trace)
        .isInstanceOfSatisfying(RpcError.class, error -> assertThat(error.isAbsence()).isTrue())
        .hasMessageContaining(MISSING);
  }

  @Test
  void aTracerThatCannotBeCreatedIsAbsent() {
    Replay replay = replay(stub(TracerFactory.class, FAILING));
    assertAbsence(() -> replay.tracer("callTracer", Map.of(), SUBJECT));
  }

  @Test
  void aTracerThatFailsWhileItFollowsIsAbsent() {
    Tracer tracer = stub(Tracer.class, EMPTY);
    Replay replay = replay((config, subject) -> tracer);
    Block block = new Block(BlockHeader.builder().number(1).build(), List.of(), List.of(), null);
    assertAbsence(() -> replay.run(block, 1, index -> tracer));
    JsonWriter out = stub(JsonWriter.class, EMPTY);
    assertAbsence(
        () ->
            Replay.write(
                out,
                tracer,
                () -> {
                  throw new NoClassDefFoundError(MISSING);
                }));
  }

  @Test
  void aTracerThatCannotGiveItsResultIsAbsent() {
    JsonWriter out = stub(JsonWriter.class, EMPTY);
    assertAbsence(() -> Replay.write(out, stub(Tracer.class, FAILING), () -> {}));
  }
}
