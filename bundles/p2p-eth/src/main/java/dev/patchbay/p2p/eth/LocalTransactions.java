// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Hash;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Transactions of the pool that came from no peer. Of more than 1,024 the oldest are dropped.
 * Threading: any thread.
 */
final class LocalTransactions {
  static final int MAX = 1_024;

  private final Set<Hash> hashes = new LinkedHashSet<>();

  /** Adds a transaction. */
  synchronized void add(Hash hash) {
    if (hashes.add(hash) && hashes.size() > MAX) {
      hashes.remove(hashes.iterator().next());
    }
  }

  /** Removes a transaction. */
  synchronized void remove(Hash hash) {
    hashes.remove(hash);
  }

  /** Returns the transactions, the oldest first. */
  synchronized List<Hash> list() {
    return List.copyOf(hashes);
  }
}
