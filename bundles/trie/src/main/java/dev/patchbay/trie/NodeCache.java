// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.primitives.Bytes;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The RLP of inner nodes that blocks met lately, by trie and path: the next ones walk the same
 * ways. A node is asked for by its hash as well, so one of another state is not taken for it, and
 * tries of any state and store can share a cache.
 *
 * <p>Threading: any number of threads.
 */
public final class NodeCache {
  /** Bytes of an entry around its RLP: path, hash, array headers, the cache's own. */
  private static final int OVERHEAD = 280;

  private record Known(byte[] hash, byte[] rlp) {}

  private final Cache<Bytes, Known> nodes;

  /** Holds about {@code bytes} bytes at most. */
  public NodeCache(long bytes) {
    nodes =
        Caffeine.newBuilder()
            .maximumWeight(bytes)
            .weigher((Bytes place, Known node) -> OVERHEAD + node.rlp.length)
            .executor(Runnable::run)
            .build();
  }

  byte @Nullable [] get(Bytes place, byte[] hash) {
    Known known = nodes.getIfPresent(place);
    return known != null && Arrays.equals(known.hash, hash) ? known.rlp : null;
  }

  /** Keeps a node whose hash was computed from its RLP; no array may change afterwards. */
  void put(Bytes place, byte[] hash, byte[] rlp) {
    nodes.put(place, new Known(hash, rlp));
  }
}
