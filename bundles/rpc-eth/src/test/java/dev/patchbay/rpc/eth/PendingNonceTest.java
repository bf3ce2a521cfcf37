// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Account;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** {@code eth_getTransactionCount} while the pool and the head move. */
class PendingNonceTest {
  private final TestChain chain = new TestChain();
  private long ofHead;
  private @Nullable Long ofPool;

  /** Runs once the pool has been asked. */
  private Runnable afterPool = () -> {};

  private final IterableStateReader state =
      TestChain.stub(
          IterableStateReader.class,
          (name, args) ->
              name.equals("account")
                  ? new Account(
                      ofHead,
                      Account.EMPTY.balance(),
                      Account.EMPTY.storageRoot(),
                      Account.EMPTY.codeHash())
                  : null);

  private final StateMethods methods =
      new StateMethods(
          chain.reader(),
          TestChain.stub(StateProvider.class, (name, args) -> state),
          TestChain.stub(
              TransactionPool.class,
              (name, args) -> {
                Long next = ofPool;
                afterPool.run();
                return next;
              }));

  private @Nullable Object count(String tag) throws Exception {
    return methods
        .methods()
        .get("eth_getTransactionCount")
        .call(List.of(TestChain.EMITTER.toString(), tag), new TestSession("client").session);
  }

  @Test
  void thePendingNonceIsThatOfThePool() throws Exception {
    ofHead = 5;
    assertThat(count("pending")).isEqualTo("0x5");
    ofPool = 7L;
    assertThat(count("pending")).isEqualTo("0x7");
    assertThat(count("latest")).isEqualTo("0x5");
  }

  @Test
  void thePendingNonceIsNeverBelowThatOfTheHead() throws Exception {
    ofHead = 9;
    ofPool = 7L;
    assertThat(count("pending")).as("the pool has not followed the head").isEqualTo("0x9");
    ofPool = null;
    afterPool = () -> ofHead = 10;
    assertThat(count("pending")).as("a block came meanwhile").isEqualTo("0xa");
  }
}
