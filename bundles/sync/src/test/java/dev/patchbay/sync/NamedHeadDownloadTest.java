// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.SyncStatus.Progress;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand.GetBlockBodies;
import dev.patchbay.api.p2p.PeerCommand.GetBlockHeaders;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sync to the head that a consensus client names, from peers of all kinds. */
@Timeout(120)
class NamedHeadDownloadTest {
  private final FakePeers peers = new FakePeers();
  private final ModelChain own = new ModelChain();
  private final ModelStage stage = new ModelStage(own);

  /** How much the clock is ahead. */
  private final AtomicLong ahead = new AtomicLong();

  private final LongSupplier nanos = () -> System.nanoTime() + ahead.get();
  private final SyncPeers candidates = new SyncPeers(peers, nanos);
  private final Synchronizer synchronizer;

  NamedHeadDownloadTest() {
    own.isDriven = true;
    synchronizer = new Synchronizer(own.reader(), own.importer(), stage, candidates, nanos);
  }

  @AfterEach
  void close() {
    synchronizer.close();
    peers.close();
  }

  private void name(Block head) {
    stage.name(head);
    synchronizer.wake();
  }

  private void awaitHead(Block head) {
    SynchronizerTest.await(() -> own.head().equals(head));
    SynchronizerTest.await(() -> synchronizer.progress() == null);
  }

  @Test
  void headersComeDownwardsIn512AndBodiesFromAllPeers() {
    ModelChain best = new ModelChain().grow(1_300, 1, 2);
    List<FakePeers.FakePeer> all =
        List.of(peers.add("a", best), peers.add("b", best), peers.add("c", best));
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    List<GetBlockHeaders> batches = new ArrayList<>();
    for (FakePeers.FakePeer peer : all) {
      batches.addAll(peer.requests(GetBlockHeaders.class));
      assertThat(peer.requests(GetBlockBodies.class)).isNotEmpty();
    }
    assertThat(batches).hasSize(3).allMatch(GetBlockHeaders::reverse);
    assertThat(batches).extracting(GetBlockHeaders::count).containsOnly(512);
    assertThat(batches)
        .extracting(GetBlockHeaders::start)
        .contains(
            new HeaderStart.ByHash(best.head().hash()),
            new HeaderStart.ByHash(block(best, 788).hash()),
            new HeaderStart.ByHash(block(best, 276).hash()));
    assertThat(stage.fetched()).as("each body once").doesNotHaveDuplicates().hasSize(1_300 - 434);
    assertThat(own.imported()).as("each block once").hasSize(1_300).doesNotHaveDuplicates();
    assertThat(peers.banned).isEmpty();
  }

  private static Block block(ModelChain chain, long number) {
    return Objects.requireNonNull(chain.block(number));
  }

  @Test
  void nothingIsDownloadedBeforeAHeadIsNamed() {
    ModelChain best = new ModelChain().grow(50, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    synchronizer.start();
    name(block(best, 40));
    awaitHead(block(best, 40));
    assertThat(own.imported()).hasSize(40);
    name(best.head());
    awaitHead(best.head());
    assertThat(peer.requests(GetBlockHeaders.class)).hasSize(2);
  }

  @Test
  void progressIsThatOfTheNamedHead() throws Exception {
    ModelChain best = new ModelChain().grow(600, 1, 2);
    peers.add("a", best);
    CountDownLatch imports = new CountDownLatch(1);
    CountDownLatch reached = new CountDownLatch(1);
    own.onImport =
        block -> {
          if (block.number() == 100) {
            reached.countDown();
            try {
              imports.await();
            } catch (InterruptedException interrupted) {
              throw new AssertionError(interrupted);
            }
          }
        };
    assertThat(synchronizer.progress()).isNull();
    synchronizer.start();
    name(best.head());
    reached.await();
    assertThat(synchronizer.progress()).isEqualTo(new Progress(0, 99, 600));
    assertThat(synchronizer.describe())
        .as("as on the console")
        .matches("block 99 of 600, \\d+ blocks a second, (\\d+ (s|min)|unknown time) left");
    imports.countDown();
    awaitHead(best.head());
  }

  @Test
  void aPeerThatLacksTheHeadIsNotAskedOnAndOn() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    FakePeers.FakePeer behind = peers.add("behind", new ModelChain().grow(900, 2, 2));
    peers.add("a", best);
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    assertThat(behind.requests(GetBlockHeaders.class)).hasSizeLessThanOrEqualTo(4);
    assertThat(peers.banned).as("it may just not have it").isEmpty();
  }

