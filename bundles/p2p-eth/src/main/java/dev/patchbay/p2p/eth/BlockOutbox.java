// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.primitives.Bytes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * New blocks that a peer is going to get, in full or by their hashes. While the peer does not read,
 * they wait: the four latest blocks in full, so that all peers together hold four encodings; older
 * ones are announced, and of more than 32 announcements the oldest are dropped.
 *
 * <p>Threading: any thread.
 */
final class BlockOutbox {
  /** Blocks that wait in full; as geth. */
  static final int MAX_BLOCKS = 4;

  /** Blocks that wait to be announced: a peer takes no interest in older ones. */
  static final int MAX_ANNOUNCED = 32;

  /**
   * A block that is sent.
   *
   * @param announced the block
   * @param payload NewBlock, of all peers that get it
   * @param sequence a number of blocks that were sent before it
   */
  record Full(NewBlockHashes.Announced announced, Bytes payload, long sequence) {}

  private final PeerConnection connection;
  private final Deque<Full> blocks = new ArrayDeque<>();
  private final Deque<NewBlockHashes.Announced> announcements = new ArrayDeque<>();

  BlockOutbox(PeerConnection connection) {
    this.connection = connection;
  }

  /** Adds a block to be sent in full. */
  synchronized void add(Full block) {
    blocks.add(block);
  }

  /** Adds an announcement. */
  synchronized void announce(NewBlockHashes.Announced block) {
    if (announcements.size() == MAX_ANNOUNCED) {
      announcements.poll();
    }
    announcements.add(block);
  }

  /** Has the blocks announced that were to be sent in full before the four latest ones. */
  synchronized void announceOlder(long latestSequence) {
    for (Full block = blocks.peek();
        block != null && block.sequence <= latestSequence - MAX_BLOCKS;
        block = blocks.peek()) {
      announce(block.announced);
      blocks.remove();
    }
  }

  /** Sends what the peer takes now. */
  synchronized void flush() {
    if (!announcements.isEmpty()) {
      NewBlockHashes message = new NewBlockHashes(List.copyOf(announcements));
      if (!connection.offer(message.code(), message.encode())) {
        return;
      }
      announcements.clear();
    }
    for (Full block = blocks.peek(); block != null; block = blocks.peek()) {
      if (!connection.offer(MessageCode.NEW_BLOCK, block.payload)) {
        return;
      }
      blocks.remove();
    }
  }
}
