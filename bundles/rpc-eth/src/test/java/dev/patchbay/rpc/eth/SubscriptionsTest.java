// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Subscriptions, and the steps of the thread that notifies. */
class SubscriptionsTest {
  private static final int CAPACITY = 512;

  private final TestChain chain = new TestChain();
  private final Events events =
      new Events(
          new Journal<>(CAPACITY, CAPACITY, change -> 1),
          new Journal<>(CAPACITY, CAPACITY, transaction -> 1));
  private final HeadGap gap = new HeadGap(chain.reader(), events.heads());
  private final ClientQuota conditions = ClientQuota.ofConditions();
  private final Subscriptions subscriptions = new Subscriptions(events, gap, conditions);
  private final Notifier notifier =
      new Notifier(
          events,
          gap,
          subscriptions,
          new LogSearch(chain.reader(), () -> null),
          TestChain::receiptsOf);
  private final TestSession session = new TestSession("client");

  @AfterEach
  void close() {
    subscriptions.close();
    assertThat(session.onClose).isEmpty();
    assertNothingIsHeld();
  }

  private void assertNothingIsHeld() {
    assertThat(subscriptions.count()).isZero();
    assertThat(subscriptions.topics()).isZero();
    assertThat(subscriptions.clients()).isZero();
    assertThat(conditions.held()).isZero();
  }

  private String subscribe(TestSession session, Object... params) throws Exception {
    Object id = subscriptions.methods().get("eth_subscribe").call(List.of(params), session.session);
    return String.valueOf(id);
  }

  private Object unsubscribe(TestSession session, String id) throws Exception {
    return subscriptions.methods().get("eth_unsubscribe").call(List.of(id), session.session);
  }

  private void deliver() {
    long rest = 0;
    while (rest == 0) {
      rest = notifier.step();
    }
    assertThat(rest).isEqualTo(Loop.UNTIL_WOKEN);
  }

  private static List<Object> results(TestSession session) {
    List<Object> out = new ArrayList<>();
    session.sent.forEach(
        sent -> out.add(sent.result() instanceof SharedResult s ? s.value() : sent.result()));
    return out;
  }

  private static Object field(Object result, String name) {
    return String.valueOf(((Map<?, ?>) result).get(name));
  }

  @Test
  void aDeepReorganisationDisconnectsNoSubscriber() throws Exception {
    String id = subscribe(session, "logs", Map.of());
    List<Block> removed = chain.addAll(1, 320, 10);
    for (int i = 0; i < 320; i += 64) {
      gap.headChanged(removed.subList(i, i + 64), List.of(), 320, true);
    }
    deliver();
    assertThat(session.sent).hasSize(1_024 / 4);
    assertThat(unsubscribe(session, id)).isEqualTo(true);
  }

  @Test
  void allLogsOfAShortReorganisationAreSent() throws Exception {
    subscribe(session, "logs", Map.of());
    gap.headChanged(chain.addAll(1, 64, 10), List.of(chain.add(1, 1, 10, 0)), 64, true);
    deliver();
    assertThat(results(session)).extracting(log -> field(log, "removed")).hasSize(650);
    assertThat(results(session).subList(0, 640)).allMatch(l -> field(l, "removed").equals("true"));
    assertThat(results(session).subList(640, 650))
        .allMatch(l -> field(l, "removed").equals("false"));
  }

  @Test
  void logsOfARangeAreThoseOfItsBlocks() throws Exception {
    subscribe(session, "logs", Map.of("fromBlock", "0x2", "toBlock", "0x3"));
    TestSession endless = new TestSession("client");
    subscribe(endless, "logs", Map.of("fromBlock", "0x4"));
    gap.headChanged(List.of(), chain.addAll(1, 5, 1), 0, true);
    gap.headChanged(List.of(chain.add(3, 1)), List.of(), 3, true);
    deliver();
    assertThat(results(session))
        .extracting(log -> field(log, "blockNumber") + " " + field(log, "removed"))
        .containsExactly("0x2 false", "0x3 false", "0x3 true");
    assertThat(results(endless))
        .extracting(log -> field(log, "blockNumber"))
        .containsExactly("0x4", "0x5");
  }

