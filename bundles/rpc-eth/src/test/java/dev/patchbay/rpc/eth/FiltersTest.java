// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Filters of one client. */
class FiltersTest {
  private final TestChain chain = new TestChain();
  private final Events events = Events.create();
  private final ClientQuota conditions = ClientQuota.ofConditions();
  private final TestSession session = new TestSession("client");
  private Instant now = Instant.EPOCH;
  private final HeadGap gap = new HeadGap(chain.reader(), events.heads());
  private final Filters filters =
      new Filters(new LogSearch(chain.reader(), () -> null), events, gap, conditions, () -> now);

  private @Nullable Object call(String method, Object... params) throws Exception {
    return filters.methods().get(method).call(List.of(params), session.session);
  }

  private List<?> poll(@Nullable Object id) throws Exception {
    Object result = call("eth_getFilterChanges", String.valueOf(id));
    return (List<?>) JsonList.of(result);
  }

  private void assertNotFound(@Nullable Object id) {
    assertThatThrownBy(() -> poll(id)).isInstanceOf(RpcError.class).hasMessage("filter not found");
    assertThat(filters.count()).isZero();
    assertThat(conditions.held()).isZero();
  }

  @Test
  void aBlockFilterReportsEachCanonicalBlockOnce() throws Exception {
    gap.headChanged(List.of(), List.of(chain.setHead(1, 0, 0)), 0, true);
    Object id = call("eth_newBlockFilter");
    assertThat(poll(id)).isEmpty();
    Block old = chain.setHead(2, 0, 0);
    gap.headChanged(List.of(), List.of(old), 0, true);
    assertThat(poll(id)).isEqualTo(List.of(old.hash().toString()));
    Block replacing = chain.setHead(2, 1, 0);
    gap.headChanged(List.of(old), List.of(replacing), 1, true);
    assertThat(poll(id)).isEqualTo(List.of(replacing.hash().toString()));
    assertThat(poll(id)).isEmpty();
  }

  /** A client may see a block, or a receipt of it, while other listeners are notified. */
  @Test
  void aBlockIsReportedBeforeItsEventArrives() throws Exception {
    Block before = chain.setHead(1, 0, 1);
    Object blocks = call("eth_newBlockFilter");
    Object logs = call("eth_newFilter", Map.of());
    gap.headChanged(List.of(), List.of(before), 0, true);
    assertThat(poll(blocks)).as("the head when the filter was installed").isEmpty();
    Block old = chain.setHead(2, 0, 1);
    assertThat(poll(blocks)).isEqualTo(List.of(old.hash().toString()));
    Block replacing = chain.setHead(2, 1, 1);
    assertThat(poll(logs)).extracting(FiltersTest::blockAndRemoved).hasSize(3);
    gap.headChanged(List.of(), List.of(old), 0, true);
    gap.headChanged(List.of(old), List.of(replacing), 1, true);
    assertThat(poll(blocks)).isEqualTo(List.of(replacing.hash().toString()));
    assertThat(poll(logs)).isEmpty();
    Block last = chain.setHead(3, 0, 1);
    gap.headChanged(List.of(), List.of(last), 0, true);
    assertThat(poll(logs))
        .extracting(FiltersTest::blockAndRemoved)
        .containsExactly(last.hash() + " false");
  }

  /** A filter that was installed during the event of a head reports the next one. */
  @Test
  void noBlockIsMissedWhenAFilterIsInstalledDuringAnEvent() throws Exception {
    Block first = chain.setHead(1, 0, 0);
    Object id = call("eth_newBlockFilter");
    gap.headChanged(List.of(), List.of(first), 0, false);
    Block next = chain.setHead(2, 0, 0);
    gap.headChanged(List.of(), List.of(next), 0, true);
    assertThat(poll(id)).isEqualTo(List.of(next.hash().toString()));
  }

  private static String blockAndRemoved(Object log) {
    return ((Map<?, ?>) log).get("blockHash") + " " + ((Map<?, ?>) log).get("removed");
  }

  @Test
  void aTransactionFilterReportsEachTransactionOnce() throws Exception {
    Object id = call("eth_newPendingTransactionFilter");
    Transaction transaction = TestChain.transaction(1);
    events.transactions().append(transaction);
    assertThat(poll(id)).isEqualTo(List.of(transaction.hash().toString()));
    assertThat(poll(id)).isEmpty();
  }

