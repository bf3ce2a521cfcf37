// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static dev.patchbay.sync.SynchronizerTest.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Blocks that peers announce, and those that are announced to them. */
@Timeout(60)
class BlockGossipTest {
  private static final long MAX_WAITING_BYTES = 1_000_000;

  private final FakePeers peers = new FakePeers();
  private final ModelChain own = new ModelChain().grow(10, 1, 2);
  private final ModelChain remote = own.copy();
  private final FakePeers.FakePeer peer = peers.add("a", remote);

  /** Stands still: a peer that rests does so until it was of use. */
  private final SyncPeers candidates = new SyncPeers(peers, () -> 0);

  private final Synchronizer synchronizer =
      new Synchronizer(
          own.reader(), own.importer(), new ModelStage(own), candidates, System::nanoTime);
  private final BlockGossip gossip =
      new BlockGossip(
          own.reader(), own.importer(), candidates, synchronizer, peers, MAX_WAITING_BYTES);

  @BeforeEach
  void start() { // the synchronizer is not started: what comes, comes by gossip
    gossip.start();
  }

  @AfterEach
  void close() {
    gossip.close();
    synchronizer.close();
    peers.close();
  }

  private Block next(int bodySize) {
    Block block = ModelChain.child(remote.head(), 1, 2, bodySize);
    remote.add(block);
    return block;
  }

