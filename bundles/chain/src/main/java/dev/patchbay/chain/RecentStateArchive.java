// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateTrieReader;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
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
import org.jspecify.annotations.Nullable;

/**
 * The states after the latest blocks by their roots. A state below the head is the state after the
 * head with what later blocks have changed put back. That is computed once for a head: requests
 * name the same few states again and again. When the head moves on, only the new blocks are
 * unwound. One such computation runs at a time, on the thread of the caller, with a node cache of
 * its own: imports and RPC keep theirs.
 *
 * <p>Threading: any thread.
 */
final class RecentStateArchive implements RecentStates {
  private static final long PERMIT_SECONDS = 2;
  private static final int EXPIRY_SECONDS = 120;
  private static final int HEAP_SHARE = 32;
  private static final int NODE_BITS = 12;
  private static final long MAX_WEIGHT = Integer.MAX_VALUE;

  private final StateArchive archive;
  private final HistoryPruner pruner;
  private final RecentRoots roots = new RecentRoots(MAX_BLOCKS);
  private final TrieWorkers workers = new TrieWorkers(0, NODE_BITS);
  private final Semaphore computing = new Semaphore(1, true);

  /** States by block, together a 32nd of the heap. */
  private final Cache<Hash, Rewound> states =
      Caffeine.newBuilder()
          .executor(Runnable::run)
          .maximumWeight(Runtime.getRuntime().maxMemory() / HEAP_SHARE)
          .weigher((Hash block, Rewound state) -> (int) Math.min(MAX_WEIGHT, state.writes.bytes()))
          .expireAfterAccess(EXPIRY_SECONDS, TimeUnit.SECONDS)
          .build();

  /** What leads from the state after a head to the state after another block. */
  private record Rewound(RecentRoots.Entry head, WriteSet writes) {}

  RecentStateArchive(StateArchive archive, HistoryPruner pruner) {
    this.archive = archive;
    this.pruner = pruner;
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
    Rewound known = states.getIfPresent(wanted.block());
    if (known == null || !known.head.equals(head)) {
      known = computeAlone(reader, view, head, wanted);
    }
    return new StateOverlay(known.writes.over(reader));
  }

  private Rewound computeAlone(
      KeyReader reader, RecentRoots.View view, RecentRoots.Entry head, RecentRoots.Entry wanted) {
    awaitPermit();
    try {
      Rewound known = states.getIfPresent(wanted.block());
      if (known == null || !known.head.equals(head)) { // else another request has computed it
        Rewound step = known == null || view.byHash(known.head.block()) == null ? null : known;
        known = compute(reader, head, wanted, step);
        states.put(wanted.block(), known);
      }
      return known;
    } finally {
      computing.release();
    }
  }

  private void awaitPermit() {
    try {
      if (computing.tryAcquire(PERMIT_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    throw new StorageException("other states are being computed; ask again");
  }

  /**
   * Computes the state after a block.
   *
   * @param step the same state as of a block between it and the head; null when it is not known
   */
  private Rewound compute(
      KeyReader reader, RecentRoots.Entry head, RecentRoots.Entry wanted, @Nullable Rewound step) {
    StateOverlay overlay = new StateOverlay(reader);
    long to = step == null ? wanted.number() : step.head.number();
    new FlatState(overlay, workers).rewind(head.number(), to);
    WriteSet writes = overlay.writes();
    if (step != null) {
      writes.addAll(step.writes);
    }
    return new Rewound(head, writes);
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
