// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The limits of replies, and what happens while the states cannot be read. */
class StateServerTest extends SnapFixture {
  private final Hash root = states.root();

  @Test
  void aWholeStateIsReadPieceByPiece() {
    Hash origin = Hash.ZERO;
    int count = 0;
    for (List<Hash> part = accounts(root, origin, MAX, 1_000);
        !part.isEmpty();
        part = accounts(root, origin, MAX, 1_000)) {
      count += part.size();
      origin = plus(part.get(part.size() - 1), 1);
    }
    assertThat(count).isEqualTo(FakeStates.ACCOUNTS);
    Hash large = states.contracts.get(9);
    Bytes from = Bytes.EMPTY;
    int slots = 0;
    for (List<Hash> part = slots(List.of(large), from, Bytes.EMPTY, 5_000).get(0);
        !part.isEmpty();
        part = slots(List.of(large), from, Bytes.EMPTY, 5_000).get(0)) {
      slots += part.size();
      from = Bytes.wrap(plus(part.get(part.size() - 1), 1).toArray());
    }
    assertThat(slots).isEqualTo(3_000);
  }

  @Test
  void aReplyEndsWhenItsTimeIsOver() {
    states.onRead = () -> nanos[0] += Duration.ofMillis(100).toNanos();
    assertThat(accounts(root, Hash.ZERO, MAX, -1)).hasSizeBetween(15, 25);
    Hash large = states.contracts.get(9);
    List<List<Hash>> slots = slots(List.of(large, large), Bytes.EMPTY, Bytes.EMPTY, -1);
    assertThat(slots).hasSize(1);
    assertThat(slots.get(0)).hasSizeBetween(15, 25);
  }

  @Test
  void theTimeOfAReplyIncludesTheComputationOfItsState() {
    states.onState = () -> nanos[0] += Duration.ofMillis(1_500).toNanos();
    states.onRead = () -> nanos[0] += Duration.ofMillis(100).toNanos();
    assertThat(accounts(root, Hash.ZERO, MAX, -1)).hasSizeBetween(3, 7);
    states.onState = () -> nanos[0] += SnapLimits.MAX_WORK.toNanos();
    assertThat(accounts(root, Hash.ZERO, MAX, -1)).as("progress").hasSize(1);
  }

  @Test
  void lookupsAreLimited() {
    Hash code = states.codes.keySet().iterator().next();
    assertThat(codes(Collections.nCopies(SnapLimits.MAX_ITEMS, code), -1))
        .hasSize(SnapLimits.MAX_LOOKUPS);
    assertThat(codes(Collections.nCopies(SnapLimits.MAX_ITEMS, Hash.ZERO), -1)).isEmpty();
    List<Bytes> top = List.of(Bytes.wrap(new byte[1]));
    assertThat(nodes(root, Collections.nCopies(SnapLimits.MAX_ITEMS, top), -1))
        .hasSizeBetween(SnapLimits.MAX_LOOKUPS / 2, SnapLimits.MAX_LOOKUPS);
  }

  @Test
  void accountsWithoutStorageCountAsLookups() {
    List<Bytes> unknown = List.of(Bytes.wrap(new byte[Hash.SIZE]), Bytes.wrap(new byte[1]));
    assertThat(nodes(root, Collections.nCopies(SnapLimits.MAX_ITEMS, unknown), -1)).isEmpty();
    assertThat(states.accountReads).isEqualTo(SnapLimits.MAX_LOOKUPS);
  }

  @Test
  void accountsWithoutSlotsCountAsLookups() {
    Hash plain =
        states.accounts.keySet().stream()
            .filter(account -> !states.storages.containsKey(account))
            .findFirst()
            .orElseThrow();
    List<Hash> many = Collections.nCopies(SnapLimits.MAX_ITEMS, plain);
    assertThat(slots(many, Bytes.EMPTY, Bytes.EMPTY, -1)).hasSize(SnapLimits.MAX_LOOKUPS);
    assertThat(states.accountReads).isEqualTo(SnapLimits.MAX_LOOKUPS);
  }