  /** Seed: announcement by hash, then the requests for header and body. */
  @Test
  void anAnnouncementByHashIsFollowedByBothRequests() {
    Block block = next(3);
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number()));
    await(() -> own.head().equals(block));
    assertThat(peer.requests)
        .containsExactly(
            new PeerCommand.GetBlockHeaders(
                peer.id, new HeaderStart.ByHash(block.hash()), 1, 0, false),
            new PeerCommand.GetBlockBodies(peer.id, List.of(block.hash())));
  }

  @Test
  void anEmptyBlockNeedsNoRequestForItsBody() {
    Block block = next(0);
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number()));
    await(() -> own.head().equals(block));
    assertThat(peer.requests).hasSize(1);
  }

  @Test
  void aBlockThatIsKnownIsNotRequested() {
    Block known = own.head();
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, known.hash(), known.number()));
    Block block = next(1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
    assertThat(peer.requests).isEmpty();
  }

  @Test
  void aBlockThatIsSentIsImported() {
    Block block = next(2);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
  }

  /** A hostile peer cannot have a valid block refused by a false body for its header. */
  @Test
  void aFalseBodyEndsInABanAndTheBlockIsImportedLater() throws Exception {
    Block block = next(2);
    Block other = ModelChain.child(own.head(), 7, 2, 4);
    Block mixed =
        new Block(block.header(), other.transactions(), other.ommers(), other.withdrawals());
    FakePeers.FakePeer hostile = peers.add("b", remote);
    gossip.peerEvent(new PeerEvent.NewBlock(hostile.id, mixed, UInt256.ONE));
    assertThat(peers.awaitBan()).isEqualTo("b");
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void anInvalidSealEndsInABan() throws Exception {
    gossip.peerEvent(
        new PeerEvent.NewBlock(peer.id, ModelChain.badlySealed(own.head()), UInt256.ONE));
    assertThat(peers.awaitBan()).isEqualTo("a");
    assertThat(own.head().number()).isEqualTo(10);
  }

  @Test
  void aBlockFromTheFutureIsImportedWhenItsTimeHasCome() {
    Block block = ModelChain.child(own.head(), 1_015, 2, 2);
    Block sooner = ModelChain.child(own.head(), 1, 1, 1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, sooner, UInt256.ONE));
    await(() -> own.head().equals(sooner));
    own.now = 1_015;
    await(() -> own.head().equals(block));
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void whatIsFarFromTheHeadIsLeftToTheSynchronizer() {
    remote.grow(100, 1, 2);
    Block far = remote.head();
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, far.hash(), far.number()));
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, far, UInt256.ONE));
    assertThat(peer.requests).isEmpty();
  }

  @Test
  void theNewHeadIsAnnounced() throws Exception {
    Block block = next(1);
    own.add(block);
    gossip.headChanged(List.of(), List.of(block));
    assertThat(peers.announced.poll(30, TimeUnit.SECONDS)).isEqualTo(block);
    gossip.headChanged(List.of(block), List.of()); // the head is set back
    Block last = next(1);
    own.add(last);
    gossip.headChanged(List.of(), List.of(last));
    assertThat(peers.announced.poll(30, TimeUnit.SECONDS)).isEqualTo(last);
  }

  /** A block that is sealed while the bundle is updated. */
  @Test
  void aHeadFromBeforeItsEventsCameIsAnnouncedOnce() throws Exception {
    Block missed = next(1);
    own.add(missed);
    gossip.announceHead();
    assertThat(peers.announced.poll(30, TimeUnit.SECONDS)).isEqualTo(missed);
    Block block = next(1);
    own.add(block);
    gossip.headChanged(List.of(), List.of(block));
    assertThat(peers.announced.poll(30, TimeUnit.SECONDS)).isEqualTo(block);
    assertThat(peers.announced).isEmpty();
  }

  /** Who relays a block has checked its header only. */
  @Test
  void anInvalidExecutionIsNoFaultOfARelay() {
    Block invalid = ModelChain.invalid(own.head());
    AtomicInteger imports = new AtomicInteger();
    own.onImport = block -> imports.addAndGet(block.equals(invalid) ? 1 : 0);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, invalid, UInt256.ONE));
    await(() -> imports.get() == 1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, invalid, UInt256.ONE));
    Block block = next(1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
    assertThat(imports).hasValue(1);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void aPeerThatFailsToReplyMayAnnounceAgain() {
    peer.silent = true;
    Block block = next(1);
    PeerEvent announced = new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number());
    gossip.peerEvent(announced);
    await(() -> peer.requests.size() == 1);
    peer.silent = false;
    await(
        () -> {
          gossip.peerEvent(announced);
          return own.head().equals(block);
        });
  }

  @Test
  void onePeerDoesNotFillTheQueue() throws Exception {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch free = new CountDownLatch(1);
    Block first = next(1);
    own.onImport =
        block -> {
          if (block.equals(first)) {
            busy.countDown();
            awaitQuietly(free);
          }
        };
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, first, UInt256.ONE));
    assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
    FakePeers.FakePeer flooder = peers.add("b", remote);
    for (int i = 0; i < 200; i++) {
      Block junk = ModelChain.child(first, 500 + i, 1, 1);
      gossip.peerEvent(new PeerEvent.NewBlock(flooder.id, junk, UInt256.ONE));
    }
    Block second = next(1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, second, UInt256.ONE));
    free.countDown();
    await(() -> own.head().equals(second));
    assertThat(own.imported()).hasSize(10 + 1 + 4 + 1);
  }

  /** Blocks of 700 kB: one of them waits, whatever peers send. */
  @Test
  void whatWaitsIsBoundedInBytes() throws Exception {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch free = new CountDownLatch(1);
    Block first = next(1);
    own.onImport =
        block -> {
          if (block.equals(first)) {
            busy.countDown();
            awaitQuietly(free);
          }
        };
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, first, UInt256.ONE));
    assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
    for (int i = 0; i < 10; i++) {
      FakePeers.FakePeer flooder = peers.add("flooder" + i, remote);
      Block large = ModelChain.child(first, 500 + i, 1, 1_000);
      gossip.peerEvent(new PeerEvent.NewBlock(flooder.id, large, UInt256.ONE));
    }
    free.countDown();
    await(() -> own.imported().size() == 10 + 1 + 1);
    Block second = next(1_000); // what waited takes no bytes now
    sendUntilItIsTheHead(second);
    assertThat(own.imported()).hasSize(10 + 1 + 1 + 1);
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void whatIsNotValidIsNotPassedOn() throws Exception {
    Block invalid = ModelChain.invalid(own.head());
    Block right = ModelChain.child(own.head(), 7, 2, 4);
    Block mixed = new Block(next(2).header(), List.of(), List.of(), right.withdrawals());
    List<Block> all = List.of(ModelChain.badlySealed(own.head()), mixed, invalid);
    for (int i = 0; i < all.size(); i++) {
      FakePeers.FakePeer hostile = peers.add("hostile" + i, remote);
      gossip.peerEvent(new PeerEvent.NewBlock(hostile.id, all.get(i), UInt256.ONE));
    }
    assertThat(peers.awaitBan()).isEqualTo("hostile0");
    assertThat(peers.awaitBan()).isEqualTo("hostile1");
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, right, UInt256.ONE));
    await(() -> own.head().equals(right));
    gossip.headChanged(List.of(), List.of(right)); // as the chain does
    assertThat(peers.announced.poll(30, TimeUnit.SECONDS)).isEqualTo(right);
    assertThat(peers.announced).isEmpty();
    assertThat(peers.banned).isEmpty();
  }

  @Test
  void blocksFarInTheFutureAreDropped() {
    for (int i = 0; i < 200; i++) {
      Block far = ModelChain.child(own.head(), 5_000 + i, 2, 1);
      gossip.peerEvent(new PeerEvent.NewBlock(peer.id, far, UInt256.ONE));
    }
    Block block = next(1);
    FakePeers.FakePeer honest = peers.add("b", remote);
    gossip.peerEvent(new PeerEvent.NewBlock(honest.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
    own.now = 6_000;
    Block last = next(1);
    gossip.peerEvent(new PeerEvent.NewBlock(honest.id, last, UInt256.ONE));
    await(() -> own.head().equals(last));
    assertThat(own.imported()).as("none of them waited").hasSize(10 + 2);
  }

  /** Of what is due soon, 64 blocks wait, and honest ones go on. */
  @Test
  void aFloodOfBlocksFromTheNearFutureTakesBoundedMemory() {
    for (int i = 0; i < 60; i++) {
      FakePeers.FakePeer flooder = peers.add("flooder" + i, remote);
      for (int j = 0; j < 4; j++) {
        int number = 4 * i + j;
        Block early = ModelChain.child(own.head(), 1_001 + number % 14, 1, 1 + number / 14);
        gossip.peerEvent(new PeerEvent.NewBlock(flooder.id, early, UInt256.ONE));
      }
    }
    Block block = next(1);
    sendUntilItIsTheHead(block);
    own.now = 1_014;
    Block last = next(1);
    sendUntilItIsTheHead(last);
    assertThat(own.imported()).hasSizeLessThanOrEqualTo(10 + 2 + 64);
    assertThat(peers.banned).isEmpty();
  }

  /** It would otherwise keep the block from this node until its time is over. */
  @Test
  void aPeerThatAnnouncesAndStallsDoesNotKeepABlockThatAnotherOneSends() {
    FakePeers.FakePeer staller = peers.add("b", remote);
    staller.hangs = request -> true;
    Block block = next(2);
    gossip.peerEvent(new PeerEvent.NewBlockHash(staller.id, block.hash(), block.number()));
    await(() -> staller.requests.size() == 1);
    gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
    await(() -> own.head().equals(block));
  }

  /** Its connection takes eight requests at a time, which the download shares. */
  @Test
  void aPeerThatAnnouncesManyBlocksIsAskedForAFewAtATime() {
    peer.hangs = request -> true;
    for (int i = 0; i < 20; i++) {
      Block block = next(2);
      gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number()));
    }
    await(() -> peer.requests.size() == 4);
    FakePeers.FakePeer other = peers.add("b", remote);
    Block block = next(2);
    gossip.peerEvent(new PeerEvent.NewBlockHash(other.id, block.hash(), block.number()));
    await(() -> other.requests.size() == 2); // header and body
    assertThat(peer.requests).hasSize(4);
  }

  /** So that it does not lead the download that looks for the block next. */
  @Test
  void aPeerThatAnnouncesAndDoesNotReplyRestsUntilItGivesABlock() {
    peer.silent = true;
    Block block = next(2);
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number()));
    await(() -> candidates.available().isEmpty());
    peer.silent = false;
    gossip.peerEvent(new PeerEvent.NewBlockHash(peer.id, block.hash(), block.number()));
    await(() -> own.head().equals(block));
    await(() -> candidates.available().size() == 1);
  }

  /** Sends a block again while there is no room for it. */
  private void sendUntilItIsTheHead(Block block) {
    await(
        () -> {
          gossip.peerEvent(new PeerEvent.NewBlock(peer.id, block, UInt256.ONE));
          return own.head().equals(block);
        });
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
