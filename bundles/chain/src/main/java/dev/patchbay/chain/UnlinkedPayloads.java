// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The latest blocks that a consensus client has handed over and whose parents are missing: it may
 * name one of them as head next. Threading: any thread.
 */
final class UnlinkedPayloads {
  static final int MAX_BLOCKS = 64;

  /** Of their bodies, encoded. */
  static final long MAX_BYTES = 64 << 20;

  private record Payload(Block block, long bytes) {}

  private final Map<Hash, Payload> blocks = new LinkedHashMap<>();
  private long bytes;

  synchronized void add(Block block) {
    if (blocks.containsKey(block.hash())) {
      return;
    }
    Payload payload = new Payload(block, block.encodeBody().length);
    blocks.put(block.hash(), payload);
    bytes += payload.bytes;
    Iterator<Payload> oldest = blocks.values().iterator();
    while (blocks.size() > MAX_BLOCKS || bytes > MAX_BYTES && blocks.size() > 1) {
      bytes -= oldest.next().bytes;
      oldest.remove();
    }
  }

  synchronized @Nullable Block get(Hash hash) {
    Payload payload = blocks.get(hash);
    return payload == null ? null : payload.block;
  }

  /** Removes the blocks up to a number, which is that of the head. */
  synchronized void removeUpTo(long number) {
    blocks.values().removeIf(payload -> payload.block.number() <= number);
    bytes = blocks.values().stream().mapToLong(Payload::bytes).sum();
  }
}