  @Test
  void aLogFilterReportsTheLogsOfRemovedBlocks() throws Exception {
    Object id = call("eth_newFilter", Map.of("address", TestChain.EMITTER.toString()));
    Object other = call("eth_newFilter", Map.of("address", "0x" + "02".repeat(20)));
    Block old = chain.setHead(1, 0, 1);
    gap.headChanged(List.of(), List.of(old), 0, true);
    Block replacing = chain.setHead(1, 1, 2);
    gap.headChanged(List.of(old), List.of(replacing), 1, true);
    assertThat(poll(id))
        .extracting(FiltersTest::blockAndRemoved)
        .containsExactly(
            old.hash() + " false",
            old.hash() + " true",
            replacing.hash() + " false",
            replacing.hash() + " false");
    assertThat(poll(id)).isEmpty();
    assertThat(poll(other)).isEmpty();
  }

  @Test
  void aLogFilterReportsTheBlocksOfItsRange() throws Exception {
    Object all = call("eth_newFilter", Map.of("fromBlock", "earliest", "toBlock", "latest"));
    Object range = call("eth_newFilter", Map.of("fromBlock", "0x2", "toBlock", "0x3"));
    Object endless = call("eth_newFilter", Map.of("fromBlock", "0x4"));
    List<Block> blocks = new ArrayList<>();
    for (int number = 1; number <= 5; number++) {
      blocks.add(chain.setHead(number, 0, 1));
      gap.headChanged(List.of(), blocks.subList(number - 1, number), 0, true);
    }
    assertThat(poll(all)).extracting(FiltersTest::blockAndRemoved).hasSize(5);
    assertThat(poll(range))
        .extracting(FiltersTest::blockAndRemoved)
        .containsExactly(blocks.get(1).hash() + " false", blocks.get(2).hash() + " false");
    assertThat(poll(endless))
        .extracting(FiltersTest::blockAndRemoved)
        .containsExactly(blocks.get(3).hash() + " false", blocks.get(4).hash() + " false");
    assertThat((List<?>) JsonList.of(call("eth_getFilterLogs", String.valueOf(range)))).hasSize(2);
  }

  @Test
  void aLongAnswerIsGivenInParts() throws Exception {
    Object id = call("eth_newFilter", Map.of());
    for (int number = 1; number <= 5; number++) {
      gap.headChanged(List.of(), List.of(chain.setHead(number, 0, 3, 500_000)), 0, true);
    }
    assertThat(poll(id)).hasSize(6);
    assertThat(poll(id)).hasSize(6);
    assertThat(poll(id)).hasSize(3);
    assertThat(poll(id)).isEmpty();
  }

  @Test
  void pollsAtTheSameTimeReportNothingTwice() throws Exception {
    Object id = call("eth_newFilter", Map.of());
    for (int number = 1; number <= 100; number++) {
      chain.setHead(number, 0, 1);
    }
    String filter = String.valueOf(id);
    RpcExpensive first = (RpcExpensive) call("eth_getFilterChanges", filter);
    RpcExpensive second = (RpcExpensive) call("eth_getFilterChanges", filter);
    assertThat((List<?>) second.call()).hasSize(100);
    assertThat((List<?>) first.call()).isEmpty();
  }

  @Test
  void aPollThatFailsLosesNothing() throws Exception {
    Object id = call("eth_newFilter", Map.of());
    for (int number = 1; number <= 3; number++) {
      chain.setHead(number, 0, 1);
    }
    chain.failure = new StorageUnavailableException("no store is bound");
    assertThatThrownBy(() -> poll(id)).isSameAs(chain.failure);
    chain.failure = null;
    assertThat(poll(id)).hasSize(3);
  }

