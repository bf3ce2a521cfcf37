// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class JobsTest {
  private static final Hash ONE = Hash.fromHex("0x01" + "00".repeat(31));
  private static final Block PARENT = block(1);

  private static Block block(long number) {
    return new Block(
        BlockHeader.builder().number(number).gasLimit(30_000_000).build(),
        List.of(),
        List.of(),
        null);
  }

  private static Payload payload(Block block) {
    Receipt receipt = Receipt.of(TransactionType.LEGACY, true, 21_000, List.of());
    BlockExecutor.Outcome outcome =
        new BlockExecutor.Outcome(
            List.of(receipt),
            21_000,
            0,
            List.of(new byte[] {1}),
            null,
            new StateChanges(List.of()));
    return new Payload(block, UInt256.ZERO, outcome, List.of());
  }

  private static PayloadAttributes attributes(PayloadAttributes.@Nullable Rollup rollup) {
    return new PayloadAttributes(
        1,
        ONE,
        Address.fromHex("0x01" + "00".repeat(19)),
        List.of(),
        Hash.ZERO,
        Bytes.EMPTY,
        null,
        null,
        rollup);
  }

  private static PayloadAttributes.Rollup rollup(
      List<Transaction> transactions,
      boolean noTxPool,
      @Nullable Bytes params,
      @Nullable Long minBaseFee) {
    return new PayloadAttributes.Rollup(transactions, noTxPool, 30_000_000, params, minBaseFee);
  }

  /** A build that never ends by itself, and tells when it began and when it was broken off. */
  private static final class Endless implements Jobs.Work {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch brokenOff = new CountDownLatch(1);
    Block next = block(2);

    @Override
    public Payload empty(Block parent, PayloadAttributes attributes) {
      return payload(next);
    }

    @Override
    public Payload full(Block parent, PayloadAttributes attributes) {
      begun.countDown();
      try {
        while (true) {
          Deadline.check();
          Thread.onSpinWait();
        }
      } finally {
        brokenOff.countDown();
      }
    }
  }

  @Test
  void fetchingAPayloadBreaksItsBuildOff() throws Exception {
    Endless work = new Endless();
    Jobs jobs = new Jobs(work, InstantSource.system());
    Bytes id = Jobs.id(PARENT.hash(), attributes(null), Fork.SHANGHAI);
    jobs.start(id, PARENT, attributes(null));
    assertThat(work.begun.await(10, TimeUnit.SECONDS)).isTrue();
    Payload fetched = jobs.get(id);
    assertThat(fetched).isNotNull();
    assertThat(work.brokenOff.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(jobs.get(id)).as("the same from now on").isSameAs(fetched);
    jobs.close();
  }

  @Test
  void closingBreaksABuildOff() throws Exception {
    Endless work = new Endless();
    Jobs jobs = new Jobs(work, InstantSource.system());
    jobs.start(Jobs.id(PARENT.hash(), attributes(null), Fork.SHANGHAI), PARENT, attributes(null));
    assertThat(work.begun.await(10, TimeUnit.SECONDS)).isTrue();
    jobs.close();
    assertThat(work.brokenOff.getCount()).as("the thread has ended").isZero();
  }

  /** The second build of a payload follows a first one that threw. */
  @ParameterizedTest
  @MethodSource("dev.patchbay.payload.SealingTest#errors")
  void aBuildThatThrowsIsFollowedByOneThatWorks(Throwable error) throws Exception {
    CountDownLatch retried = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    AtomicInteger count = new AtomicInteger();
    Jobs.Work work =
        new Jobs.Work() {
          @Override
          public Payload empty(Block parent, PayloadAttributes attributes) {
            return payload(block(2));
          }

          @Override
          public Payload full(Block parent, PayloadAttributes attributes) {
            switch (count.incrementAndGet()) {
              case 1 -> SealingTest.<RuntimeException>sneak(error);
              case 2 -> {
                retried.countDown();
                SealingTest.await(go);
              }
              default -> done.countDown();
            }
            return payload(block(3));
          }
        };
    Jobs jobs = new Jobs(work, InstantSource.system());
    Bytes id = Jobs.id(PARENT.hash(), attributes(null), Fork.SHANGHAI);
    jobs.start(id, PARENT, attributes(null));
    assertThat(retried.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(jobs.failure()).contains(error.getClass().getSimpleName());
    go.countDown();
    // another payload: its build begins when the one before has ended
    PayloadAttributes others = attributes(rollup(List.of(), false, null, 7L));
    jobs.start(Jobs.id(PARENT.hash(), others, Fork.SHANGHAI), PARENT, others);
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(jobs.failure()).isNull();
    Payload built = jobs.get(id);
    assertThat(built).isNotNull();
    assertThat(built.block()).isEqualTo(block(3));
    jobs.close();
  }

  /**
   * Builds of payloads that are named by their least base fee, while the pool never rests: those of
   * some always fail. Returns the order of the builds.
   */
  private static List<Long> builds(Set<Long> failing, List<Long> started, int count)
      throws Exception {
    List<Long> order = new CopyOnWriteArrayList<>();
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(count);
    Jobs[] own = new Jobs[1];
    Jobs.Work work =
        new Jobs.Work() {
          @Override
          public Payload empty(Block parent, PayloadAttributes attributes) {
            return payload(block(2));
          }

          @Override
          public Payload full(Block parent, PayloadAttributes attributes) {
            SealingTest.await(go);
            Long name =
                Objects.requireNonNull(Objects.requireNonNull(attributes.rollup()).minBaseFee());
            order.add(name);
            done.countDown();
            own[0].poolChanged();
            if (failing.contains(name)) {
              throw new IllegalStateException("a state");
            }
            return payload(block(3));
          }
        };
    Jobs jobs = new Jobs(work, InstantSource.system());
    own[0] = jobs;
    for (long name : started) {
      PayloadAttributes attributes = attributes(rollup(List.of(), false, null, name));
      jobs.start(Jobs.id(PARENT.hash(), attributes, Fork.SHANGHAI), PARENT, attributes);
    }
    go.countDown();
    assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
    jobs.close();
    return order;
  }

  @Test
  void aBuildThatFailedWaitsForOneOther() throws Exception {
    List<Long> order = builds(Set.of(1L), List.of(1L, 2L), 5).subList(0, 5);
    int first = order.indexOf(1L);
    assertThat(first).isBetween(0, 1);
    for (int i = first; i < order.size(); i++) {
      assertThat(order.get(i)).as("%s at %s", order, i).isEqualTo((i - first) % 2 == 0 ? 1L : 2L);
    }
  }

  @Test
  void buildsThatFailAlwaysStarveNoOther() throws Exception {
    List<Long> order = builds(Set.of(1L, 2L), List.of(1L, 2L, 3L), 8).subList(0, 8);
    for (long name = 1; name <= 3; name++) {
      assertThat(Collections.frequency(order, name))
          .as("%s in %s", name, order)
          .isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void whatABlockDoesIsKeptOfTheLatestTwo() {
    Endless work = new Endless();
    Jobs jobs = new Jobs(work, InstantSource.system());
    List<Bytes> ids = new ArrayList<>();
    List<Hash> blocks = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      work.next = block(2 + i);
      PayloadAttributes attributes = attributes(rollup(List.of(), true, null, (long) i));
      ids.add(Jobs.id(PARENT.hash(), attributes, Fork.SHANGHAI));
      jobs.start(ids.get(i), PARENT, attributes);
      blocks.add(work.next.hash());
      assertThat(jobs.get(ids.get(i))).isNotNull();
    }
    assertThat(ids).doesNotHaveDuplicates();
    for (int i = 0; i < 5; i++) {
      Payload told = jobs.get(ids.get(i));
      assertThat(told).isNotNull();
      assertThat(told.block().hash()).as("block %s is told", i).isEqualTo(blocks.get(i));
      assertThat(told.outcome().gasUsed()).isEqualTo(21_000);
      assertThat(told.requests()).hasSize(1);
      assertThat(told.outcome().receipts()).hasSize(i < 3 ? 0 : 1);
      assertThat(jobs.fetched(blocks.get(i)) != null).as("block %s has it all", i).isEqualTo(i > 2);
    }
    jobs.close();
  }

  @Test
  void aSequencerMayWantNothingFromThePool() throws Exception {
    Endless work = new Endless();
    Jobs jobs = new Jobs(work, InstantSource.system());
    PayloadAttributes closed = attributes(rollup(List.of(), true, null, null));
    Bytes id = Jobs.id(PARENT.hash(), closed, Fork.SHANGHAI);
    jobs.start(id, PARENT, closed);
    jobs.poolChanged();
    assertThat(work.begun.await(300, TimeUnit.MILLISECONDS)).as("it is built again").isFalse();
    assertThat(jobs.get(id)).isNotNull();
    jobs.close();
  }

  /** The value follows from the arguments of op-geth's TestPayloadId, case 0. */
  @Test
  void anIdIsThatOfOtherNodes() {
    assertThat(Jobs.id(ONE, attributes(null), Fork.PARIS).toString())
        .isEqualTo("0x014cffc0e01f12fa");
  }

  @Test
  void allThatASequencerSaysIsPartOfTheId() {
    Transaction transaction =
        Transaction.builder(TransactionType.DEPOSIT)
            .sender(Address.ZERO)
            .deposit(new Transaction.Deposit(ONE, UInt256.ZERO, false))
            .build();
    Bytes params = Bytes.fromHex("0x000000fa00000006");
    List<Bytes> ids =
        List.of(
            id(null),
            id(rollup(List.of(), false, null, null)),
            id(rollup(List.of(), true, null, null)),
            id(rollup(List.of(transaction), true, null, null)),
            id(rollup(List.of(transaction), false, null, null)),
            id(rollup(List.of(transaction), false, params, null)),
            id(rollup(List.of(transaction), false, params, 1L)));
    assertThat(ids).doesNotHaveDuplicates();
    assertThat(id(rollup(List.of(transaction), false, params, 0L)))
        .as("a least base fee of nothing says nothing, as in op-geth")
        .isEqualTo(id(rollup(List.of(transaction), false, params, null)));
  }

  private static Bytes id(PayloadAttributes.@Nullable Rollup rollup) {
    return Jobs.id(ONE, attributes(rollup), Fork.CANCUN);
  }
}
