// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** Clients with as many filters and subscriptions as they like: the importing thread goes on. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EthNamespaceTest {
  private static final int LIMIT_CODE = -32005;

  private final TestChain chain = new TestChain();

  /** What is handed over, by name. */
  private final Map<String, Object> kept = new HashMap<>();

  /** What ends the states that were handed over, by name. */
  private final Map<String, Runnable> drops = new HashMap<>();

  /** Is called when a service is registered. */
  private Runnable onRegister = () -> {};

  /** What the pool holds. */
  private final List<Transaction> pooled = new ArrayList<>();

  private EthNamespace eth = create();

  private EthNamespace create() {
    return new EthNamespace(
        TestChain.stub(
            BundleContext.class,
            (name, args) -> {
              onRegister.run();
              if (args[1] instanceof PoolListener listener) { // as the pool does
                pooled.forEach(listener::transactionPending);
              }
              return TestChain.stub(ServiceRegistration.class, (n, a) -> null);
            }),
        chain.reader(),
        TestChain.stub(ProtocolSchedule.class, (name, args) -> null),
        TestChain.stub(StateProvider.class, (name, args) -> null),
        TestChain.stub(CallSimulator.class, (name, args) -> null),
        TestChain.stub(
            TransactionPool.class, (name, args) -> Map.of(TestChain.EMITTER, List.copyOf(pooled))),
        new Handover() {
          @Override
          public void put(String name, Object state) {
            put(name, state, () -> {});
          }

          @Override
          public void put(String name, Object state, Runnable ifDropped) {
            kept.put(name, state);
            drops.put(name, ifDropped);
          }

          @Override
          public @Nullable Object take(String name) {
            return kept.remove(name);
          }
        });
  }

  @AfterEach
  void close() {
    eth.close();
  }

  private @Nullable Object call(TestSession session, String method, Object... params)
      throws Exception {
    return eth.methods().get(method).call(List.of(params), session.session);
  }

  private void assertLimit(TestSession session, String method, Object... params) {
    assertThatThrownBy(() -> call(session, method, params))
        .isInstanceOfSatisfying(
            RpcError.class, error -> assertThat(error.code()).isEqualTo(LIMIT_CODE))
        .hasMessageContaining("too many");
  }

  private static TestSession.Sent next(TestSession session) throws InterruptedException {
    TestSession.Sent sent = session.sent.poll(60, TimeUnit.SECONDS);
    assertThat(sent).as("a notification").isNotNull();
    return sent;
  }

  /** Returns a log as text. */
  private static String text(Object result) {
    return String.valueOf(result instanceof SharedResult shared ? shared.value() : result);
  }

  @Test
  void theImportingThreadSendsNothing() throws Exception {
    List<TestSession> sessions = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      TestSession session = new TestSession("client");
      sessions.add(session);
      for (int j = 0; j < 256; j++) {
        call(session, "eth_subscribe", "newHeads");
      }
    }
    eth.headChanged(List.of(), List.of(chain.add(1, 1)));
    for (TestSession session : sessions) {
      for (int j = 0; j < 256; j++) {
        assertThat(next(session).sender()).isNotSameAs(Thread.currentThread());
      }
      assertThat(session.sent).isEmpty();
    }
  }

  @Test
  void theImportingThreadReadsNothing() throws Exception {
    TestSession session = new TestSession("client");
    for (int i = 0; i < 1_000; i++) {
      call(session, "eth_newFilter", Map.of());
    }
    for (int i = 0; i < 100; i++) {
      call(session, "eth_subscribe", "logs", Map.of());
    }
    chain.readers.clear();
    eth.headChanged(List.of(), List.of(chain.setHead(1, 0, 1)));
    for (int i = 0; i < 100; i++) {
      assertThat(next(session).sender()).isNotSameAs(Thread.currentThread());
    }
    assertThat(chain.readers).doesNotContain(Thread.currentThread());
  }

  @Test
  void aFilterThatNobodyPollsIsRemoved() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    Object logs = call(session, "eth_newFilter", Map.of());
    Object pending = call(session, "eth_newPendingTransactionFilter");
    for (int number = 1; number <= 10_001; number++) {
      eth.headChanged(List.of(), List.of(chain.setHead(number, 0, 0)));
    }
    for (int i = 0; i < 20_000; i++) {
      eth.transactionPending(TestChain.transaction(i));
    }
    for (Object id : new Object[] {blocks, logs, pending}) {
      assertThatThrownBy(() -> call(session, "eth_getFilterChanges", id))
          .isInstanceOf(RpcError.class)
          .hasMessage("filter not found");
      assertThat(call(session, "eth_uninstallFilter", id)).isEqualTo(false);
    }
  }

  @Test
  void aClientCannotTakeTheFiltersOfOthers() throws Exception {
    for (int i = 0; i < 10; i++) {
      TestSession session = new TestSession("client " + i);
      Object last = null;
      for (int j = 0; j < 1_000; j++) {
        last = call(session, "eth_newBlockFilter");
      }
      assertLimit(session, "eth_newBlockFilter");
      assertLimit(new TestSession("client " + i), "eth_newPendingTransactionFilter");
      assertThat(call(session, "eth_uninstallFilter", String.valueOf(last))).isEqualTo(true);
      call(session, "eth_newFilter", Map.of());
    }
    assertLimit(new TestSession("one more client"), "eth_newBlockFilter");
  }

  @Test
  void aClientCannotTakeTheSubscriptionsOfOthers() throws Exception {
    for (int i = 0; i < 32; i++) {
      TestSession session = new TestSession("client");
      for (int j = 0; j < 256; j++) {
        call(session, "eth_subscribe", "newHeads");
      }
      assertLimit(session, "eth_subscribe", "newHeads");
    }
    assertLimit(new TestSession("client"), "eth_subscribe", "newHeads");
    call(new TestSession("another client"), "eth_subscribe", "newHeads");
  }

  @Test
  void theAddressesOfFiltersAndSubscriptionsAreBounded() throws Exception {
    TestSession session = new TestSession("client");
    List<String> addresses = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      addresses.add(String.format("0x%040x", i));
    }
    Map<String, Object> query = Map.of("address", addresses);
    Object first = call(session, "eth_newFilter", query);
    for (int i = 1; i < 13; i++) {
      call(session, "eth_newFilter", query);
    }
    Object subscription = null;
    for (int i = 13; i < 25; i++) {
      subscription = call(session, "eth_subscribe", "logs", query);
    }
    for (Object held : new Object[] {first, String.valueOf(subscription)}) {
      assertLimit(session, "eth_newFilter", query);
      assertLimit(session, "eth_subscribe", "logs", query);
      call(session, "eth_newBlockFilter");
      call(new TestSession("another client"), "eth_newFilter", query);
      call(session, held == first ? "eth_uninstallFilter" : "eth_unsubscribe", held);
      call(session, "eth_newFilter", query);
    }
  }

  @Test
  void headsArriveInTheirOrder() throws Exception {
    TestSession session = new TestSession("client");
    session.room = 100_000;
    call(session, "eth_subscribe", "logs", Map.of());
    for (Block block : chain.addAll(1, 3_000, 1)) {
      eth.headChanged(List.of(), List.of(block));
    }
    for (int number = 1; number <= 3_000; number++) {
      assertThat(text(next(session).result()))
          .contains("blockNumber=0x" + Integer.toHexString(number) + ",");
    }
  }

  /** Replaces the namespace; what happens to the chain meanwhile it does not see. */
  private void replace(Runnable meanwhile) {
    eth.close();
    meanwhile.run();
    eth = create();
  }

  private static List<String> hashes(Block... blocks) {
    return Stream.of(blocks).map(block -> block.hash().toString()).toList();
  }

  @Test
  void filtersGoOnAfterAReplacement() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    Object logs =
        call(
            session,
            "eth_newFilter",
            Map.of("address", List.of(TestChain.EMITTER.toString()), "topics", List.of()));
    Object others =
        call(
            session,
            "eth_newFilter",
            Map.of("address", "0x" + "02".repeat(20), "fromBlock", "0x0", "toBlock", "0x9"));
    Object pending = call(session, "eth_newPendingTransactionFilter");
    pooled.add(TestChain.transaction(1));
    eth.transactionPending(pooled.get(0));
    Block first = chain.setHead(1, 0, 1);
    eth.headChanged(List.of(), List.of(first));
    Block[] missed = new Block[2];
    replace(
        () -> {
          missed[0] = chain.setHead(1, 1, 2);
          missed[1] = chain.setHead(2, 1, 0);
          pooled.add(TestChain.transaction(2));
        });
    eth.headChanged(List.of(first), List.of(missed[0], missed[1])); // was found already
    eth.transactionPending(pooled.get(0)); // as the pool does after a restart of its own
    Block last = chain.setHead(3, 1, 1);
    eth.headChanged(List.of(), List.of(last));
    assertThat(call(session, "eth_getFilterChanges", blocks))
        .isEqualTo(hashes(first, missed[0], missed[1], last));
    assertThat((List<?>) call(session, "eth_getFilterChanges", logs))
        .extracting(log -> text(log).contains("removed=true"))
        .containsExactly(false, true, false, false, false);
    assertThat((List<?>) call(session, "eth_getFilterChanges", others)).isEmpty();
    assertThat(call(session, "eth_getFilterChanges", pending))
        .isEqualTo(pooled.stream().map(tx -> tx.hash().toString()).toList());
    assertThat((List<?>) call(session, "eth_getFilterChanges", blocks)).isEmpty();
    assertThat(call(session, "eth_uninstallFilter", blocks)).isEqualTo(true);
  }

  @Test
  void subscriptionsGoOnAfterAReplacement() throws Exception {
    TestSession session = new TestSession("client");
    Object heads = call(session, "eth_subscribe", "newHeads");
    Object logs = call(session, "eth_subscribe", "logs", Map.of("topics", List.of()));
    Object transactions = call(session, "eth_subscribe", "newPendingTransactions", false);
    List<Block> added = new ArrayList<>();
    added.add(chain.setHead(1, 0, 0));
    eth.headChanged(List.of(), added);
    assertThat(next(session).subscription()).isEqualTo(heads);
    replace(
        () -> {
          added.add(chain.setHead(2, 0, 1));
          pooled.add(TestChain.transaction(2));
        });
    assertThat(next(session).subscription()).as("the pool is read first").isEqualTo(transactions);
    assertThat(List.of(next(session).subscription(), next(session).subscription()))
        .containsExactlyInAnyOrder((String) heads, (String) logs);
    eth.headChanged(List.of(), List.of(chain.setHead(3, 0, 0)));
    assertThat(next(session).subscription()).isEqualTo(heads);
    assertThat(session.onClose).hasSize(3);
    assertThat(call(session, "eth_unsubscribe", heads)).isEqualTo(true);
    assertThat(session.onClose).hasSize(2);
    assertThat(session.disconnected).isFalse();
  }

  /** A change that spans the head up to which the gap was closed, and one that was left out. */
  @Test
  void headsAreFoundAlsoWhenChangesDoNotFollowOneAnother() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    Block[] added = new Block[5];
    replace(() -> added[0] = chain.setHead(1, 0, 0));
    assertThat(call(session, "eth_getFilterChanges", blocks)).isEqualTo(hashes(added[0]));
    added[1] = chain.setHead(2, 0, 0);
    eth.headChanged(List.of(), List.of(added[0], added[1]));
    assertThat(call(session, "eth_getFilterChanges", blocks)).isEqualTo(hashes(added[1]));
    added[2] = chain.setHead(3, 0, 0);
    added[3] = chain.setHead(4, 0, 0);
    eth.headChanged(List.of(), List.of(added[3]));
    assertThat(call(session, "eth_getFilterChanges", blocks)).isEqualTo(hashes(added[2], added[3]));
    Object later = call(session, "eth_newBlockFilter");
    added[4] = chain.setHead(5, 0, 0);
    eth.headChanged(List.of(), List.of(added[4]));
    assertThat(call(session, "eth_getFilterChanges", blocks)).isEqualTo(hashes(added[4]));
    assertThat(call(session, "eth_getFilterChanges", later)).isEqualTo(hashes(added[4]));
  }

  @Test
  void theEventsOfAReplacementAreFoundWhenTheStoreIsBack() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    replace(() -> chain.failure = new StorageUnavailableException("no store"));
    assertThatThrownBy(() -> call(session, "eth_getFilterChanges", blocks))
        .isInstanceOf(StorageUnavailableException.class);
    Block missed = chain.setHead(1, 0, 0);
    eth.headChanged(List.of(), List.of(missed));
    chain.failure = null;
    assertThat(call(session, "eth_getFilterChanges", blocks)).isEqualTo(hashes(missed));
  }

  @Test
  void eventsThatCannotBeFoundEndTheirReaders() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    call(session, "eth_subscribe", "newHeads");
    Block lost = chain.setHead(1, 0, 0);
    eth.headChanged(List.of(), List.of(lost));
    replace(
        () -> {
          chain.remove(lost);
          chain.setHead(1, 1, 0);
        });
    assertThatThrownBy(() -> call(session, "eth_getFilterChanges", blocks))
        .hasMessage("filter not found");
    while (!session.disconnected) { // the class has a timeout
      Thread.yield();
    }
  }

  @Test
  void whatAnotherVersionHandsOverIsNotTaken() throws Exception {
    TestSession session = new TestSession("client");
    Object blocks = call(session, "eth_newBlockFilter");
    call(session, "eth_subscribe", "newHeads");
    replace(
        () ->
            kept.replaceAll(
                (name, state) -> {
                  Map<Object, Object> other = new HashMap<>((Map<?, ?>) state);
                  other.put("positions", "none");
                  return other;
                }));
    assertThatThrownBy(() -> call(session, "eth_getFilterChanges", blocks))
        .hasMessage("filter not found");
    assertThat(session.disconnected).isTrue();
    assertThat(call(session, "eth_newBlockFilter")).isNotNull();
  }

  @Test
  void aMalformedTransactionIsAnInvalidParameter() {
    for (String method : List.of("eth_sendRawTransaction", "eth_sendRawTransactionSync")) {
      assertThatThrownBy(() -> call(new TestSession("client"), method, "0x02"))
          .as(method)
          .isInstanceOfSatisfying(
              RpcError.class, error -> assertThat(error.code()).isEqualTo(RpcError.INVALID_PARAMS))
          .hasMessageStartingWith("invalid transaction: ");
    }
  }

  /** Its client must not wait for notifications that never come. */
  @Test
  void aSubscriptionThatNoSuccessorTakesEndsWithItsConnection() throws Exception {
    TestSession session = new TestSession("client");
    call(session, "eth_subscribe", "newHeads");
    TestSession polling = new TestSession("client");
    call(polling, "eth_newBlockFilter");
    eth.close();
    assertThat(session.disconnected).isFalse();
    assertThat(drops).hasSize(1);
    drops.values().forEach(Runnable::run);
    assertThat(session.disconnected).isTrue();
    assertThat(polling.disconnected).isFalse();
    kept.clear();
    eth = create();
  }

  @Test
  void aSubscriptionOfASuccessorThatFailsEndsWithItsConnection() throws Exception {
    TestSession session = new TestSession("client");
    call(session, "eth_subscribe", "newHeads");
    eth.close();
    onRegister =
        () -> {
          throw new IllegalStateException("the bundle is stopping");
        };
    assertThatThrownBy(this::create).hasMessage("the bundle is stopping");
    assertThat(session.disconnected).isTrue();
    onRegister = () -> {};
    eth = create();
  }

  @Test
  void nothingIsHandedOverWithoutReaders() {
    eth.close();
    assertThat(kept).isEmpty();
    eth = create();
  }
}
