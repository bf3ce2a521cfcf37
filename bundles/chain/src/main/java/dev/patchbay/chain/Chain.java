// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateRange;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Lease;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Trie;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The block tree. The state in the store is that of the head; an older state is the head's with
 * later blocks undone. A block and all its effects, the head included, are one batch, but for trie
 * nodes, which follow from it ({@link RecentNodes}). Only this class writes to the store, and
 * {@link ChainOpener} when it is taken.
 */
final class Chain implements ChainReader, BlockImporter, StateProvider {
  private static final Logger LOG = LoggerFactory.getLogger(Chain.class);

  /** A window that was made smaller is reached step by step. */
  private static final int FORGOTTEN_AT_ONCE = 16;

  private static final long MOST_WAIT_NANOS = 5_000_000_000L;
  private static final long PAUSE_NANOS = 100_000L;
  private static final int BAD_BLOCKS_KEPT = 16;
  private static final long CACHE_BYTES = 32L << 20;
  private static final long STATE_CACHE_BYTES = 16L << 20;

  private final ChainConfig config;
  private final ChainOpener opener;
  private final StorageManager storage;

  private final ReentrantLock imports;
  private final Supplier<@Nullable BlockExecutor> executor;
  private final Function<String, @Nullable ConsensusRules> rules;
  private final Supplier<List<ChainListener>> listeners;
  private final TrieWorkers workers;
  private final long historyBlocks;
  private final RecentNodes recent;

  private final Deque<BadBlock> bad = new ArrayDeque<>();
  private final BlockCache cache = new BlockCache(CACHE_BYTES);
  private final StateCache stateCache = new StateCache(STATE_CACHE_BYTES);
  private volatile @Nullable Block head;

  /** The next head while it is written: the store shows it before this class does. */
  private volatile @Nullable Block arriving;

  /** Counts two for each reorganisation: it is odd while one is written. */
  private volatile long reorganisations;

  /** Number of the first block whose change set is kept: it can be undone. */
  private volatile long historyFrom = 1;

  /**
   * Makes a chain without a store.
   *
   * @param historyBlocks how many blocks can be undone, so that the states before them are there;
   *     {@link Long#MAX_VALUE} for all
   */
  Chain(
      GenesisFile genesisFile,
      StorageManager storage,
      ReentrantLock imports,
      Supplier<@Nullable BlockExecutor> executor,
      Function<String, @Nullable ConsensusRules> rules,
      Supplier<List<ChainListener>> listeners,
      TrieWorkers workers,
      RecentNodes recent,
      long historyBlocks) {
    this.storage = storage;
    this.imports = imports;
    this.executor = executor;
    this.rules = rules;
    this.listeners = listeners;
    this.workers = workers;
    this.recent = recent;
    this.historyBlocks = historyBlocks;
    this.config = genesisFile.config();
    this.opener = new ChainOpener(genesisFile, workers);
  }

  /**
   * Takes a store, which is checked before it is bound.
   *
   * @throws StorageException when it does not hold this chain, whole; the message says what to do
   */
  void open(KeyValueStore store) {
    cache.clear();
    stateCache.clear();
    ChainOpener.Opened opened = opener.open(store);
    historyFrom = opened.historyFrom();
    recent.reset(opened.head().hash(), opened.head().number());
    head = opened.head();
  }

  // ---- reading

  private <T extends @Nullable Object> T read(Function<KeyReader, T> reading) {
    try (Lease<KeyValueStore> lease = storage.lease()) {
      return reading.apply(lease.get());
    }
  }

  /** Reads tries, whose nodes must be of one moment. */
  private <T extends @Nullable Object> T readSnapshot(Function<KeyReader, T> reading) {
    long start = System.nanoTime();
    do {
      RecentNodes.View nodes = recent.view();
      try (Lease<KeyValueStore> lease = storage.lease();
          Snapshot snapshot = lease.get().snapshot()) {
        if (nodes.fits(snapshot)) {
          return reading.apply(nodes.over(snapshot));
        }
      }
      Thread.yield(); // a head is in the store, and its nodes will be here in a moment
    } while (System.nanoTime() - start < MOST_WAIT_NANOS);
    throw new StorageException("the trie nodes in memory do not fit the store; restart the node");
  }

