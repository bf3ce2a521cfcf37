// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.LogIndex;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.primitives.Block;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Searches of {@code eth_getLogs} and {@code eth_getFilterLogs}. */
class LogSearchTest {
  private static final Map<String, @Nullable Object> ALL = Map.of("fromBlock", "0x0");

  private final TestChain chain = new TestChain();
  private final TestSession session = new TestSession("client");
  private @Nullable LogIndex index;
  private final LogSearch search = new LogSearch(chain.reader(), () -> index);

  private Object getLogs(Map<String, @Nullable Object> criteria) throws RpcError {
    return search.getLogs(List.of(criteria), session.session);
  }

  private static @Nullable Object called(Object result) throws RpcError {
    assertThat(result).isInstanceOf(RpcExpensive.class);
    return ((RpcExpensive) result).call();
  }

  private static List<String> blocksOf(@Nullable Object logs) {
    assertThat(logs).isInstanceOf(List.class);
    return ((List<?>) logs)
        .stream().map(log -> String.valueOf(((Map<?, ?>) log).get("blockHash"))).toList();
  }

  /** Returns an index that names all blocks of a range from a number on. */
  private static LogIndex indexFrom(long first) {
    return TestChain.stub(
        LogIndex.class,
        (name, args) -> {
          BitSet found = new BitSet();
          long from = Long.parseLong(String.valueOf(args[0]));
          long to = Long.parseLong(String.valueOf(args[1]));
          found.set((int) (Math.max(first, from) - from), (int) (to - from + 1));
          return found;
        });
  }

  @Test
  void aLongResultIsWrittenLogByLogFromBlocksThatAreReadAgain() throws Exception {
    List<String> expected = new ArrayList<>();
    for (int number = 1; number <= 5; number++) {
      String hash = chain.setHead(number, 0, 2, 100_000).hash().toString();
      expected.addAll(List.of(hash, hash));
    }
    Object result = called(getLogs(ALL));
    assertThat(result).as("it is longer than what is held").isInstanceOf(RpcStream.class);
    assertThat(blocksOf(JsonList.of(result))).isEqualTo(expected);
  }

  @Test
  void aShortResultIsAList() throws Exception {
    String hash = chain.setHead(1, 0, 2, 100_000).hash().toString();
    assertThat(blocksOf(called(getLogs(ALL)))).containsExactly(hash, hash);
    index = indexFrom(1);
    assertThat(blocksOf(getLogs(ALL))).containsExactly(hash, hash);
    assertThat(blocksOf(getLogs(Map.of("blockHash", hash)))).containsExactly(hash, hash);
  }

  /** A response is written at the pace of its client, which needs a deadline. */
  @Test
  void aLongResultOfFewBlocksIsWrittenByAnExpensiveCall() throws Exception {
    String hash = chain.setHead(1, 0, 6, 100_000).hash().toString();
    index = indexFrom(1);
    for (Map<String, @Nullable Object> criteria :
        List.<Map<String, @Nullable Object>>of(ALL, Map.of("blockHash", hash))) {
      Object result = called(getLogs(criteria));
      assertThat(result).isInstanceOf(RpcStream.class);
      assertThat(blocksOf(JsonList.of(result))).hasSize(6).containsOnly(hash);
    }
  }

  @Test
  void tooManyResultsAreAnErrorBeforeAnythingIsWritten() throws Exception {
    chain.setHead(1, 0, 600, 10_000);
    chain.setHead(2, 0, 600, 10_000);
    Object search = getLogs(ALL);
    assertThatThrownBy(() -> called(search))
        .isInstanceOf(RpcError.class)
        .hasMessage("query returned more than 1000 results");
  }

  @Test
  void aBlockThatCannotBeReadAgainIsAnError() throws Exception {
    Block block = chain.setHead(1, 0, 1, 1_000_000);
    Object result = called(getLogs(ALL));
    chain.pruned = new PrunedException(1, 2);
    assertThatThrownBy(() -> JsonList.of(result)).isSameAs(chain.pruned);
    chain.pruned = null;
    Object again = called(getLogs(ALL));
    chain.remove(block);
    assertThatThrownBy(() -> JsonList.of(again))
        .isInstanceOf(RpcError.class)
        .hasMessage("the logs of block " + block.hash() + " are not available; try again");
  }