  @Test
  void aHeadThatNoPeerHasYetIsAskedForAgain() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best.copy());
    Block next = ModelChain.child(best.head(), 1, 2, 2);
    synchronizer.start();
    name(next);
    SynchronizerTest.await(() -> peer.requests(GetBlockHeaders.class).size() >= 2);
    assertThat(own.imported()).isEmpty();
    assertThat(synchronizer.progress()).isEqualTo(new Progress(0, 0, 100));
    assertThat(synchronizer.describe())
        .isEqualTo(
            "block 0; the header of the head that the consensus client names, "
                + next.hash()
                + ", is requested");
    peer.chain.add(next);
    awaitHead(next);
  }

  @Test
  void whileOnlyTheHashOfTheHeadIsKnownItsNumberIsEstimated() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    synchronizer.start();
    name(best.head());
    SynchronizerTest.await(() -> synchronizer.progress() != null);
    assertThat(synchronizer.progress())
        .as("no peer states a number")
        .isEqualTo(new Progress(0, 0, 1));
    ModelChain none = new ModelChain();
    for (long stated : new long[] {90, 100, Long.MAX_VALUE, -1}) {
      peers.add("states " + stated, none).head = new ChainHead(Hash.ZERO, stated, null);
    }
    assertThat(synchronizer.progress()).as("the median").isEqualTo(new Progress(0, 0, 100));
    peers.add("a", best);
    awaitHead(best.head());
  }

  @Test
  void blocksBeforeAnEarlierHeadAreImportedWhileNoPeerHasTheHeaderOfTheNextOne() {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best.copy());
    List<Block> next = new ArrayList<>();
    for (Block tip = best.head(); next.size() < 3; next.add(tip)) {
      tip = ModelChain.child(tip, 1, 2, 2);
    }
    own.onImport =
        block -> {
          if (block.number() == 100) {
            name(next.get(2));
          }
        };
    synchronizer.start();
    name(best.head());
    SynchronizerTest.await(() -> own.head().equals(best.head()));
    int asked = peer.requests(GetBlockHeaders.class).size();
    SynchronizerTest.await(() -> peer.requests(GetBlockHeaders.class).size() > asked + 1);
    assertThat(stage.wanted()).isNotNull();
    next.forEach(peer.chain::add);
    awaitHead(next.get(2));
    assertThat(own.imported()).hasSize(403).doesNotHaveDuplicates();
    assertThat(stage.fetched()).doesNotHaveDuplicates();
  }

  @Test
  void falseHeadersAndBodiesBanWhoSentThem() {
    ModelChain best = new ModelChain().grow(600, 1, 2);
    ModelChain other = new ModelChain().grow(600, 2, 2);
    FakePeers.FakePeer headers = peers.add("headers", best);
    headers.headers = list -> list.isEmpty() ? list : List.of(block(other, 5).header());
    FakePeers.FakePeer order = peers.add("order", best);
    order.headers =
        list -> {
          List<BlockHeader> out = new ArrayList<>(list);
          Collections.reverse(out);
          return out;
        };
    FakePeers.FakePeer bodies = peers.add("bodies", best);
    bodies.bodies =
        list ->
            list.isEmpty()
                ? list
                : List.of(new BlockBody(List.of(), List.of(), block(other, 3).withdrawals()));
    bodies.headers = list -> List.of();
    synchronizer.start();
    name(best.head());
    SynchronizerTest.await(
        () -> peers.banned.contains("headers") && peers.banned.contains("order"));
    peers.add("a", best);
    awaitHead(best.head());
    assertThat(peers.banned).contains("headers", "order").doesNotContain("a");
    assertThat(own.imported()).hasSize(600).doesNotHaveDuplicates();
  }

  @Test
  void aPeerThatGivesABodyOfAnotherBlockIsBanned() throws Exception {
    ModelChain best = new ModelChain().grow(600, 1, 2);
    ModelChain other = new ModelChain().grow(600, 2, 2);
    FakePeers.FakePeer liar = peers.add("liar", best);
    liar.bodies =
        list -> List.of(new BlockBody(List.of(), List.of(), block(other, 3).withdrawals()));
    synchronizer.start();
    name(best.head());
    assertThat(peers.awaitBan()).isEqualTo("liar");
    peers.add("a", best);
    awaitHead(best.head());
    assertThat(own.imported()).hasSize(600).doesNotHaveDuplicates();
  }

  @Test
  void aPeerThatTricklesHeadersIsNotAskedOnAndOn() {
    ModelChain best = new ModelChain().grow(3_000, 1, 2);
    FakePeers.FakePeer slow = peers.add("slow", best);
    slow.head = new ChainHead(best.head().hash(), Long.MAX_VALUE, null);
    slow.headers = headers -> headers.isEmpty() ? headers : headers.subList(0, 1);
    slow.bodies = bodies -> List.of();
    peers.add("a", best);
    try (Synchronizer frozen =
        new Synchronizer(
            own.reader(),
            own.importer(),
            stage,
            new SyncPeers(peers, System::nanoTime),
            () -> 0)) { // each reply takes as long: what counts is how much it has
      frozen.start();
      stage.name(best.head());
      frozen.wake();
      SynchronizerTest.await(() -> own.head().equals(best.head()));
    }
    assertThat(slow.requests(GetBlockHeaders.class)).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void silentPeersDoNotStopIt() {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer silent = peers.add("silent", best);
    silent.silent = true;
    FakePeers.FakePeer noBodies = peers.add("none", best);
    noBodies.bodies = bodies -> List.of();
    peers.add("a", best);
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    assertThat(peers.banned).isEmpty();
  }

  /** They state the highest heads, and reply to nothing: that must not cost their timeouts. */
  @Test
  void aPeerThatLeavesHeadersOpenIsPassedBy() {
    ModelChain best = new ModelChain().grow(1_300, 1, 2);
    List<FakePeers.FakePeer> hostile = new ArrayList<>();
    for (String id : List.of("silent 1", "silent 2", "silent 3")) {
      FakePeers.FakePeer peer = peers.add(id, best);
      peer.head = new ChainHead(best.head().hash(), Long.MAX_VALUE, null);
      peer.hangs = request -> true;
      hostile.add(peer);
    }
    FakePeers.FakePeer honest = peers.add("a", best);
    synchronizer.start();
    name(best.head());
    for (int open = 1; open <= hostile.size(); open++) {
      int asked = open;
      SynchronizerTest.await(
          () ->
              hostile.stream().mapToInt(p -> p.requests(GetBlockHeaders.class).size()).sum()
                  == asked);
      assertThat(honest.requests).as("it is not asked for what is not late").isEmpty();
      ahead.addAndGet(ReplySpeeds.LATE_NANOS + 1);
    }
    SynchronizerTest.await(() -> Objects.requireNonNull(stage.wanted()).missing() == null);
    assertThat(honest.requests(GetBlockHeaders.class)).as("who replies is asked again").hasSize(3);
    SynchronizerTest.await(() -> stage.fetched().size() > 600);
    ahead.addAndGet(ReplySpeeds.LATE_NANOS + 1); // the hostile ones are asked for the lowest ones
    awaitHead(best.head());
    for (FakePeers.FakePeer peer : hostile) {
      assertThat(peer.requests(GetBlockHeaders.class)).hasSize(1);
      assertThat(peer.requests(GetBlockBodies.class)).hasSizeLessThanOrEqualTo(1);
    }
    assertThat(stage.fetched()).as("each body once").doesNotHaveDuplicates();
    assertThat(own.imported()).hasSize(1_300).doesNotHaveDuplicates();
  }

  @Test
  void aPeerRestsAgainOnlyForAMomentOnceItWasOfUse() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    for (int i = 0; i < 8; i++) {
      candidates.rest(peer.id, "it was of no use " + i);
    }
    ahead.addAndGet(TimeUnit.MINUTES.toNanos(10));
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    candidates.rest(peer.id, "it was of no use again");
    assertThat(candidates.available()).isEmpty();
    ahead.addAndGet(TimeUnit.SECONDS.toNanos(1));
    assertThat(candidates.available()).hasSize(1);
  }

  @Test
  void blocksThatAreWholeAreImportedWhileNoPeerHasTheNextBody() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    stage.addBodies(List.of(block(best, 2), block(best, 3), block(best, 5), block(best, 6)));
    FakePeers.FakePeer peer = peers.add("a", best);
    peer.stalls = request -> request instanceof GetBlockBodies;
    synchronizer.start();
    name(best.head());
    SynchronizerTest.await(() -> own.head().equals(block(best, 7)));
    peer.stalls = request -> false;
    awaitHead(best.head());
    assertThat(own.imported()).hasSize(300).doesNotHaveDuplicates();
  }

  @Test
  void aBranchThatIsHardlyHigherIsProgress() {
    ModelChain common = new ModelChain().grow(100, 1, 2);
    ModelChain before = common.copy().grow(500, 1, 2);
    for (int number = 1; number <= 600; number++) {
      own.add(block(before, number));
    }
    ModelChain other = common.copy().grow(505, 2, 2);
    peers.add("a", other);
    CountDownLatch imports = new CountDownLatch(1);
    own.onImport =
        block -> {
          if (block.number() == 300) {
            SynchronizerTest.await(() -> imports.getCount() == 0);
          }
        };
    synchronizer.start();
    name(other.head());
    SynchronizerTest.await(() -> own.block(block(other, 299).hash()) != null);
    assertThat(synchronizer.progress()).isEqualTo(new Progress(600, 600, 605));
    imports.countDown();
    awaitHead(other.head());
  }

  @Test
  void laterHeadsAreFollowedWithoutBeginningAgain() {
    ModelChain best = new ModelChain().grow(900, 1, 2);
    ModelChain later = best.copy().grow(3, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", later);
    AtomicInteger named = new AtomicInteger();
    own.onImport =
        block -> {
          if (block.number() % 200 == 0 && named.get() < 3) {
            name(block(later, 900 + named.incrementAndGet()));
          }
        };
    synchronizer.start();
    name(best.head());
    awaitHead(later.head());
    assertThat(named).hasValue(3);
    assertThat(stage.fetched()).as("each body once").doesNotHaveDuplicates();
    assertThat(peer.requests(GetBlockHeaders.class)).as("two batches").hasSize(2);
  }

  @Test
  void anotherBranchIsFollowed() {
    ModelChain common = new ModelChain().grow(200, 1, 2);
    ModelChain best = common.copy().grow(300, 1, 2);
    ModelChain other = common.copy().grow(350, 2, 2);
    peers.add("a", best);
    peers.add("b", other);
    AtomicReference<Block> next = new AtomicReference<>(other.head());
    own.onImport =
        block -> {
          Block switched = block.number() == 100 ? next.getAndSet(null) : null;
          if (switched != null) {
            name(switched);
          }
        };
    synchronizer.start();
    name(best.head());
    awaitHead(other.head());
    assertThat(own.imported()).doesNotHaveDuplicates();
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void anInvalidBlockEndsIt() {
    ModelChain best = new ModelChain().grow(50, 1, 2);
    Block invalid = ModelChain.invalid(best.head());
    Block head = ModelChain.child(invalid, 1, 2, 1);
    ModelChain served = best.copy();
    FakePeers.FakePeer peer = peers.add("a", served);
    served.force(invalid);
    served.force(head);
    peer.statesHead();
    synchronizer.start();
    name(head);
    SynchronizerTest.await(() -> stage.wanted() == null);
    assertThat(own.head()).isEqualTo(best.head());
    assertThat(peers.banned).as("the consensus client has named it, not the peer").isEmpty();
    ModelChain valid = best.copy().grow(20, 3, 2);
    peers.add("b", valid);
    name(valid.head());
    awaitHead(valid.head());
  }

  @Test
  void aBundleThatIsReplacedIsWaitedFor() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    peers.add("a", best);
    AtomicInteger missing = new AtomicInteger(5);
    own.onImport =
        block -> {
          if (block.number() == 100 && missing.getAndDecrement() > 0) {
            throw new NotReadyException("the rules are being replaced");
          }
        };
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    assertThat(own.imported()).hasSize(300).doesNotHaveDuplicates();
    assertThat(synchronizer.failure()).isNull();
  }

  @Test
  void whatIsStagedIsNotFetchedAgain() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    own.onImport =
        block -> {
          throw new NotReadyException("the rules are not here yet");
        };
    synchronizer.start();
    name(best.head());
    SynchronizerTest.await(() -> stage.bodies() == 200);
    synchronizer.close();
    own.onImport = block -> {};
    int before = peer.requests.size();
    try (Synchronizer next =
        new Synchronizer(
            own.reader(),
            own.importer(),
            stage,
            new SyncPeers(peers, System::nanoTime),
            System::nanoTime)) {
      next.start();
      SynchronizerTest.await(() -> own.head().equals(best.head()));
    }
    assertThat(peer.requests).as("nothing is asked for").hasSize(before);
  }

  @Test
  void obsoleteBlocksAreDeletedInPortions() {
    stage.obsolete = 5;
    synchronizer.start();
    SynchronizerTest.await(() -> stage.obsolete == 0);
    ModelChain best = new ModelChain().grow(50, 1, 2);
    peers.add("a", best);
    stage.obsolete = 100;
    name(best.head());
    awaitHead(best.head());
    SynchronizerTest.await(() -> stage.obsolete == 0);
  }

  @Test
  void aStagedBodyOfAnotherBlockIsFetchedAgain() {
    ModelChain best = new ModelChain().grow(50, 1, 2);
    Block second = block(best, 2);
    Block damaged = new Block(second.header(), List.of(), List.of(), block(best, 3).withdrawals());
    stage.addBodies(List.of(damaged));
    peers.add("a", best);
    synchronizer.start();
    name(best.head());
    awaitHead(best.head());
    assertThat(own.imported()).hasSize(50).doesNotHaveDuplicates();
  }

  @Test
  void peersThatComeLaterAreAsked() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    synchronizer.start();
    name(best.head());
    Hash head = best.head().hash();
    assertThat(Objects.requireNonNull(stage.wanted()).missing()).isEqualTo(head);
    peers.add("a", best);
    awaitHead(best.head());
  }
}
