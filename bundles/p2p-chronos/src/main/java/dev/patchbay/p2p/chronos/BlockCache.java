// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Hash;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that peers have given whole when their headers were requested, until their bodies are; and
 * the numbers of these blocks. Whichever peer has given a block, its hash says that it is the right
 * one. When there are too many the oldest ones are evicted: a body is requested again then. The
 * latest new blocks are here, too: a node that lags behind need not pull them again. Threading: any
 * thread.
 */
final class BlockCache {
  private static final int MAX_NUMBERS = 8_192;

  /** New blocks that are kept. */
  private static final int MAX_NEW = 64;

  /** A peer has one block of a number on its chain. */
  private record Place(PeerId peer, long number) {}

  private final long maxBytes;

  // guarded by this
  private final Map<Hash, ReceivedBlock> blocks = new LinkedHashMap<>();
  private final Map<Hash, Long> numbers = new LinkedHashMap<>();
  private final Map<Place, Hash> newBlocks = new LinkedHashMap<>();
  private long bytes;

  BlockCache(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Adds a block. */
  synchronized void add(ReceivedBlock received) {
    Hash hash = received.block().hash();
    ReceivedBlock before = blocks.put(hash, received);
    bytes += received.bytes() - (before == null ? 0 : before.bytes());
    Iterator<ReceivedBlock> oldest = blocks.values().iterator();
    while (bytes > maxBytes && oldest.hasNext()) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
    numbers.put(hash, received.block().number());
    if (numbers.size() > MAX_NUMBERS) {
      numbers.remove(numbers.keySet().iterator().next());
    }
  }

  /** Adds a block that a peer has given as a new one. */
  synchronized void addNew(PeerId peer, ReceivedBlock received) {
    add(received);
    Place place = new Place(peer, received.block().number());
    newBlocks.remove(place);
    newBlocks.put(place, received.block().hash());
    if (newBlocks.size() > MAX_NEW) {
      Hash oldest = newBlocks.remove(newBlocks.keySet().iterator().next());
      if (oldest != null && !newBlocks.containsValue(oldest)) {
        take(oldest);
      }
    }
  }

  /**
   * Returns the block of a number that a peer has given as a new one, once: the peer may have
   * another one since. Null when there is none, or it was returned.
   */
  synchronized @Nullable ReceivedBlock takeNew(PeerId peer, long number) {
    Hash hash = newBlocks.remove(new Place(peer, number));
    return hash == null ? null : blocks.get(hash);
  }

  /** Returns a block, which stays; null when it is not here. */
  synchronized @Nullable ReceivedBlock get(Hash hash) {
    return blocks.get(hash);
  }

  /** Removes and returns a block; null when it is not here. */
  synchronized @Nullable ReceivedBlock take(Hash hash) {
    ReceivedBlock found = blocks.remove(hash);
    bytes -= found == null ? 0 : found.bytes();
    return found;
  }

  /** Returns the number of a block that some peer has given; null when it is not known. */
  synchronized @Nullable Long number(Hash hash) {
    return numbers.get(hash);
  }

  synchronized long bytes() {
    return bytes;
  }
}
