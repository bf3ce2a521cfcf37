// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Sends blocks of this node's chain to the peers that do not know them: whole to as many as the
 * square root of the number of peers, chosen at random, and by the hash to the others. Threading:
 * any thread; the calls do not wait for peers.
 */
final class BlockSender {
  private final Supplier<List<Connection>> peers;
  private final LocalChain chain;
  private final Random random;

  /**
   * Creates a sender.
   *
   * @param peers returns the peers
   */
  BlockSender(Supplier<List<Connection>> peers, LocalChain chain, Random random) {
    this.peers = peers;
    this.chain = chain;
    this.random = random;
  }

  /**
   * Sends a block; returns to how many peers. One that the chain does not have is announced to all,
   * and one that the protocol cannot carry to none.
   */
  int send(Hash hash) {
    List<Connection> all = peers.get();
    List<Connection> lacking = new ArrayList<>(all);
    lacking.removeIf(peer -> peer.known().contains(hash));
    if (lacking.isEmpty()) {
      return 0;
    }
    Block block = chain.block(hash);
    byte[] message = block == null ? null : chain.message(MessageCode.NEW_BLOCK, block, null);
    if (block != null && message == null) {
      return 0;
    }
    Collections.shuffle(lacking, random);
    int whole = message == null ? 0 : Math.max(1, (int) Math.sqrt(all.size()));
    for (int i = 0; i < lacking.size(); i++) {
      if (message != null && i < whole) {
        lacking.get(i).sendNewBlock(hash, message);
      } else {
        lacking.get(i).announce(hash);
      }
    }
    return lacking.size();
  }
}