  private List<String> setHeads(int first, int last, int branch) {
    List<String> hashes = new ArrayList<>();
    for (int number = first; number <= last; number++) {
      hashes.add(chain.setHead(number, branch, 1).hash().toString());
    }
    return hashes;
  }

  @Test
  void aReorgAfterTheIndexWasAskedLosesNoLog() throws Exception {
    setHeads(1, 3, 0);
    chain.setHead(4, 0, 0);
    List<String> expected = new ArrayList<>();
    LogIndex first =
        TestChain.stub(
            LogIndex.class,
            (name, args) -> {
              expected.addAll(setHeads(4, 4, 1)); // the answer is for the block before
              index = indexFrom(4);
              return new BitSet();
            });
    index = first;
    Map<String, @Nullable Object> criteria = Map.of("fromBlock", "0x4", "toBlock", "0x4");
    assertThat(blocksOf(JsonList.of(getLogs(criteria)))).isEqualTo(expected).hasSize(1);
  }

  @Test
  void aReorgBeforeAnExpensiveSearchRunsLosesNoLog() throws Exception {
    List<String> expected = setHeads(1, 6, 0);
    chain.setHead(7, 0, 0);
    index =
        TestChain.stub(
            LogIndex.class,
            (name, args) -> {
              BitSet found = new BitSet();
              found.set(1, chain.reader().head().number() == 7 ? 7 : 9);
              return found;
            });
    Object waiting = getLogs(ALL);
    expected.addAll(setHeads(7, 8, 1));
    assertThat(blocksOf(called(waiting))).isEqualTo(expected);
  }

  @Test
  void aReorgDuringASearchDoesNotMixBranches() throws Exception {
    setHeads(1, 4, 0);
    List<String> expected = new ArrayList<>();
    AtomicInteger receipts = new AtomicInteger();
    chain.onRead =
        name -> {
          if (name.equals("receipts") && receipts.incrementAndGet() == 3) {
            expected.addAll(setHeads(1, 4, 1));
          }
        };
    assertThat(blocksOf(called(getLogs(ALL)))).isEqualTo(expected).hasSize(4);
  }

  /** A head that goes back takes blocks from a search up to the latest one. */
  @Test
  void aSearchUpToTheHeadFollowsItBack() throws Exception {
    setHeads(1, 4, 0);
    List<String> expected = new ArrayList<>();
    AtomicInteger receipts = new AtomicInteger();
    chain.onRead =
        name -> {
          if (name.equals("receipts") && receipts.incrementAndGet() == 2) {
            expected.addAll(setHeads(1, 2, 1));
          }
        };
    assertThat(blocksOf(called(getLogs(ALL)))).isEqualTo(expected).hasSize(2);
  }

  @Test
  void aSearchEndsWhenReorgsDoNot() throws Exception {
    setHeads(1, 2, 0);
    AtomicInteger searches = new AtomicInteger();
    chain.onRead =
        name -> {
          if (name.equals("retention")) {
            searches.incrementAndGet();
          } else if (name.equals("receipts")) {
            setHeads(2, 2, searches.get());
          }
        };
    Object waiting = getLogs(Map.of("fromBlock", "0x1"));
    searches.set(0);
    assertThatThrownBy(() -> called(waiting))
        .isInstanceOf(RpcError.class)
        .hasMessage("the chain was reorganized during the search; try again");
    assertThat(searches).hasValue(3);
  }

  @Test
  void aBlockWithoutReceiptsIsAnError() throws Exception {
    setHeads(1, 2, 0);
    Block last = chain.setHead(3, 0, 1);
    chain.remove(last);
    assertThatThrownBy(() -> called(getLogs(ALL)))
        .isInstanceOf(RpcError.class)
        .hasMessageStartingWith("the logs of block ");
  }
}