  @Override
  public ChainConfig config() {
    return config;
  }

  @Override
  public Block head() {
    Block next = arriving;
    if (next != null && isHeadOfStore(next)) {
      return next; // whoever has seen one of its receipts must not be told of an older head
    }
    Block block = head;
    requireStore();
    if (block == null) {
      throw new StorageUnavailableException("storage unavailable: the chain is not open yet");
    }
    return block;
  }

  private void requireStore() {
    if (!storage.isBound()) {
      throw new StorageUnavailableException(
          "storage unavailable: the chosen store '" + storage.chosen() + "' is not there");
    }
  }

  private boolean isHeadOfStore(Block block) {
    byte[] stored = read(reader -> reader.get(Column.META, Keys.HEAD));
    return stored != null && block.hash().equals(Hash.of(stored));
  }

  @Override
  public Block genesis() {
    return opener.genesis();
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    return read(reader -> ChainStore.header(reader, hash));
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : header(hash);
  }

  @Override
  public @Nullable Block block(Hash hash) {
    Block current = head;
    if (current != null && current.hash().equals(hash) && storage.isBound()) {
      return current;
    }
    requireStore();
    return cache.block(hash, () -> read(reader -> ChainStore.block(reader, hash)));
  }

  @Override
  public @Nullable Block block(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : block(hash);
  }

  @Override
  public @Nullable Hash canonicalHash(long number) {
    return read(reader -> ChainStore.canonical(reader, number));
  }

  @Override
  public @Nullable List<Receipt> receipts(Hash blockHash) {
    requireStore();
    return cache.receipts(blockHash, () -> read(reader -> ChainStore.receipts(reader, blockHash)));
  }

  @Override
  public @Nullable TransactionLocation transaction(Hash hash) {
    return read(reader -> ChainStore.transaction(reader, hash));
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return read(reader -> ChainStore.totalDifficulty(reader, blockHash));
  }

  // ---- state

  @Override
  public @Nullable StateRange stateAfter(Hash blockHash) {
    Lease<KeyValueStore> lease = storage.lease();
    try {
      long opened = reorganisationsWritten();
      Long number = canonicalNumber(lease.get(), blockHash);
      if (number == null) {
        lease.close();
        return null;
      }
      Runnable check =
          () -> {
            if (reorganisations != opened) {
              throw new StorageException(
                  "the chain was reorganised while this state was read; ask again");
            }
            requireHistory(number);
          };
      check.run();
      return new States.Historic(lease.get(), stateCache, blockHash, number, check, lease::close);
    } catch (RuntimeException failure) {
      lease.close();
      throw failure;
    }
  }

