// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends blocks of this node's chain to peers that do not know them: in full to the square root of
 * these peers and to four of them at least, by their hashes to the others (devp2p, "Ethereum Wire
 * Protocol", "Block Propagation"). Nothing is sent on a chain that a consensus client drives: since
 * the merge, peers end the connection (EIP-3675).
 *
 * <p>While no other block follows, the latest one is announced again to peers that have not shown
 * it: geth drops a block whose parent it still waits to import, as it does with a parent from the
 * future, and by what it takes from the lost block for the head of its peer it has no reason to
 * sync. When its turn to seal is next, and no other signer may, the chain would stop.
 *
 * <p>Threading: any thread; the calls do not wait for peers.
 */
final class BlockSender {
  /** Pause between two announcements of a block; geth imports blocks that wait each 5 seconds. */
  static final long REPEAT_MILLIS = 15_000;

  private final PeerSet peers;
  private final NodeServices services;
  private final PeerSelection selection;
  private final BlockGossipMode mode;
  private final LongSupplier millis;
  private final AtomicLong sequence = new AtomicLong();
  private final AtomicReference<@Nullable Latest> latest = new AtomicReference<>();

  /** The latest block that was sent, and when it was announced last. */
  private record Latest(NewBlockHashes.Announced block, long millis) {}

  /**
   * Creates a sender.
   *
   * @param millis monotonic time in milliseconds
   */
  BlockSender(
      PeerSet peers,
      NodeServices services,
      SipHash keyed,
      BlockGossipMode mode,
      LongSupplier millis) {
    this.peers = peers;
    this.services = services;
    this.mode = mode;
    this.millis = millis;
    selection = new PeerSelection(keyed);
  }

  /**
   * Sends a block. One that the chain does not have, or that is too large for a message, is
   * announced.
   *
   * @return how many peers get it, now or when they read
   */
  int send(Hash hash, long number) {
    if (mode == BlockGossipMode.OFF
        || services.withChain(chain -> chain.config().isDriven(), true)) {
      return 0;
    }
    List<EthPeer> lacking =
        peers.list().stream().filter(peer -> peer.isToLearnOfBlock(hash)).toList();
    NewBlockHashes.Announced announced = new NewBlockHashes.Announced(hash, number);
    latest.set(new Latest(announced, millis.getAsLong()));
    Bytes payload =
        lacking.isEmpty() || mode == BlockGossipMode.ANNOUNCE
            ? null
            : services.withChain(chain -> payload(chain, hash));
    BlockOutbox.Full full =
        payload == null
            ? null
            : new BlockOutbox.Full(announced, payload, sequence.incrementAndGet());
    Set<EthPeer> direct = full == null ? Set.of() : selection.direct(lacking, hash);
    int reached = 0;
    for (EthPeer peer : lacking) {
      if (full != null && direct.contains(peer)) {
        reached += peer.send(full) ? 1 : 0;
      } else {
        reached += peer.announce(announced) ? 1 : 0;
      }
    }
    step();
    return reached;
  }

  private static @Nullable Bytes payload(ChainReader chain, Hash hash) {
    Block block = chain.block(hash);
    UInt256 total = chain.totalDifficulty(hash);
    if (block == null || total == null) {
      return null;
    }
    Bytes payload = new NewBlock(block, total).encode();
    return payload.size() <= EthLimits.MAX_REPLY_BYTES ? payload : null;
  }

  /** Sends what waits for peers that read again, and what is due to be announced again. */
  void step() {
    Latest sent = latest.get();
    long now = millis.getAsLong();
    if (sent != null
        && now - sent.millis >= REPEAT_MILLIS
        && latest.compareAndSet(sent, new Latest(sent.block, now))) {
      peers.list().forEach(peer -> peer.announceAgain(sent.block));
    }
    for (EthPeer peer : peers.list()) {
      peer.blocks().announceOlder(sequence.get());
      peer.blocks().flush();
    }
  }
}
