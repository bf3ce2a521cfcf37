// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that peers have given whole when their headers were requested, until their bodies are; and
 * the numbers of these blocks. When there are too many the oldest ones are evicted: a body is
 * requested again then. Threading: any thread.
 */
final class BlockCache {
  private static final int MAX_NUMBERS = 8_192;

  /** A peer is responsible for what it has given. */
  private record Key(PeerId peer, Hash hash) {}

  private record Entry(Block block, long bytes) {}

  private final long maxBytes;

  // guarded by this
  private final Map<Key, Entry> blocks = new LinkedHashMap<>();
  private final Map<Hash, Long> numbers = new LinkedHashMap<>();
  private long bytes;

  BlockCache(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /**
   * Adds a block.
   *
   * @param size size of its message, about
   */
  synchronized void add(PeerId peer, Block block, long size) {
    Entry before = blocks.put(new Key(peer, block.hash()), new Entry(block, size));
    bytes += size - (before == null ? 0 : before.bytes);
    Iterator<Entry> oldest = blocks.values().iterator();
    while (bytes > maxBytes && oldest.hasNext()) {
      bytes -= oldest.next().bytes;
      oldest.remove();
    }
    numbers.put(block.hash(), block.number());
    if (numbers.size() > MAX_NUMBERS) {
      numbers.remove(numbers.keySet().iterator().next());
    }
  }

  /** Removes and returns a block that a peer has given; null when it is not here. */
  synchronized @Nullable Block take(PeerId peer, Hash hash) {
    Entry entry = blocks.remove(new Key(peer, hash));
    if (entry == null) {
      return null;
    }
    bytes -= entry.bytes;
    return entry.block;
  }

  /** Returns the number of a block that some peer has given; null when it is not known. */
  synchronized @Nullable Long number(Hash hash) {
    return numbers.get(hash);
  }

  /** Removes what a peer has given. */
  synchronized void remove(PeerId peer) {
    for (Iterator<Map.Entry<Key, Entry>> all = blocks.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<Key, Entry> next = all.next();
      if (next.getKey().peer.equals(peer)) {
        bytes -= next.getValue().bytes;
        all.remove();
      }
    }
  }

  synchronized long bytes() {
    return bytes;
  }
}