  /** Returns how far reorganisations are counted, when none is being written any more. */
  private long reorganisationsWritten() {
    long start = System.nanoTime();
    long seen = reorganisations;
    while ((seen & 1) != 0) {
      if (System.nanoTime() - start > MOST_WAIT_NANOS) {
        throw new StorageException("the chain is being reorganised; ask again");
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      seen = reorganisations;
    }
    return seen;
  }

  /** Returns the number of a block of the chain; null of any other. */
  private @Nullable Long canonicalNumber(KeyReader reader, Hash hash) {
    Block top = head;
    if (top != null && top.hash().equals(hash)) {
      return top.number(); // most reads are of the head
    }
    return ChainStore.canonicalNumber(reader, hash);
  }

  @Override
  public History history() {
    return new History(
        Math.max(0, historyFrom - 1), historyBlocks == Long.MAX_VALUE ? null : historyBlocks);
  }

  private void requireHistory(long number) {
    if (number + 1 < historyFrom) {
      throw new StorageException(
          "the state after block "
              + number
              + " is not kept: the first is that after block "
              + (historyFrom - 1));
    }
  }

  @Override
  public Hash rootAfter(Hash parent, StateChanges changes) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, parent);
          if (overlay == null) {
            throw new IllegalArgumentException("no state after block " + parent);
          }
          return new FlatState(overlay, workers).apply(changes, null);
        });
  }

  @Override
  public @Nullable StateProof prove(Hash blockHash, Address address, List<UInt256> keys) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, blockHash);
          if (overlay == null) {
            return null;
          }
          FlatState state = new FlatState(overlay, workers);
          Hash hash = address.keccak();
          Account account = FlatState.account(overlay, hash);
          List<StateProof.Slot> slots = new ArrayList<>();
          for (UInt256 key : keys) {
            Hash slot = Hash.keccak(key.toArray());
            Trie trie = state.storageTrie(hash);
            slots.add(
                new StateProof.Slot(
                    key,
                    FlatState.slot(overlay, Keys.slot(hash, slot)),
                    trie.proof(slot.toArray()).stream().map(Bytes::wrap).toList()));
          }
          return new StateProof(
              account == null ? Account.EMPTY : account,
              state.accountTrie().proof(hash.toArray()).stream().map(Bytes::wrap).toList(),
              slots);
        });
  }

  @Override
  public Set<Bytes> witness(Hash blockHash, Map<Address, Set<UInt256>> read, StateChanges changes) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, blockHash);
          if (overlay == null) {
            throw new IllegalArgumentException("no state after block " + blockHash);
          }
          Set<Bytes> nodes = ConcurrentHashMap.newKeySet();
          FlatState state = new FlatState(overlay, workers, rlp -> nodes.add(Bytes.of(rlp)));
          Trie accounts = state.accountTrie();
          read.forEach(
              (address, keys) -> {
                Hash hash = address.keccak();
                accounts.get(hash.toArray());
                Trie storage = state.storageTrie(hash);
                keys.forEach(key -> storage.get(Hash.keccak(key.toArray()).toArray()));
              });
          state.apply(changes, null);
          return nodes;
        });
  }

  /**
   * Returns the state after a canonical block as an overlay: the head's, with the blocks above
   * undone.
   */
  private @Nullable Overlay overlayAt(KeyReader reader, Hash blockHash) {
    Overlay overlay = new Overlay(reader);
    Long wanted = ChainStore.canonicalNumber(reader, blockHash);
    byte[] headHash = reader.get(Column.META, Keys.HEAD);
    BlockHeader top = headHash == null ? null : ChainStore.header(reader, Hash.of(headHash));
    if (wanted == null || top == null) {
      return null;
    }
    requireHistory(wanted);
    FlatState state = new FlatState(overlay, workers);
    for (long number = top.number(); number > wanted; number--) {
      state.unwind(number);
    }
    return overlay;
  }

  // ---- import

  @Override
  public ImportResult importBlock(Block block) {
    imports.lock();
    try (Lease<KeyValueStore> lease = storage.lease()) {
      return insert(lease.get(), block);
    } catch (InvalidBlockException invalid) {
      LOG.debug("block {} is not valid: {}", block, invalid.getMessage());
      keepBad(block, String.valueOf(invalid.getMessage()));
      return new ImportResult.Invalid(String.valueOf(invalid.getMessage()));
    } finally {
      imports.unlock();
    }
  }

  @Override
  public boolean isImporting() {
    return imports.isLocked() && !imports.isHeldByCurrentThread();
  }

  private void keepBad(Block block, String reason) {
    synchronized (bad) {
      bad.removeIf(known -> known.block().hash().equals(block.hash()));
      bad.addFirst(new BadBlock(block, reason));
      if (bad.size() > BAD_BLOCKS_KEPT) {
        bad.removeLast();
      }
    }
  }

  @Override
  public List<BadBlock> badBlocks() {
    synchronized (bad) {
      return List.copyOf(bad);
    }
  }

  private ImportResult insert(KeyValueStore store, Block block) throws InvalidBlockException {
    UInt256 known = ChainStore.totalDifficulty(store, block.hash());
    if (known != null
        && (block.hash().equals(ChainStore.canonical(store, block.number()))
            || !isBetter(store, block, known, head()))) {
      return new ImportResult.Known();
    }
    BlockHeader parent = ChainStore.header(store, block.header().parentHash());
    UInt256 parentDifficulty = ChainStore.totalDifficulty(store, block.header().parentHash());
    if (parent == null || parentDifficulty == null) {
      return new ImportResult.UnknownParent();
    }
    ConsensusRules consensus = rules.apply(config.consensus());
    BlockExecutor execution = executor.get();
    if (consensus == null || execution == null) {
      throw new NotReadyException(
          consensus == null
              ? "the consensus rules '" + config.consensus() + "' are not installed"
              : "no block executor is installed");
    }
    verify(block, parent, consensus);
    UInt256 difficulty = parentDifficulty.add(block.header().difficulty());
    Block top = head();
    List<Block> removed = new ArrayList<>();
    Deque<Block> added = new ArrayDeque<>();
    added.add(block);
    findFork(store, top, block, removed, added);
    if (!removed.isEmpty()) {
      requireHistory(added.getFirst().number() - 1);
    }
    Overlay overlay = new Overlay(recent.view().over(store));
    FlatState state = new FlatState(overlay, workers);
    for (Block gone : removed) {
      state.unwind(gone.number());
      ChainStore.removeCanonical(overlay, gone);
    }
    UInt256 sum = parentDifficultyOf(store, added.getFirst());
    List<List<Receipt>> receipts = new ArrayList<>();
    for (Block next : added) {
      sum = sum.add(next.header().difficulty());
      receipts.add(execute(overlay, execution, next, sum));
    }
    if (!removed.isEmpty() && !isBetter(store, block, difficulty, top)) {
      Overlay side = new Overlay(store);
      ChainStore.putSideBlock(side, block, difficulty);
      storage.write(store, side.toBatch());
      return new ImportResult.Imported(false);
    }
    overlay.put(Column.META, Keys.HEAD, block.hash().toArray());
    long nextHistoryFrom = forgetOld(overlay, state, block.number());
    // what the tries in the store would be caught up by must stay
    boolean flush =
        recent.isFull()
            || nextHistoryFrom > recent.baseNumber() + 1
            || added.getFirst().number() <= recent.baseNumber();
    writeHead(store, overlay, block, nextHistoryFrom, flush, !removed.isEmpty());
    Iterator<List<Receipt>> own = receipts.iterator();
    added.forEach(next -> cache.add(next, own.next()));
    if (!removed.isEmpty()) {
      LOG.info(
          "reorganisation: {} blocks removed, {} added, head is {}",
          removed.size(),
          added.size(),
          block);
    }
    tell(removed, List.copyOf(added));
    return new ImportResult.Imported(true);
  }

  @Override
  public Block setHead(long number) {
    imports.lock();
    try (Lease<KeyValueStore> lease = storage.lease()) {
      KeyValueStore store = lease.get();
      Block top = head();
      Hash hash = ChainStore.canonical(store, number);
      if (hash == null) {
        throw new IllegalArgumentException(
            "block " + number + " is not in the chain, whose head is " + top.number());
      }
      if (number == top.number()) {
        return top;
      }
      requireHistory(number);
      Overlay overlay = new Overlay(recent.view().over(store));
      FlatState state = new FlatState(overlay, workers);
      List<Block> removed = new ArrayList<>();
      Block block = top;
      while (block.number() > number) {
        state.unwind(block.number());
        ChainStore.removeCanonical(overlay, block);
        removed.add(block);
        block = require(ChainStore.block(store, block.header().parentHash()));
      }
      overlay.put(Column.META, Keys.HEAD, hash.toArray());
      writeHead(store, overlay, block, historyFrom, true, true);
      LOG.info("head set back by {} blocks to {}", removed.size(), block);
      tell(removed, List.of());
      return block;
    } finally {
      imports.unlock();
    }
  }

  /**
   * Forgets change sets that the window has passed, not too many at once; returns the first left.
   */
  private long forgetOld(Overlay overlay, FlatState state, long top) {
    long from = historyFrom;
    long end = Math.min(top - historyBlocks + 1, from + FORGOTTEN_AT_ONCE);
    if (end <= from) {
      return from;
    }
    for (long number = from; number < end; number++) {
      state.forget(number);
    }
    overlay.put(Column.META, Keys.HISTORY_FROM, Keys.number(end));
    return end;
  }

  private void writeHead(
      KeyValueStore store,
      Overlay overlay,
      Block block,
      long nextHistoryFrom,
      boolean flush,
      boolean reorganises) {
    WriteBatch batch = overlay.toBatchWithoutTries();
    if (flush) {
      recent.flushInto(batch, overlay, block.hash());
    }
    long before = historyFrom;
    historyFrom = nextHistoryFrom; // readers look at it after they have read: it must come first
    arriving = block;
    if (reorganises) {
      reorganisations++;
    }
    try {
      storage.write(store, batch);
      if (flush) {
        recent.reset(block.hash(), block.number());
      } else {
        recent.add(overlay, block.hash());
      }
      head = block;
    } catch (RuntimeException failure) {
      historyFrom = before;
      throw failure;
    } finally {
      arriving = null;
      if (reorganises) {
        reorganisations++;
      }
    }
  }

  private void verify(Block block, BlockHeader parent, ConsensusRules consensus)
      throws InvalidBlockException {
    HeaderChecks.verify(block.header(), parent, config());
    consensus.verifyHeader(block.header(), parent, this, config());
    HeaderChecks.verifyBody(block, config());
    consensus.verifyOmmers(block, this);
    for (BlockHeader ommer : block.ommers()) {
      BlockHeader before = header(ommer.parentHash());
      if (before == null) {
        throw new InvalidBlockException(
            "ommer " + ommer.computeHash() + " has an unknown parent " + ommer.parentHash());
      }
      HeaderChecks.verify(ommer, before, config());
      consensus.verifyHeader(ommer, before, this, config());
    }
  }

  /**
   * Returns whether a block becomes the head: more total difficulty wins, and between blocks
   * without any, the longer branch; the first one seen keeps its place.
   */
  private static boolean isBetter(
      KeyReader reader, Block block, UInt256 totalDifficulty, Block top) {
    UInt256 topDifficulty = ChainStore.totalDifficulty(reader, top.hash());
    int order = topDifficulty == null ? 1 : totalDifficulty.compareTo(topDifficulty);
    boolean longer = block.header().difficulty().isZero() && block.number() > top.number();
    return order > 0 || (order == 0 && longer);
  }

  private static UInt256 parentDifficultyOf(KeyReader reader, Block block) {
    UInt256 difficulty = ChainStore.totalDifficulty(reader, block.header().parentHash());
    return difficulty == null ? UInt256.ZERO : difficulty;
  }

  /** Collects the blocks to remove, highest first, and those to add, lowest first. */
  private static void findFork(
      KeyReader reader, Block top, Block block, List<Block> removed, Deque<Block> added) {
    Block old = top;
    Block young = block;
    while (!old.hash().equals(young.header().parentHash())) {
      if (old.number() >= young.number()) {
        removed.add(old);
        old = require(ChainStore.block(reader, old.header().parentHash()));
      } else {
        young = require(ChainStore.block(reader, young.header().parentHash()));
        added.addFirst(young);
      }
    }
  }

  private static Block require(@Nullable Block block) {
    if (block == null) {
      throw new StorageException("a block of a known branch is missing" + ChainStore.damaged());
    }
    return block;
  }

  private List<Receipt> execute(
      Overlay overlay, BlockExecutor execution, Block block, UInt256 totalDifficulty)
      throws InvalidBlockException {
    BlockExecutor.Outcome outcome;
    try (ReadAhead ahead = ReadAhead.start(overlay, block, workers)) {
      outcome =
          execution.execute(
              block,
              new States.Latest(overlay),
              changes -> new FlatState(new Overlay(overlay), workers).apply(changes, null));
    }
    Hash root = new FlatState(overlay, workers).apply(outcome.changes(), block.number());
    HeaderChecks.check("stateRoot", block.header().stateRoot(), root);
    ChainStore.putBlock(overlay, block, outcome.receipts(), totalDifficulty);
    ChainStore.putCanonical(overlay, block);
    return outcome.receipts();
  }

  private void tell(List<Block> removed, List<Block> added) {
    for (ChainListener listener : listeners.get()) {
      try {
        listener.headChanged(Collections.unmodifiableList(removed), added);
      } catch (RuntimeException failure) {
        LOG.warn("{} failed on a new head: {}", listener.getClass().getName(), failure.toString());
      }
    }
  }
}