  /** A poll whose long result was not written reports nothing; the next one reports it. */
  @Test
  void aLongResultThatIsNotWrittenIsReportedAgain() throws Exception {
    String id = String.valueOf(call("eth_newFilter", Map.of()));
    for (int number = 1; number <= 3; number++) {
      chain.setHead(number, 0, 1, 500_000);
    }
    Object refused = call("eth_getFilterChanges", id);
    assertThat(refused).as("the gate refuses it").isInstanceOf(RpcExpensive.class);
    Object result =
        ((RpcExpensive) Objects.requireNonNull(call("eth_getFilterChanges", id))).call();
    assertThat(result).isInstanceOf(RpcStream.class);
    JsonList full = new JsonList(1);
    assertThatThrownBy(() -> ((RpcStream) Objects.requireNonNull(result)).writeTo(full))
        .hasMessage("full");
    assertThat(full.values()).hasSize(1);
    assertThat(poll(id)).hasSize(3);
    assertThat(poll(id)).isEmpty();
  }

  @Test
  void aFilterWhoseBlockIsPrunedWhileItsLogsAreWrittenIsRemoved() throws Exception {
    Object id = call("eth_newFilter", Map.of("address", TestChain.EMITTER.toString()));
    chain.setHead(1, 0, 1, 1_000_000);
    Object result = call("eth_getFilterChanges", String.valueOf(id));
    chain.pruned = new PrunedException(1, 2);
    assertThatThrownBy(() -> JsonList.of(result)).hasMessage("filter not found");
    assertNotFound(id);
  }

  @Test
  void aFilterWhoseLogsAreNoLongerStoredIsRemoved() throws Exception {
    Map<String, Object> query = Map.of("address", TestChain.EMITTER.toString());
    Object id = call("eth_newFilter", query);
    Block block = chain.setHead(1, 0, 1);
    gap.headChanged(List.of(), List.of(block), 0, true);
    chain.pruned = new PrunedException(1, 2);
    assertNotFound(id);
    chain.pruned = null;
    Object again = call("eth_newFilter", query);
    Block replacing = chain.setHead(1, 1, 0);
    gap.headChanged(List.of(block), List.of(replacing), 1, true);
    chain.remove(block);
    assertNotFound(again);
  }

  @Test
  void anIdleFilterIsRemovedAfterFiveMinutes() throws Exception {
    Object idle = call("eth_newFilter", Map.of("address", TestChain.EMITTER.toString()));
    Object polled = call("eth_newBlockFilter");
    for (int minute = 0; minute < 5; minute++) {
      now = now.plus(Duration.ofMinutes(1));
      poll(polled);
    }
    assertThat(filters.count()).isEqualTo(2);
    now = now.plusMillis(1);
    poll(polled);
    assertThat(filters.count()).isEqualTo(1);
    assertThat(conditions.held()).isZero();
    now = now.plus(Duration.ofMinutes(6));
    assertNotFound(polled);
    assertNotFound(idle);
  }

  @Test
  void filtersThatAreNeverPolledHoldNothing() throws Exception {
    call("eth_newBlockFilter");
    Object transactions = call("eth_newPendingTransactionFilter");
    assertThat(filters.readsTransactions()).isTrue();
    call("eth_uninstallFilter", String.valueOf(transactions));
    assertThat(filters.readsTransactions()).isFalse();
    call("eth_newPendingTransactionFilter");
    now = now.plus(Duration.ofMinutes(6));
    filters.expire();
    assertThat(filters.count()).isZero();
    assertThat(filters.readsTransactions()).isFalse();
  }

  @Test
  void malformedCriteriaAreRejectedAtOnce() {
    for (Map<String, Object> criteria :
        List.<Map<String, Object>>of(
            Map.of("fromBlock", "x".repeat(1_000)),
            Map.of("toBlock", List.of()),
            Map.of("blockHash", "0x12"),
            Map.of("blockHash", "0x" + "12".repeat(32), "fromBlock", "0x1"),
            Map.of("toBlock", "0x5"),
            Map.of("fromBlock", "0x6", "toBlock", "0x5"),
            Map.of("fromBlock", "safe"),
            Map.of("fromBlock", "0x1", "toBlock", "finalized"),
            Map.of("fromBlock", "0x0", "toBlock", "earliest"),
            Map.of("fromBlock", "pending"),
            Map.of("fromBlock", "0x1", "toBlock", "pending"))) {
      assertThatThrownBy(() -> call("eth_newFilter", criteria))
          .isInstanceOfSatisfying(
              RpcError.class, e -> assertThat(e.code()).isEqualTo(RpcError.INVALID_PARAMS));
    }
    assertThat(filters.count()).isZero();
  }
}
