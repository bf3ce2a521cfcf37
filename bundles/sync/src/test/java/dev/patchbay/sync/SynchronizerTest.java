// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Full sync of the seed, from peers that are honest, slow, short of words or false. */
@Timeout(120)
class SynchronizerTest {
  private final FakePeers peers = new FakePeers();
  private final ModelChain own = new ModelChain();

  /** A clock that tests move: a peer that rests does so until then. */
  private final AtomicLong nanos = new AtomicLong();

  private final SyncPeers candidates = new SyncPeers(peers, nanos::get);
  private final Synchronizer synchronizer =
      new Synchronizer(own.reader(), own.importer(), new ModelStage(own), candidates, nanos::get);

  @AfterEach
  void close() {
    synchronizer.close();
    peers.close();
  }

  static void await(BooleanSupplier condition) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("a time before the limit").isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }

  private void awaitHead(ModelChain chain) {
    await(() -> own.head().equals(chain.head()));
    await(() -> synchronizer.progress() == null);
  }

  @Test
  void aFollowerDownloadsFromBlockZeroInBatchesOf512() {
    ModelChain best = new ModelChain().grow(1_300, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    synchronizer.start();
    awaitHead(best);
    List<PeerCommand.GetBlockHeaders> batches =
        peer.requests(PeerCommand.GetBlockHeaders.class).stream()
            .filter(request -> request.count() > 1)
            .toList();
    assertThat(batches).extracting(PeerCommand.GetBlockHeaders::count).containsOnly(512);
    assertThat(batches)
        .extracting(PeerCommand.GetBlockHeaders::start)
        .startsWith(
            new HeaderStart.ByNumber(1),
            new HeaderStart.ByNumber(513),
            new HeaderStart.ByNumber(1_025));
    List<Hash> bodies = new ArrayList<>();
    for (PeerCommand.GetBlockBodies request : peer.requests(PeerCommand.GetBlockBodies.class)) {
      assertThat(request.hashes()).hasSizeLessThanOrEqualTo(128);
      bodies.addAll(request.hashes());
    }
    assertThat(bodies).as("each body that is not empty, once").doesNotHaveDuplicates();
    assertThat(bodies).hasSize(1_300 - 434);
    assertThat(own.imported()).as("each block once").hasSize(1_300).doesNotHaveDuplicates();
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void bodiesComeFromAllPeers() {
    ModelChain best = new ModelChain().grow(1_000, 1, 2);
    List<FakePeers.FakePeer> all =
        List.of(peers.add("a", best), peers.add("b", best), peers.add("c", best));
    synchronizer.start();
    awaitHead(best);
    for (FakePeers.FakePeer peer : all) {
      assertThat(peer.requests(PeerCommand.GetBlockBodies.class)).isNotEmpty();
    }
    assertThat(own.imported()).hasSize(1_000).doesNotHaveDuplicates();
  }

  @Test
  void theHeavierBranchReplacesTheLongerOne() {
    ModelChain common = new ModelChain().grow(300, 1, 2);
    ModelChain heavier = common.copy().grow(60, 2, 2);
    own.grow(300, 1, 2);
    own.grow(100, 3, 1);
    assertThat(own.head().number()).isGreaterThan(heavier.head().number());
    FakePeers.FakePeer peer = peers.add("a", heavier).statesTotalDifficulty();
    synchronizer.start();
    awaitHead(heavier);
    assertThat(peer.requests(PeerCommand.GetBlockHeaders.class))
        .as("the common ancestor is found in steps that double, then halve")
        .hasSizeLessThan(20);
  }

  @Test
  void aLongerBranchOfLessDifficultyDoesNotReplace() {
    own.grow(100, 1, 2);
    Block before = own.head();
    ModelChain lighter = new ModelChain().grow(150, 2, 1);
    FakePeers.FakePeer peer = peers.add("a", lighter);
    synchronizer.start();
    await(() -> own.imported().size() == 250);
    await(() -> own.block(lighter.head().hash()) != null);
    ModelChain next = new ModelChain().grow(300, 3, 2);
    peers.add("b", next);
    awaitHead(next);
    assertThat(before).isNotEqualTo(own.head());
    long batches =
        peer.requests(PeerCommand.GetBlockHeaders.class).stream()
            .filter(request -> request.count() > 1)
            .count();
    assertThat(batches).as("it is not downloaded again and again").isEqualTo(1);
  }

  /** Two signers that have both sealed a block would never stop waiting for each other. */
  @Test
  void aHeavierBranchOfTheSameLengthReplaces() {
    own.grow(10, 1, 2);
    ModelChain heavier = own.copy().grow(1, 2, 2);
    own.grow(1, 3, 1);
    peers.add("a", heavier);
    synchronizer.start();
    awaitHead(heavier);
  }

  @Test
  void aHeavierBranchThatIsShorterReplaces() {
    own.grow(10, 1, 2);
    ModelChain heavier = own.copy().grow(2, 2, 2);
    own.grow(3, 3, 1);
    peers.add("a", heavier);
    synchronizer.start();
    awaitHead(heavier);
  }

  /** The rules break the tie, for which both branches have to be here. */
  @Test
  void aBranchOfTheSameDifficultyIsFetchedOnce() {
    own.grow(5, 1, 2);
    ModelChain tie = new ModelChain().grow(5, 2, 2);
    FakePeers.FakePeer peer = peers.add("a", tie).statesTotalDifficulty();
    synchronizer.start();
    await(() -> own.block(tie.head().hash()) != null);
    int requests = peer.requests.size();
    nanos.addAndGet(TimeUnit.HOURS.toNanos(1));
    ModelChain next = own.copy().grow(1, 3, 2);
    peers.add("b", next);
    awaitHead(next);
    assertThat(peer.requests(PeerCommand.GetBlockHeaders.class).size())
        .isLessThanOrEqualTo(requests);
  }

  @Test
  void aLeaderWhoseHeadersDoNotContinueTheChainRests() {
    ModelChain best = new ModelChain().grow(50, 1, 2);
    FakePeers.FakePeer liar = peers.add("a", best);
    liar.head = new ChainHead(Hash.ZERO, null, UInt256.MAX);
    liar.headers = headers -> headers.size() > 1 ? headers.subList(1, headers.size()) : headers;
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(liar.requests(PeerCommand.GetBlockHeaders.class)).hasSize(2);
  }

  @Test
  void aLeaderThatTricklesRests() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    FakePeers.FakePeer slow = peers.add("a", best);
    slow.statesTotalDifficulty();
    slow.headers =
        headers -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
          return headers.subList(0, 1);
        };
    slow.bodies = bodies -> List.of();
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(slow.requests(PeerCommand.GetBlockHeaders.class))
        .as("one for the ancestor, two in vain")
        .hasSize(3);
  }

  /** Such a peer needs no key: what it serves is the chain of this node. */
  @ParameterizedTest
  @ValueSource(ints = {1, Download.MAX_HEADERS})
  void aLeaderThatServesTheChainOfThisNodeDoesNotMakeItLookBehind(int batch) {
    own.grow(1_200, 1, 2);
    FakePeers.FakePeer hostile = peers.add("a", own.copy());
    hostile.head = new ChainHead(Hash.ZERO, Long.MAX_VALUE, UInt256.MAX);
    AtomicReference<SyncStatus.Progress> seen = new AtomicReference<>();
    hostile.headers =
        headers -> {
          if (headers.size() <= 1) {
            return List.of(); // no ancestor is common
          }
          own.grow(20, 1, 2); // as blocks do that peers announce
          SyncStatus.Progress progress = synchronizer.progress();
          if (progress != null) {
            seen.set(progress);
          }
          nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(1_900));
          return headers.subList(0, Math.min(batch, headers.size()));
        };
    synchronizer.start();
    await(() -> candidates.available().isEmpty());
    assertThat(seen.get()).isNull();
    assertThat(batches(hostile)).as("in 10 seconds").isLessThanOrEqualTo(6);
    assertThat(peers.banned).isEmpty();
  }

  /** Each reply is soon there, and has what is needed. */
  @Test
  void aLeaderThatGivesAHeaderAtATimeRests() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    FakePeers.FakePeer hostile = peers.add("a", best).statesTotalDifficulty();
    hostile.headers =
        headers -> {
          nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(1_900));
          return headers.subList(0, Math.min(1, headers.size()));
        };
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(batches(hostile)).as("in 10 seconds").isLessThanOrEqualTo(6);
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(900));
    assertThat(candidates.available()).noneMatch(peer -> peer.id().equals(hostile.id));
  }

  @Test
  void aSlowLinkThatCarriesWholeBatchesIsOfUse() {
    ModelChain best = new ModelChain().grow(1_300, 1, 2);
    FakePeers.FakePeer slow = peers.add("a", best);
    slow.headers =
        headers -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
          return headers;
        };
    synchronizer.start();
    awaitHead(best);
    assertThat(batches(slow)).isEqualTo(3);
    assertThat(candidates.available()).hasSize(1);
  }

  /** Each reply takes 9 seconds, so that two are enough to see that it is slow. */
  @ParameterizedTest
  @ValueSource(ints = {10, 40})
  void aSlowLeaderIsOfUseWhenNoOtherPeerMayBeBetter(int batch) {
    ModelChain best = new ModelChain().grow(7 * batch, 1, 2);
    FakePeers.FakePeer slow = peers.add("a", best);
    slow.headers =
        headers -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(headers.size() > 1 ? 9 : 0));
          return headers.subList(0, Math.min(batch, headers.size()));
        };
    synchronizer.start();
    for (int download = 1; download <= 3; download++) {
      long imported = 2L * batch * download;
      await(() -> own.head().number() == imported && candidates.available().isEmpty());
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
      synchronizer.wake();
    }
    awaitHead(best);
  }

  @Test
  void aNodeThatIsSlowToVerifyHeadersIsNoFaultOfTheLeader() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    FakePeers.FakePeer leader = peers.add("a", best).statesTotalDifficulty();
    leader.headers = headers -> headers.subList(0, Math.min(100, headers.size()));
    FakePeers.FakePeer other = peers.add("b", best);
    own.onVerify = header -> nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
    synchronizer.start();
    awaitHead(best);
    assertThat(other.requests(PeerCommand.GetBlockHeaders.class)).isEmpty();
  }

  @Test
  void aNodeThatIsSlowToReadItsChainIsNoFaultOfTheLeader() {
    own.grow(1_000, 1, 2);
    ModelChain best = new ModelChain().grow(1_100, 2, 2);
    peers.add("a", best).statesTotalDifficulty();
    FakePeers.FakePeer other = peers.add("b", best);
    own.onCanonicalHash = number -> nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
    synchronizer.start();
    awaitHead(best);
    assertThat(other.requests(PeerCommand.GetBlockHeaders.class)).isEmpty();
  }

  private static long batches(FakePeers.FakePeer peer) {
    return peer.requests(PeerCommand.GetBlockHeaders.class).stream()
        .filter(request -> request.count() > 1)
        .count();
  }

  @Test
  void aLeaderThatIsSlowToNameTheAncestorRests() {
    own.grow(1_000, 1, 2);
    ModelChain best = new ModelChain().grow(1_100, 2, 2);
    FakePeers.FakePeer slow = peers.add("a", best);
    slow.statesTotalDifficulty();
    slow.headers =
        headers -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
          return headers;
        };
    slow.bodies = bodies -> List.of();
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(slow.requests(PeerCommand.GetBlockHeaders.class)).hasSize(4);
  }

  @Test
  void aPeerThatTricklesBodiesIsLeftOut() {
    ModelChain best = new ModelChain().grow(600, 1, 2);
    FakePeers.FakePeer slow = peers.add("a", best);
    slow.head = new ChainHead(best.head().hash(), 0L, null); // not the leader
    slow.bodies =
        bodies -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
          return bodies.subList(0, 1);
        };
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(slow.requests(PeerCommand.GetBlockBodies.class)).hasSizeLessThanOrEqualTo(2);
    assertThat(slow.requests(PeerCommand.GetBlockHeaders.class)).isEmpty();
  }

  @Test
  void blocksThatAreKnownAreNotRequestedAgain() {
    own.grow(600, 1, 2);
    ModelChain best = own.copy().grow(20, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    peer.headers = headers -> headers.size() == 1 ? List.of() : headers; // no ancestor is common
    synchronizer.start();
    awaitHead(best);
    assertThat(
            peer.requests(PeerCommand.GetBlockBodies.class).stream()
                .mapToInt(request -> request.hashes().size())
                .sum())
        .isLessThanOrEqualTo(20);
    assertThat(own.imported()).hasSize(620);
  }

  /** Of an operator, or of a process that ended within a long reorg. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStoredBranchThatIsHeavierBecomesTheChainAgain(boolean statesTotalDifficulty) {
    own.grow(700, 1, 2);
    ModelChain best = own.copy();
    own.setHead(40);
    FakePeers.FakePeer peer = peers.add("a", best);
    if (statesTotalDifficulty) {
      peer.statesTotalDifficulty();
    }
    synchronizer.start();
    awaitHead(best);
    assertThat(peer.requests(PeerCommand.GetBlockBodies.class)).isEmpty();
    assertThat(own.imported()).as("each block once").hasSize(700);
  }

  /** A block that is announced becomes the head after the difficulty of the one before was read. */
  @Test
  void aPeerWhoseHeadHasJustBecomeTheHeadHereIsNotBetter() {
    own.grow(10, 1, 2);
    UInt256 before = Objects.requireNonNull(own.totalDifficulty(own.head().hash()));
    own.grow(1, 1, 2);
    peers.add("a", own.copy());
    assertThat(candidates.best(own.reader(), before)).isNull();
    own.setHead(10);
    assertThat(candidates.best(own.reader(), before)).isNotNull();
  }

  @Test
  void aBlockOfAStoredBranchThatIsDeletedMeanwhileIsFetched() {
    own.grow(30, 1, 2);
    ModelChain best = own.copy();
    own.setHead(10);
    own.hidden = best.block(12);
    FakePeers.FakePeer peer = peers.add("a", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(peer.requests(PeerCommand.GetBlockBodies.class)).hasSize(1);
  }

  @Test
  void aStoredBranchThatIsLighterIsNotRequested() {
    own.grow(25, 1, 2);
    ModelChain side = own.copy();
    own.setHead(20);
    own.grow(6, 4, 2);
    FakePeers.FakePeer peer = peers.add("a", side);
    peer.head = new ChainHead(side.head().hash(), 10_000L, UInt256.MAX);
    synchronizer.start();
    ModelChain best = own.copy().grow(30, 5, 2);
    peers.add("b", best);
    awaitHead(best);
    assertThat(peer.requests(PeerCommand.GetBlockHeaders.class)).isEmpty();
  }

  @Test
  void anErrorOfAnImportEndsTheDownloadAndIsReported() {
    ModelChain best = new ModelChain().grow(30, 1, 2);
    AtomicInteger errors = new AtomicInteger();
    own.onImport =
        block -> {
          if (block.number() == 30 && errors.getAndIncrement() == 0) {
            throw new NoClassDefFoundError("dev/patchbay/Exchanged");
          }
        };
    peers.add("a", best);
    synchronizer.start();
    await(() -> synchronizer.failure() != null);
    assertThat(synchronizer.failure()).contains("dev/patchbay/Exchanged");
    await(() -> candidates.available().isEmpty()); // it rests from now on
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(2));
    awaitHead(best);
    await(() -> synchronizer.failure() == null);
  }

  /** The next leader's blocks could not be stored either. */
  @Test
  void aFullDiskOfThisNodeIsNoFaultOfAPeer() {
    ModelChain best = new ModelChain().grow(30, 1, 2);
    AtomicInteger failures = new AtomicInteger();
    own.onImport =
        block -> {
          if (block.number() == 10 && failures.getAndIncrement() < 3) {
            throw new StorageException("no space left on device");
          }
        };
    peers.add("a", best);
    synchronizer.start();
    awaitHead(best); // although the clock stands still
    assertThat(failures.get()).isEqualTo(4);
    assertThat(candidates.available()).hasSize(1);
  }

  @Test
  void aLeaderWhoseBranchBeginsBelowThePrunedBlocksRests() {
    own.grow(300, 1, 2);
    own.retention = new BlockRetention(200, 101L, 0, null);
    FakePeers.FakePeer stubborn = peers.add("a", new ModelChain().grow(100, 1, 2).grow(300, 2, 2));
    stubborn.statesTotalDifficulty();
    ModelChain best = own.copy().grow(50, 3, 2);
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best); // although the clock stands still
    assertThat(batches(stubborn)).isZero();
    assertThat(peers.banned).isEmpty();
  }

  /** Its states are pruned, or a block there is final: the other leader's blocks can be stored. */
  @Test
  void aLeaderWhoseBranchIsTooFarBelowTheHeadRests() {
    own.grow(300, 1, 2);
    ModelChain tooFar = new ModelChain().grow(100, 1, 2).grow(300, 2, 2);
    Hash first = Objects.requireNonNull(tooFar.block(101)).hash();
    own.onImport =
        block -> {
          if (block.hash().equals(first)) {
            throw new SettledException("the state after block 100 is not kept");
          }
        };
    FakePeers.FakePeer stubborn = peers.add("a", tooFar).statesTotalDifficulty();
    ModelChain best = own.copy().grow(50, 3, 2);
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best); // although the clock stands still
    assertThat(batches(stubborn)).as("until one has none").isBetween(1L, 2L);
    assertThat(peers.banned).isEmpty();
    assertThat(synchronizer.failure()).isNull();
  }

  @Test
  void aLeaderThatWasOfUseRestsForAMomentOnly() {
    ModelChain best = new ModelChain().grow(300, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    for (int i = 0; i < 8; i++) {
      candidates.rest(peer.id, "it was of no use " + i);
    }
    nanos.addAndGet(TimeUnit.MINUTES.toNanos(10));
    AtomicInteger requests = new AtomicInteger();
    peer.stalls =
        request -> {
          boolean isThird =
              request instanceof PeerCommand.GetBlockBodies && requests.incrementAndGet() == 3;
          if (isThird) {
            await(() -> own.head().number() > 1);
          }
          return isThird;
        };
    synchronizer.start();
    await(() -> candidates.available().isEmpty());
    assertThat(own.head()).isNotEqualTo(best.head());
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
    awaitHead(best);
  }

  @Test
  void theEndDoesNotWaitForAReply() {
    ModelChain best = new ModelChain().grow(30, 1, 2);
    FakePeers.FakePeer hanging = peers.add("a", best);
    hanging.hangs = request -> true;
    synchronizer.start();
    await(() -> !hanging.requests.isEmpty());
    synchronizer.close();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.startsWith("sync-"));
  }

  @Test
  void shortRepliesAreContinued() {
    ModelChain best = new ModelChain().grow(700, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    peer.headers = headers -> headers.subList(0, Math.min(headers.size(), 100));
    peer.bodies = bodies -> bodies.subList(0, Math.min(bodies.size(), 7));
    synchronizer.start();
    awaitHead(best);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aBodyInTheMiddleMayBeMissing() {
    ModelChain best = new ModelChain().grow(200, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    peer.bodies =
        bodies -> {
          List<BlockBody> out = new ArrayList<>(bodies);
          if (out.size() > 2) {
            out.remove(1);
          }
          return out;
        };
    synchronizer.start();
    awaitHead(best);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aPeerThatDoesNotReplyRests() {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer silent = peers.add("a", best.copy().grow(50, 4, 2));
    silent.silent = true;
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(silent.requests).as("it is asked once").hasSize(1);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aPeerThatHasNoBodiesIsLeftOut() {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer useless = peers.add("a", best);
    useless.bodies = bodies -> List.of();
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(useless.requests(PeerCommand.GetBlockBodies.class)).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void bodiesOfOtherBlocksEndInABan() throws Exception {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer hostile = peers.add("a", best);
    Block other = ModelChain.child(best.head(), 99, 2, 5);
    hostile.bodies =
        bodies -> List.of(new BlockBody(other.transactions(), other.ommers(), other.withdrawals()));
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(peers.awaitBan()).isEqualTo("a");
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aPeerThatHangsUpAfterAFalseReplyIsBanned() throws Exception {
    ModelChain best = new ModelChain().grow(400, 1, 2);
    FakePeers.FakePeer hostile = peers.add("a", best);
    hostile.bodies =
        bodies -> {
          peers.remove(hostile);
          synchronizer.wake();
          return List.of(new BlockBody(List.of(), List.of(), List.of()));
        };
    synchronizer.start();
    assertThat(peers.awaitBan()).isEqualTo("a");
  }

  @Test
  void aHeaderWithAnInvalidSealEndsInABan() throws Exception {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    ModelChain hostile = best.copy();
    hostile.add(ModelChain.badlySealed(hostile.head()));
    hostile.grow(10, 1, 2);
    peers.add("a", hostile);
    synchronizer.start();
    assertThat(peers.awaitBan()).isEqualTo("a");
    peers.add("b", best);
    awaitHead(best);
    assertThat(peers.banned).isEmpty();
  }

  /** An update of the EVM with a fault would have all peers banned that are honest. */
  @Test
  void aPeerRestsWhoseBlockHasAValidHeaderAndAnInvalidExecution() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best.copy());
    BlockHeader invalid = ModelChain.invalid(best.head()).header();
    peer.head = new ChainHead(invalid.computeHash(), 101L, null);
    peer.headers =
        headers -> {
          List<BlockHeader> out = new ArrayList<>(headers);
          if (out.size() > 1) {
            out.add(invalid);
          }
          return out;
        };
    synchronizer.start();
    await(() -> candidates.available().isEmpty());
    awaitHead(best); // what came before is kept
    assertThat(peers.banned).isEmpty();
    assertThat(peers.count()).isEqualTo(1);
  }

  @Test
  void theReasonOfABanIsShort() throws Exception {
    FakePeers.FakePeer peer = peers.add("a", new ModelChain());
    candidates.ban(peer.id, "extraData: 0x" + "00".repeat(10_000_000));
    assertThat(peers.awaitBan()).isEqualTo("a");
    assertThat(peers.banReason).startsWith("extraData: 0x00").hasSizeLessThanOrEqualTo(203);
  }

  /** At which request a peer stalls that has served the ones before. */
  private enum Stage {
    ANCESTOR,
    HEADERS,
    BODIES
  }

  private static Stage stage(PeerCommand.Request request) {
    return request instanceof PeerCommand.GetBlockBodies
        ? Stage.BODIES
        : ((PeerCommand.GetBlockHeaders) request).count() == 1 ? Stage.ANCESTOR : Stage.HEADERS;
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void aPeerThatStallsAtAnyStageRests(Stage stage) {
    own.grow(40, 1, 2);
    ModelChain best = own.copy().grow(600, 1, 2);
    FakePeers.FakePeer staller = peers.add("a", own.copy().grow(700, 4, 2));
    staller.stalls = request -> stage(request) == stage;
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    long stalled = staller.requests.stream().filter(request -> stage(request) == stage).count();
    assertThat(stalled).isBetween(1L, 2L);
    assertThat(candidates.available()).noneMatch(peer -> peer.id().equals(staller.id));
    assertThat(own.imported()).doesNotContain(staller.chain.head().hash());
    assertThat(peers.banned).isEmpty();
  }

  /** Headers that are valid, for blocks that no peer has. */
  @Test
  void ofALongBranchWithoutBodiesTwoBatchesOfHeadersAreHeld() {
    ModelChain best = new ModelChain().grow(100, 1, 2);
    FakePeers.FakePeer hostile = peers.add("a", new ModelChain().grow(5_000, 9, 2));
    hostile.bodies = bodies -> List.of();
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    long batches =
        hostile.requests(PeerCommand.GetBlockHeaders.class).stream()
            .filter(request -> request.count() > 1)
            .count();
    assertThat(batches).isBetween(1L, 2L);
    assertThat(candidates.available()).noneMatch(peer -> peer.id().equals(hostile.id));
    assertThat(own.imported()).as("and an empty block").hasSizeLessThanOrEqualTo(101);
  }

  /** Endless bait: longer and longer branches that end invalid, each of a peer that is new. */
  @Test
  void eachPeerWhoseBranchEndsInvalidIsBannedOrRests() throws Exception {
    ModelChain common = new ModelChain().grow(20, 1, 2);
    synchronizer.start();
    for (int i = 0; i < 12; i++) {
      boolean isBadlySealed = i % 2 == 0;
      ModelChain bait = common.copy().grow(5 + 10 * i, 3, 1);
      Block last = bait.head();
      BlockHeader end =
          (isBadlySealed ? ModelChain.badlySealed(last) : ModelChain.invalid(last)).header();
      FakePeers.FakePeer hostile = new FakePeers.FakePeer("bait" + i, bait);
      hostile.head = new ChainHead(end.computeHash(), end.number(), null);
      hostile.headers =
          headers -> {
            List<BlockHeader> out = new ArrayList<>(headers);
            if (!out.isEmpty() && out.get(out.size() - 1).equals(last.header())) {
              out.add(end);
            }
            return out;
          };
      peers.add(hostile);
      synchronizer.wake();
      if (isBadlySealed) {
        assertThat(peers.awaitBan()).isEqualTo("bait" + i);
      } else {
        await(() -> own.block(last.hash()) != null);
        await(() -> candidates.available().isEmpty());
      }
    }
    ModelChain best = common.copy().grow(200, 1, 2);
    peers.add("honest", best);
    synchronizer.wake();
    awaitHead(best);
    assertThat(peers.banned).isEmpty();
    assertThat(own.imported()).as("what they share is imported once").doesNotHaveDuplicates();
  }

  /** Endless bait of one peer: it states another head each time, and gives nothing. */
  @Test
  void aPeerThatAlternatesItsHeadIsAskedEverMoreRarely() {
    own.grow(20, 1, 2);
    ModelChain first = own.copy().grow(10, 1, 2);
    ModelChain second = own.copy().grow(10, 2, 2);
    FakePeers.FakePeer bait = peers.add("a", first);
    AtomicInteger replies = new AtomicInteger();
    bait.headers =
        headers -> {
          int reply = replies.incrementAndGet();
          Hash head = Hash.keccak(new byte[] {(byte) reply, (byte) (reply >> 8)});
          bait.head = new ChainHead(head, 1_000L + reply, null);
          // the first header of one branch, the others of another one
          return headers.size() < 2 ? headers : List.of(headers.get(0), second.head().header());
        };
    bait.bodies = bodies -> List.of();
    synchronizer.start();
    for (int minute = 0; minute < 240; minute++) {
      await(() -> candidates.available().isEmpty());
      nanos.addAndGet(TimeUnit.MINUTES.toNanos(1));
      synchronizer.wake();
    }
    await(() -> candidates.available().isEmpty());
    long downloads =
        bait.requests(PeerCommand.GetBlockHeaders.class).stream()
            .filter(request -> request.count() > 1)
            .count();
    assertThat(downloads)
        .as("downloads in four hours: 1 s, 2 s, 4 s … 10 min after one another")
        .isBetween(10L, 40L);
    ModelChain best = own.copy().grow(50, 5, 2);
    peers.add("b", best);
    awaitHead(best);
    assertThat(synchronizer.progress()).isNull();
  }

  @Test
  void aPeerThatStatesAHeadThatItDoesNotHaveIsAskedOnce() {
    FakePeers.FakePeer liar = peers.add("a", new ModelChain());
    liar.head = new ChainHead(Hash.ZERO, Long.MAX_VALUE, null);
    synchronizer.start();
    await(() -> liar.requests.size() >= 2);
    ModelChain best = new ModelChain().grow(50, 1, 2);
    FakePeers.FakePeer honest = peers.add("b", best);
    honest.statesTotalDifficulty();
    awaitHead(best);
    synchronizer.wake();
    await(() -> honest.requests.size() >= 2);
    assertThat(liar.requests(PeerCommand.GetBlockHeaders.class)).hasSize(2);
    assertThat(synchronizer.progress()).isNull();
  }

  @Test
  void aTotalDifficultyThatIsALieIsBelievedOnce() {
    own.grow(20, 1, 2);
    ModelChain lighter = new ModelChain().grow(10, 2, 1);
    FakePeers.FakePeer liar = peers.add("a", lighter);
    liar.head = new ChainHead(lighter.head().hash(), null, UInt256.MAX);
    synchronizer.start();
    await(() -> own.block(lighter.head().hash()) != null);
    ModelChain best = own.copy().grow(5, 1, 2);
    peers.add("b", best);
    awaitHead(best);
    int before = liar.requests.size();
    ModelChain next = best.copy().grow(5, 1, 2);
    peers.add("c", next);
    awaitHead(next);
    assertThat(liar.requests(PeerCommand.GetBlockHeaders.class))
        .as("nothing but bodies is asked of it")
        .hasSizeLessThanOrEqualTo(before);
  }

  @Test
  void whatAPeerHasNextIsFetchedWhenItStatesIt() {
    ModelChain best = new ModelChain().grow(10, 1, 2);
    FakePeers.FakePeer peer = peers.add("a", best);
    synchronizer.start();
    awaitHead(best);
    best.grow(3, 1, 2);
    peer.statesHead();
    synchronizer.wake();
    awaitHead(best);
  }

  @Test
  void aHeaderFromTheFutureWaitsAndIsNoFaultOfThePeer() {
    ModelChain best = new ModelChain().grow(40, 1, 2);
    Block before = best.head();
    best.add(ModelChain.child(best.head(), 1_010, 2, 1));
    peers.add("a", best);
    synchronizer.start();
    await(() -> own.head().equals(before));
    own.now = 1_010;
    awaitHead(best);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aHeaderFromTheFarFutureDoesNotHoldUpTheChainOfOthers() {
    ModelChain early = new ModelChain().grow(40, 1, 2);
    early.add(ModelChain.child(early.head(), 1_016, 200, 1));
    FakePeers.FakePeer ahead = peers.add("a", early).statesTotalDifficulty();
    ModelChain best = new ModelChain().grow(60, 2, 2);
    peers.add("b", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(ahead.requests(PeerCommand.GetBlockHeaders.class)).hasSize(2);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aBlockWaitsForABundleThatIsReplaced() {
    ModelChain best = new ModelChain().grow(50, 1, 2);
    AtomicInteger refused = new AtomicInteger();
    own.onImport =
        block -> {
          if (block.number() == 20 && refused.getAndIncrement() < 5) {
            throw new NotReadyException("the rules are being replaced");
          }
        };
    peers.add("a", best);
    synchronizer.start();
    awaitHead(best);
    assertThat(own.imported()).hasSize(50).doesNotHaveDuplicates();
    assertThat(synchronizer.failure()).isNull();
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void progressIsShownWhileManyBlocksAreMissing() throws Exception {
    ModelChain best = new ModelChain().grow(600, 1, 2);
    AtomicReference<SyncStatus.Progress> seen = new AtomicReference<>();
    CountDownLatch read = new CountDownLatch(1);
    own.onImport =
        block -> {
          if (block.number() == 300) {
            seen.set(synchronizer.progress());
            read.countDown();
          }
        };
    peers.add("a", best);
    synchronizer.start();
    assertThat(read.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(seen.get()).isEqualTo(new SyncStatus.Progress(0, 299, 600));
    awaitHead(best);
  }
}
