// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Hash;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/** Blocks that a peer knows: the latest 1,024. Threading: any thread. */
final class KnownBlocks {
  private final Set<Hash> hashes = new LinkedHashSet<>();

  /** Adds a block; returns whether it is new. */
  synchronized boolean add(Hash hash) {
    boolean isNew = !hashes.remove(hash);
    hashes.add(hash);
    if (hashes.size() > Limits.MAX_KNOWN) {
      Iterator<Hash> oldest = hashes.iterator();
      oldest.next();
      oldest.remove();
    }
    return isNew;
  }

  synchronized boolean contains(Hash hash) {
    return hashes.contains(hash);
  }

  synchronized int size() {
    return hashes.size();
  }
}