  @Test
  void theRangeOfASubscriptionIsHandedOver() throws Exception {
    subscribe(session, "logs", Map.of("fromBlock", "0x2", "toBlock", "0x3"));
    subscribe(session, "logs", Map.of("fromBlock", "0x0", "toBlock", "0x3"));
    subscribe(session, "logs", Map.of("fromBlock", "0x2"));
    subscribe(session, "logs", Map.of());
    List<Object> handedOver = subscriptions.handOver();
    Set<Subscription.Topic> topics = new HashSet<>();
    subscriptions.forEachTopic((topic, all) -> topics.add(topic));
    subscriptions.close();
    subscriptions.restore(handedOver);
    Set<Subscription.Topic> restored = new HashSet<>();
    subscriptions.forEachTopic((topic, all) -> restored.add(topic));
    assertThat(restored).isEqualTo(topics).hasSize(4);
    for (Map<String, Object> invalid :
        List.<Map<String, Object>>of(
            Map.of("toBlock", "0x5"),
            Map.of("fromBlock", "0x6", "toBlock", "0x5"),
            Map.of("fromBlock", "finalized"))) {
      assertThatThrownBy(() -> subscribe(session, "logs", invalid))
          .isInstanceOf(RpcError.class)
          .hasMessage("invalid block range params");
    }
    assertThatThrownBy(() -> subscribe(session, "logs", Map.of("toBlock", "pending")))
        .hasMessage("pending logs are not supported");
    assertThat(subscriptions.count()).isEqualTo(4);
  }

  @Test
  void aSubscriptionThatEndsLeavesNothingBehind() throws Exception {
    String hash = "0x" + "12".repeat(32);
    Object[][] kinds = {
      {"newHeads"},
      {"logs", Map.of("address", TestChain.EMITTER.toString())},
      {"newPendingTransactions", true},
      {"transactionReceipts", Map.of("transactionHashes", List.of(hash))},
      {"syncing"}
    };
    for (int i = 0; i < 10_000; i++) {
      String id = subscribe(session, kinds[i % kinds.length]);
      assertThat(unsubscribe(session, id)).isEqualTo(true);
    }
    assertThat(session.onClose).isEmpty();
    assertNothingIsHeld();
    for (int i = 0; i < 1_000; i++) {
      TestSession closing = new TestSession("client");
      for (Object[] kind : kinds) {
        subscribe(closing, kind);
      }
      List.copyOf(closing.onClose).forEach(Runnable::run);
    }
    assertNothingIsHeld();
  }

  @Test
  void aClientThatReadsTooSlowlyLeavesNothingBehind() throws Exception {
    session.room = 0;
    subscribe(session, "newHeads");
    gap.headChanged(List.of(), chain.addAll(1, 3, 0), 0, true);
    deliver();
    assertThat(session.sent).hasSize(1);
    assertNothingIsHeld();
  }

  @Test
  void subscriptionsOfOneKindShareTheirResults() throws Exception {
    TestSession other = new TestSession("another client");
    Object[][] kinds = {
      {"newHeads"},
      {"logs", Map.of()},
      {"logs", Map.of("address", TestChain.EMITTER.toString())},
      {"transactionReceipts", Map.of()},
      {"newPendingTransactions"},
      {"newPendingTransactions", true}
    };
    for (Object[] kind : kinds) {
      subscribe(session, kind);
      subscribe(other, kind);
      subscribe(other, kind);
    }
    gap.headChanged(List.of(), List.of(chain.add(1, 1)), 0, true);
    events.transactions().append(TestChain.transaction(1));
    deliver();
    Set<Object> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
    session.sent.forEach(sent -> distinct.add(sent.result()));
    other.sent.forEach(sent -> distinct.add(sent.result()));
    assertThat(session.sent).hasSize(6);
    assertThat(other.sent).hasSize(12);
    // both queries match the same log
    assertThat(distinct).hasSize(5).allMatch(result -> result instanceof SharedResult);
    assertThat(chain.readers).as("reads of a block and of its receipts").hasSize(2);
  }

  @Test
  void aSubscriptionIsForLaterEventsOnly() throws Exception {
    subscribe(session, "newHeads");
    gap.headChanged(List.of(), List.of(chain.add(1, 0)), 0, true);
    TestSession later = new TestSession("client");
    subscribe(later, "newHeads");
    gap.headChanged(List.of(), List.of(chain.add(2, 0)), 0, true);
    deliver();
    assertThat(results(session)).extracting(h -> field(h, "number")).containsExactly("0x1", "0x2");
    assertThat(results(later)).extracting(h -> field(h, "number")).containsExactly("0x2");
    subscriptions.close();
    assertThat(later.onClose).isEmpty();
  }

