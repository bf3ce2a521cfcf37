// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.trie.Trie;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads on another thread, while a block executes, what the execution and the state root after it
 * will ask for: the accounts that its transactions name, and the trie nodes towards them and
 * towards the slots that the execution reads. It changes no result, only when things are read.
 *
 * <p>Threading: nobody may write to the overlay before {@link #close} has returned.
 */
final class ReadAhead implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReadAhead.class);

  /** A block of fewer transactions is over before it pays. */
  private static final int MIN_TRANSACTIONS = 8;

  private static final long PAUSE_NANOS = 20_000;

  private final StateOverlay overlay;
  private final FlatState state;
  private final Block block;
  private final Queue<Bytes> slots = new ConcurrentLinkedQueue<>();
  private volatile boolean ended;
  private @Nullable Future<?> running;

  private ReadAhead(StateOverlay overlay, Block block, TrieWorkers workers) {
    this.overlay = overlay;
    this.state = new FlatState(overlay, workers);
    this.block = block;
  }

  /** Starts to read for a block, if there is a thread for it and enough to read. */
  static ReadAhead start(StateOverlay overlay, Block block, TrieWorkers workers) {
    ReadAhead ahead = new ReadAhead(overlay, block, workers);
    if (block.transactions().size() >= MIN_TRANSACTIONS) {
      ahead.running = workers.start(ahead::run);
      if (ahead.running != null) {
        overlay.recordSlotReads(ahead.slots);
      }
    }
    return ahead;
  }

  private void run() {
    try {
      read();
    } catch (Throwable failure) { // an error, too, changes no result
      // whoever needs what could not be read meets the same, and reports it
      LOG.debug("reading ahead for {} failed: {}", block, failure.toString());
    }
  }

  private static void add(Set<Hash> accounts, @Nullable Address address) {
    if (address != null) {
      accounts.add(address.keccak());
    }
  }

  private void read() {
    Set<Hash> accounts = new HashSet<>();
    for (Transaction transaction : block.transactions()) {
      add(accounts, transaction.sender());
      add(accounts, transaction.to());
    }
    for (Hash account : accounts) {
      if (ended) {
        return;
      }
      overlay.get(Columns.ACCOUNTS, account.unsafeArray());
    }
    Trie trie = state.accountTrie();
    for (Hash account : accounts) {
      if (ended) {
        return;
      }
      trie.get(account.unsafeArray());
    }
    Map<Hash, Trie> storages = new HashMap<>();
    while (!ended) {
      Bytes slot = slots.poll();
      if (slot == null) {
        LockSupport.parkNanos(PAUSE_NANOS);
        continue;
      }
      byte[] key = slot.unsafeArray();
      storages
          .computeIfAbsent(Hash.wrap(Arrays.copyOf(key, 32)), state::storageTrie)
          .get(Arrays.copyOfRange(key, 32, 64));
    }
  }

  /** Ends the reading, and waits for it. */
  @Override
  public void close() {
    ended = true;
    overlay.recordSlotReads(null);
    Future<?> under = running;
    if (under != null) {
      TrieWorkers.await(under);
    }
  }
}
