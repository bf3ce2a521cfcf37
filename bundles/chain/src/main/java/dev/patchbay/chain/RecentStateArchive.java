// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateTrieReader;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.chain.RewoundStates.Rewound;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.trie.Trie;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The states after the latest blocks by their roots. A state below the head is the state after the
 * head with what later blocks have changed put back. That is computed once for a head: requests
 * name the same few states again and again. When the head moves on, only the new blocks are
 * unwound. One such computation runs at a time, on the thread of the caller, with a node cache of
 * its own: imports and RPC keep theirs. A request computes for 2 seconds at most; what it has
 * computed until then is kept, and the next one goes on. Of the states below the head few are
 * computed, see {@link RewoundStates}; the others cannot be read meanwhile.
 *
 * <p>Threading: any thread.
 */
final class RecentStateArchive implements RecentStates {
  /** How long a request waits for other computations and computes, together. */
  static final long MAX_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** Blocks that are unwound at a time; then the time is looked at. */
  static final int PART_BLOCKS = 8;

  private static final int HEAP_SHARE = 32;
  private static final int NODE_BITS = 12;

  private final StateArchive archive;
  private final HistoryPruner pruner;
  private final LongSupplier nanos;
  private final RecentRoots roots = new RecentRoots(MAX_BLOCKS);
  private final TrieWorkers workers = new TrieWorkers(0, NODE_BITS);
  private final Semaphore computing = new Semaphore(1, true);

  /** States below the head, together a 32nd of the heap. */
  private final RewoundStates states;

  /**
   * Creates an archive.
   *
   * @param nanos monotonic time in nanoseconds
   */
  RecentStateArchive(StateArchive archive, HistoryPruner pruner, LongSupplier nanos) {
    this.archive = archive;
    this.pruner = pruner;
    this.nanos = nanos;
    states = new RewoundStates(Runtime.getRuntime().maxMemory() / HEAP_SHARE, nanos);
  }

  @Override
  public <T> @Nullable T read(Hash stateRoot, Function<StateTrieReader, @Nullable T> reading) {
    return archive.readHead(
        reader -> {
          StateOverlay overlay = overlayAt(reader, stateRoot);
          return overlay == null
              ? null
              : reading.apply(new OverlayReader(overlay, new StateTries(overlay, workers, null)));
        });
  }

  @Override
  public @Nullable Bytes code(Hash codeHash) {
    if (codeHash.equals(Account.EMPTY_CODE)) {
      return Bytes.EMPTY;
    }
    return archive.readHead(
        reader -> {
          byte[] code = reader.get(Columns.CODE, codeHash.unsafeArray());
          return code == null ? null : Bytes.wrap(code);
        });
  }

  /** Returns the state with a root on top of the state after the head; null when none has it. */
  private @Nullable StateOverlay overlayAt(KeyReader reader, Hash stateRoot) {
    byte[] stored = reader.get(Columns.META, Keys.HEAD);
    if (stored == null) {
      return null;
    }
    RecentRoots.View view = roots.of(reader, Hash.of(stored));
    RecentRoots.Entry head = view.byHash(Hash.of(stored));
    RecentRoots.Entry wanted = view.byRoot(stateRoot);
    if (head == null || wanted == null) {
      return null;
    }
    if (wanted.equals(head)) {
      return new StateOverlay(reader);
    }
    pruner.requireState(wanted.number());
    Rewound known = states.find(wanted.block());
    if (known == null || !isComplete(known, head, wanted)) {
      known = computeAlone(reader, view, head, wanted);
    }
    return new StateOverlay(known.writes().over(reader));
  }

  private static boolean isComplete(
      Rewound known, RecentRoots.Entry head, RecentRoots.Entry wanted) {
    return known.head().equals(head) && known.number() == wanted.number();
  }

  private Rewound computeAlone(
      KeyReader reader, RecentRoots.View view, RecentRoots.Entry head, RecentRoots.Entry wanted) {
    long deadline = nanos.getAsLong() + MAX_NANOS;
    awaitPermit();
    try {
      if (!states.reserve(wanted.block())) {
        throw new StorageException("the states of other blocks are read; ask later");
      }
      Rewound known = states.find(wanted.block());
      if (known != null && isComplete(known, head, wanted)) {
        return known; // another request has computed it
      }
      Rewound computed = compute(reader, view, head, wanted, known, deadline);
      if (!states.put(wanted.block(), computed)) {
        throw new StorageException("no memory for the state after block " + wanted.number());
      }
      if (!isComplete(computed, head, wanted)) {
        throw new StorageException(
            "the state after block " + wanted.number() + " is being computed; ask again");
      }
      return computed;
    } finally {
      computing.release();
    }
  }

