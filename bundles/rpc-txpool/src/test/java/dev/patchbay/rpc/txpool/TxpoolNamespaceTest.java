// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TxpoolNamespaceTest {
  private static final Map<String, Object> EMPTY = Map.of("pending", Map.of(), "queued", Map.of());

  private static Object call(String method, long poolBytes) throws Exception {
    PoolStatus status = new PoolStatus(0, 0, 20_000, 0, 256, poolBytes, 50 << 20, UInt256.ONE);
    TransactionPool pool =
        proxy(
            TransactionPool.class,
            (proxy, called, args) -> called.getName().equals("status") ? status : Map.of());
    RpcSession session = proxy(RpcSession.class, (proxy, called, args) -> null);
    return new TxpoolNamespace(pool).methods().get(method).call(List.of(), session);
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  @ParameterizedTest
  @ValueSource(strings = {"txpool_content", "txpool_inspect"})
  void theContentOfALargePoolIsAnExpensiveCall(String method) throws Exception {
    assertThat(call(method, 1 << 20)).isEqualTo(EMPTY);
    Object large = call(method, 1 + (1 << 20));
    assertThat(large).isInstanceOf(RpcExpensive.class);
    assertThat(((RpcExpensive) large).call()).isEqualTo(EMPTY);
  }

  @Test
  void theStatusOfALargePoolIsNone() throws Exception {
    assertThat(call("txpool_status", 50 << 20))
        .isEqualTo(Map.of("pending", "0x0", "queued", "0x0"));
  }
}
