// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls that wait for a receipt that does not come. */
@Timeout(value = 50, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SendMethodsTest {
  private static final int MAX_WAITING = 16;
  private static final int LIMIT_CODE = -32005;
  private static final String LONGEST = "0xea60";

  /** The transaction of EIP-155. */
  private static final String RAW =
      "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000802"
          + "5a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761a"
          + "ecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

  private final CountDownLatch waiting = new CountDownLatch(MAX_WAITING);
  private final SendMethods sending =
      new SendMethods(
          TestChain.stub(
              ChainReader.class,
              (name, args) -> {
                waiting.countDown();
                return null;
              }),
          TestChain.stub(TransactionPool.class, (name, args) -> new AddResult.Accepted()),
          hash -> null);
  private final RpcMethod method = sending.methods().get("eth_sendRawTransactionSync");
  private final List<TestSession> sessions = new ArrayList<>();
  private final List<FutureTask<@Nullable Object>> calls = new ArrayList<>();

  @AfterEach
  void close() {
    sending.close();
  }

  private void fill() throws InterruptedException {
    for (int i = 0; i < MAX_WAITING; i++) {
      TestSession session = new TestSession("client");
      FutureTask<@Nullable Object> call =
          new FutureTask<>(() -> method.call(List.of(RAW, LONGEST), session.session));
      sessions.add(session);
      calls.add(call);
      new Thread(call, "waiting-" + i).start();
    }
    waiting.await();
    assertThatThrownBy(() -> method.call(List.of(RAW, "0x1"), new TestSession("other").session))
        .isInstanceOfSatisfying(
            RpcError.class, error -> assertThat(error.code()).isEqualTo(LIMIT_CODE));
  }

  @Test
  void clientsThatLeaveGiveTheirPlacesBack() throws Exception {
    fill();
    sessions.forEach(session -> session.disconnected = true);
    for (FutureTask<@Nullable Object> call : calls) {
      assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS))
          .hasMessageContaining("was added to the transaction pool but wasn't processed");
    }
    assertThatThrownBy(() -> method.call(List.of(RAW, "0x1"), new TestSession("other").session))
        .hasMessageContaining("wasn't processed in 1 ms");
  }

  @Test
  void callsEndWithTheNamespace() throws Exception {
    fill();
    sending.close();
    for (FutureTask<@Nullable Object> call : calls) {
      assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS))
          .hasMessageContaining("the namespace eth is stopped");
    }
  }
}