  private void awaitPermit() {
    try {
      if (computing.tryAcquire(MAX_NANOS, TimeUnit.NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    throw new StorageException("other states are being computed; ask again");
  }

  /**
   * Computes the state after a block, as far as time and memory allow.
   *
   * @param known what an earlier request has computed; null for nothing
   */
  private Rewound compute(
      KeyReader reader,
      RecentRoots.View view,
      RecentRoots.Entry head,
      RecentRoots.Entry wanted,
      @Nullable Rewound known,
      long deadline) {
    WriteSet writes = new WriteSet();
    long at = head.number();
    if (known != null && view.byHash(known.head().block()) != null) {
      at = rewind(new StateOverlay(reader, writes), at, known.head().number(), deadline);
      if (at != known.head().number()) {
        return known; // the head has moved far; what lies below the earlier head is kept
      }
      writes.addAll(known.writes());
      at = known.number();
    }
    at = rewind(new StateOverlay(reader, writes), at, wanted.number(), deadline);
    return new Rewound(head, at, writes);
  }

  /** Unwinds blocks, at least some; returns the number of the block that it has come to. */
  private long rewind(StateOverlay overlay, long from, long to, long deadline) {
    long at = from;
    while (at > to && (at == from || mayGoOn(overlay, deadline))) {
      long next = Math.max(to, at - PART_BLOCKS);
      new FlatState(overlay, workers).rewind(at, next);
      at = next;
    }
    return at;
  }

  private boolean mayGoOn(StateOverlay overlay, long deadline) {
    return nanos.getAsLong() - deadline < 0 && states.fits(overlay.writes().bytes());
  }

  /** Reads an overlay. */
  private static final class OverlayReader implements StateTrieReader {
    private final StateOverlay overlay;
    private final StateTries tries;
    private final Trie accounts;

    /** The storage trie that was read last, and its account. */
    private @Nullable Trie storage;

    private @Nullable Hash storageOf;

    OverlayReader(StateOverlay overlay, StateTries tries) {
      this.overlay = overlay;
      this.tries = tries;
      accounts = tries.accountTrie();
    }

    @Override
    public @Nullable Account account(Hash addressHash) {
      return FlatState.account(overlay, addressHash);
    }

    @Override
    public void accounts(Hash from, BiPredicate<Hash, Account> visitor) {
      overlay.scan(
          Columns.ACCOUNTS,
          from.toArray(),
          (key, slim) -> visitor.test(Hash.wrap(key), Account.decodeSlim(slim)));
    }

    @Override
    public void slots(Hash addressHash, Hash from, BiPredicate<Hash, UInt256> visitor) {
      overlay.scan(
          Columns.SLOTS,
          Keys.slot(addressHash, from),
          (key, value) ->
              Keys.startsWith(key, addressHash.unsafeArray())
                  && visitor.test(
                      Hash.wrap(Arrays.copyOfRange(key, Hash.SIZE, 2 * Hash.SIZE)),
                      UInt256.ofBytes(value)));
    }

    @Override
    public List<Bytes> proveAccount(Hash addressHash) {
      return proof(accounts, addressHash);
    }

    @Override
    public List<Bytes> proveSlot(Hash addressHash, Hash slotHash) {
      return proof(storageTrie(addressHash), slotHash);
    }

    private static List<Bytes> proof(Trie trie, Hash key) {
      return trie.proof(key.toArray()).stream().map(Bytes::wrap).toList();
    }

    @Override
    public @Nullable Bytes accountNode(byte[] path) {
      return node(accounts, path);
    }

    @Override
    public @Nullable Bytes storageNode(Hash addressHash, byte[] path) {
      return node(storageTrie(addressHash), path);
    }

    private static @Nullable Bytes node(Trie trie, byte[] path) {
      byte[] rlp = trie.node(path);
      return rlp == null ? null : Bytes.wrap(rlp);
    }

    private Trie storageTrie(Hash addressHash) {
      Trie trie = storage;
      if (trie == null || !addressHash.equals(storageOf)) {
        trie = tries.storageTrie(addressHash);
        storage = trie;
        storageOf = addressHash;
      }
      return trie;
    }
  }
}
