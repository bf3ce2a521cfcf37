// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Hash;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that peers have given whole when their headers were requested, until their bodies are; and
 * the numbers of these blocks. Whichever peer has given a block, its hash says that it is the right
 * one. When there are too many the oldest ones are evicted: a body is requested again then.
 * Threading: any thread.
 */
final class BlockCache {
  private static final int MAX_NUMBERS = 8_192;

  private final long maxBytes;

  // guarded by this
  private final Map<Hash, ReceivedBlock> blocks = new LinkedHashMap<>();
  private final Map<Hash, Long> numbers = new LinkedHashMap<>();
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