  @Test
  void requestsWithMoreItemsThanAnyPeerSendsAreViolations() {
    List<Hash> many = Collections.nCopies(SnapLimits.MAX_ITEMS + 1, root);
    List<Bytes> top = List.of(Bytes.wrap(new byte[1]));
    refuses(MessageCode.GET_BYTE_CODES, codesRequest(many, 0));
    refuses(MessageCode.GET_STORAGE_RANGES, slotsRequest(root, many, Bytes.EMPTY, Bytes.EMPTY, 0));
    refuses(
        MessageCode.GET_TRIE_NODES,
        nodesRequest(root, Collections.nCopies(SnapLimits.MAX_ITEMS + 1, top), 0));
    List<Bytes> paths = Collections.nCopies(SnapLimits.MAX_PATHS + 1, top.get(0));
    refuses(MessageCode.GET_TRIE_NODES, nodesRequest(root, List.of(paths), 0));
    Bytes longBound = Bytes.wrap(new byte[33]);
    refuses(
        MessageCode.GET_STORAGE_RANGES,
        slotsRequest(root, List.of(root), longBound, top.get(0), 0));
  }

  private void refuses(int message, Bytes request) {
    assertThatThrownBy(() -> peer.messageReceived(message, request))
        .isInstanceOf(RlpException.class);
    assertThat(connection.sent).isEmpty();
  }

  @Test
  void repliesAndUnknownMessagesAreViolations() {
    for (int message : new int[] {1, 3, 5, 7, 8, 255}) {
      assertThatThrownBy(() -> peer.messageReceived(message, Bytes.fromHex("0xc0")))
          .isInstanceOfSatisfying(
              PeerBreachException.class,
              breach -> assertThat(breach.reason()).isEqualTo(DisconnectReason.PROTOCOL_BREACH));
    }
  }

  @Test
  void repliesAreEmptyWhileTheStatesCannotBeRead() {
    states.isAvailable = false;
    assertEmptyReplies();
    states.isAvailable = true;
    slot.release(states, Duration.ZERO);
    assertEmptyReplies();
    Hash code = states.codes.keySet().iterator().next();
    assertThat(codes(List.of(code), 100)).isEmpty();
  }

  private void assertEmptyReplies() {
    assertThat(accounts(root, Hash.ZERO, MAX, 4_000)).isEmpty();
    assertThat(slots(states.contracts, Bytes.EMPTY, Bytes.EMPTY, 4_000)).isEmpty();
    assertThat(nodes(root, List.of(List.of(Bytes.wrap(new byte[1]))), 4_000)).isEmpty();
  }

  /** A request that is worked on until it may end. */
  private final class Request {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch end = new CountDownLatch(1);
    final AtomicInteger results = new AtomicInteger();
    final Thread thread;

    Request(ServingTurns turns) {
      thread = new Thread(() -> turns.take(states -> work()));
      thread.start();
    }

    private @Nullable Integer work() {
      begun.countDown();
      try {
        end.await();
      } catch (InterruptedException interrupted) {
        return null;
      }
      return results.incrementAndGet();
    }

    void finish() throws InterruptedException {
      end.countDown();
      thread.join();
      assertThat(results).hasValue(1);
    }
  }

  @Test
  void fewRequestsAreWorkedOnAtATime() throws Exception {
    ServingTurns turns = new ServingTurns(slot, 1, 0, 0);
    Request first = new Request(turns);
    first.begun.await();
    assertThat(turns.<Integer>take(states -> 1)).as("the turn is taken").isNull();
    first.finish();
    assertThat(turns.<Integer>take(states -> 1)).isEqualTo(1);
  }

  @Test
  void fewRequestsWaitAndTheOthersAreRefusedAtOnce() throws Exception {
    ServingTurns turns = new ServingTurns(slot, 1, 2, Duration.ofMinutes(1).toNanos());
    Request first = new Request(turns);
    first.begun.await();
    List<Request> waiting = List.of(new Request(turns), new Request(turns));
    for (Request one : waiting) {
      while (one.thread.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
    }
    assertThat(turns.<Integer>take(states -> 1)).as("two wait").isNull();
    waiting.forEach(one -> one.end.countDown()); // they get their turns in any order
    first.finish();
    for (Request one : waiting) {
      one.finish();
    }
    assertThat(turns.<Integer>take(states -> 1)).isEqualTo(1);
  }
}