  @Test
  void aStoreThatComesBackLosesAndRepeatsNothing() throws Exception {
    subscribe(session, "newHeads");
    subscribe(session, "logs", Map.of());
    gap.headChanged(List.of(), chain.addAll(1, 2, 1), 0, true);
    chain.failure = new StorageUnavailableException("no store is bound");
    for (int i = 0; i < 3; i++) {
      assertThat(notifier.step()).as("it is tried again soon").isBetween(1L, 1_000L);
    }
    assertThat(notifier.failure()).as("the store reports it").isNull();
    assertThat(session.sent).isEmpty();
    chain.failure = null;
    deliver();
    assertThat(session.sent).hasSize(4);
    assertThat(session.disconnected).isFalse();
  }

  @Test
  void aBlockThatCannotBeReadDisconnectsThoseThatMissIt() throws Exception {
    TestSession logs = new TestSession("client");
    subscribe(session, "newHeads");
    subscribe(logs, "logs", Map.of());
    Block block = chain.add(1, 1);
    chain.remove(block);
    for (RuntimeException failure :
        new @Nullable RuntimeException[] {
          new PrunedException(1, 2), new IllegalStateException("broken"), null
        }) {
      chain.failure = failure;
      gap.headChanged(List.of(), List.of(block), 0, true);
      deliver();
      assertThat(logs.disconnected).isTrue();
      assertThat(logs.sent).isEmpty();
      assertThat(logs.onClose).isEmpty();
      logs = new TestSession("client");
      subscribe(logs, "transactionReceipts", Map.of());
    }
    subscriptions.close();
    assertThat(session.sent).hasSize(3);
    assertThat(session.disconnected).isFalse();
  }

  @Test
  void subscribersThatFallBehindAreDisconnected() throws Exception {
    TestSession pending = new TestSession("client");
    subscribe(session, "newHeads");
    subscribe(pending, "newPendingTransactions");
    gap.headChanged(List.of(), chain.addAll(1, CAPACITY + 1, 0), 0, true);
    TestSession later = new TestSession("client");
    subscribe(later, "newHeads");
    gap.headChanged(List.of(), chain.addAll(CAPACITY + 2, 1, 0), 0, true);
    deliver();
    assertThat(session.disconnected).isTrue();
    assertThat(session.sent).isEmpty();
    assertThat(results(later))
        .extracting(h -> field(h, "number"))
        .containsExactly("0x" + Integer.toHexString(CAPACITY + 2));
    Transaction transaction = TestChain.transaction(1);
    events.transactions().append(transaction);
    deliver();
    assertThat(results(pending)).containsExactly(transaction.hash().toString());
    subscriptions.close();
  }

  @Test
  void aConnectionThatFailsStopsNoOther() throws Exception {
    List<TestSession> sessions = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      TestSession each = new TestSession("client");
      each.failure = i % 2 == 0 ? new AssertionError("broken") : null;
      subscribe(each, "newHeads");
      sessions.add(each);
    }
    gap.headChanged(List.of(), chain.addAll(1, 1, 0), 0, true);
    deliver();
    assertThat(notifier.failure()).isEqualTo("AssertionError: broken");
    for (TestSession each : sessions) {
      assertThat(each.sent).hasSize(each.failure == null ? 1 : 0);
      assertThat(each.disconnected).isEqualTo(each.failure != null);
    }
    subscriptions.close();
  }

  @Test
  void receiptsOfSomeTransactionsEndTheSubscription() throws Exception {
    List<String> hashes = new ArrayList<>();
    for (int nonce = 1; nonce <= 2; nonce++) {
      hashes.add(TestChain.transaction(nonce).hash().toString());
    }
    subscribe(session, "transactionReceipts", Map.of("transactionHashes", hashes));
    gap.headChanged(List.of(), chain.addAll(1, 3, 1), 0, true);
    deliver();
    Set<Object> found = new HashSet<>();
    results(session).forEach(l -> found.add(field(((List<?>) l).get(0), "transactionHash")));
    assertThat(session.sent).hasSize(2);
    assertThat(found).isEqualTo(new HashSet<Object>(hashes));
    assertNothingIsHeld();
  }
}
