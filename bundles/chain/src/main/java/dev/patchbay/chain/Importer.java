// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.HeaderRules;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Listeners;
import dev.patchbay.chain.ExecutedBlocks.ExecutedBlock;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes blocks in and moves the head. A block is executed once, on the state after its parent, and
 * what it does lies beside the chain ({@link ExecutedBlocks}) until the head moves to it.
 *
 * <p>Threading: any thread; all that changes happens under the import lock.
 */
final class Importer implements BlockImporter, ForkChoice {
  private static final Logger LOG = LoggerFactory.getLogger(Importer.class);

  /** How far a branch may be from the head to be executed before the head moves to it. */
  private static final int MOST_UNDONE = 128;

  /** How many blocks of a branch that were forgotten are executed again for one more. */
  private static final int MOST_AGAIN = 64;

  /**
   * How many blocks a fork choice update removes, or adds, in one batch, which bounds its memory.
   * They are valid, all of them: a longer way takes several batches.
   */
  private static final int MOST_AT_ONCE = 64;

  private static final long RECOVERY_PAUSE_NANOS = 1_000_000_000L;

  private final Chain chain;
  private final ReentrantLock imports;
  private final Supplier<@Nullable BlockExecutor> executor;
  private final Listeners<ChainListener> listeners;
  private final TrieWorkers workers;
  private final BadBlocks bad;
  private final ExecutedBlocks executedBlocks = new ExecutedBlocks();
  private final Failures recovering =
      new Failures("reading the head from the store after an error", LOG::warn, LOG::info);
  private final Failures afterwards =
      new Failures("keeping what a new head changes", LOG::warn, LOG::info);
  private volatile long recoverAt = System.nanoTime();

  Importer(
      Chain chain,
      ReentrantLock imports,
      Supplier<@Nullable BlockExecutor> executor,
      Listeners<ChainListener> listeners,
      TrieWorkers workers,
      BadBlocks bad) {
    this.chain = chain;
    this.imports = imports;
    this.executor = executor;
    this.listeners = listeners;
    this.workers = workers;
    this.bad = bad;
    chain.onStale(this::recover);
  }

  /**
   * Reads the head from the store again after an error. Does nothing while another thread holds the
   * import lock, and for a second after an attempt that failed.
   */
  private void recover() {
    if (System.nanoTime() - recoverAt < 0 || !imports.tryLock()) {
      return;
    }
    try (StoreLease lease = chain.storage().lease()) {
      executedBlocks.clear();
      Block before = chain.reload(lease.get());
      recovering.succeeded();
      notifyOfReload(lease.get(), before, chain.head());
    } catch (StorageUnavailableException unavailable) {
      LOG.debug("the head is read again later: {}", unavailable.getMessage());
    } catch (Throwable failure) {
      recovering.failed(failure);
      recoverAt = System.nanoTime() + RECOVERY_PAUSE_NANOS;
    } finally {
      imports.unlock();
    }
  }

  /** Notifies listeners of a head that was written before an error and read after it. */
  private void notifyOfReload(KeyReader store, @Nullable Block before, Block now) {
    if (before == null || before.equals(now)) {
      return;
    }
    List<Block> removed = new ArrayList<>();
    Block old = before; // the canonical blocks of the store are those up to the head now
    while (!old.hash().equals(ChainStore.canonical(store, old.number()))) {
      removed.add(old);
      old = stored(store, old.header().parentHash());
    }
    List<Block> added = new ArrayList<>();
    for (long number = old.number() + 1; number <= now.number(); number++) {
      added.add(stored(store, required(ChainStore.canonical(store, number))));
    }
    listeners.forEach(listener -> listener.headChanged(removed, added, removed.size()));
  }

  /** Forgets what lies beside the chain of another store. */
  void forget() {
    executedBlocks.clear();
  }

  @Override
  public boolean isImporting() {
    return imports.isLocked() && !imports.isHeldByCurrentThread();
  }

  // ---- blocks come in

  @Override
  public ImportResult importBlock(Block block) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return insert(lease.get(), block);
    } catch (RefusedException refused) {
      bad.show(refused.block, refused.reason());
      return new ImportResult.Invalid(refused.reason());
    } finally {
      imports.unlock();
    }
  }

  private ImportResult insert(KeyValueStore store, Block block) throws RefusedException {
    Block top = chain.head();
    UInt256 known = ChainStore.totalDifficulty(store, block.hash());
    if (known != null
        && (block.hash().equals(ChainStore.canonical(store, block.number()))
            || !isBetter(store, block, known, top))) {
      return new ImportResult.Known();
    }
    BlockHeader parent = ChainStore.header(store, block.header().parentHash());
    if (parent == null) {
      return new ImportResult.UnknownParent();
    }
    verify(block, parent);
    Way way = wayTo(store, top, block);
    chain.requireHistory(way.fork());
    Execution execution = execute(store, way);
    if (way.removed() > 0 && !isBetter(store, block, difficulty(store, block), top)) {
      keepBeside(store, block);
      return new ImportResult.Imported(false);
    }
    moveHead(store, way, execution, new Writes(), way.removed());
    return new ImportResult.Imported(true);
  }

  @Override
  public PayloadStatus validate(Block block) {
    return validate(block, null);
  }

  @Override
  public PayloadStatus validate(Block block, List<Receipt> receipts, StateChanges changes) {
    return validate(block, new Outcome(receipts, changes));
  }

  private PayloadStatus validate(Block block, @Nullable Outcome known) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return validate(lease.get(), block, known);
    } catch (RefusedException refused) {
      BadBlocks.Verdict verdict = refuse(refused);
      return new PayloadStatus.Invalid(verdict.latestValid(), verdict.reason());
    } finally {
      imports.unlock();
    }
  }

  private PayloadStatus validate(KeyValueStore store, Block block, @Nullable Outcome known)
      throws RefusedException {
    if (ChainStore.totalDifficulty(store, block.hash()) != null) {
      return new PayloadStatus.Valid();
    }
    BadBlocks.Verdict verdict = bad.find(block.hash());
    if (verdict == null) {
      verdict = bad.find(block.header().parentHash());
      if (verdict != null) {
        bad.add(block.hash(), verdict); // what builds on this one is refused, too
      }
    }
    if (verdict != null) {
      return new PayloadStatus.Invalid(verdict.latestValid(), verdict.reason());
    }
    BlockHeader parent = ChainStore.header(store, block.header().parentHash());
    if (parent == null) {
      return new PayloadStatus.Syncing();
    }
    verify(block, parent);
    Way way = shortWayTo(store, chain.head(), block);
    if (way == null || !chain.hasHistory(way.fork())) {
      return new PayloadStatus.Accepted();
    }
    execute(store, way, known);
    keepBeside(store, block);
    return new PayloadStatus.Valid();
  }

  private BadBlocks.Verdict refuse(RefusedException refused) {
    Block block = refused.block;
    LOG.warn("block {} is not valid: {}", block, refused.reason());
    BlockHeader parent = chain.header(block.header().parentHash());
    boolean work = parent == null || !parent.difficulty().isZero();
    BadBlocks.Verdict verdict =
        new BadBlocks.Verdict(work ? Hash.ZERO : block.header().parentHash(), refused.reason());
    bad.add(block.hash(), verdict);
    bad.show(block, refused.reason());
    return verdict;
  }

  private void keepBeside(KeyValueStore store, Block block) {
    Writes writes = new Writes();
    ChainStore.putSideBlock(writes, block, difficulty(store, block));
    chain.storage().write(writes.toBatch());
  }

  /** A block breaks a rule, be it the one that was asked for or one on the way to it. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Block block;

    RefusedException(Block block, InvalidBlockException why) {
      super(why.getMessage(), null, false, false);
      this.block = block;
    }

    String reason() {
      return String.valueOf(getMessage());
    }
  }

  private void verify(Block block, BlockHeader parent) throws RefusedException {
    ConsensusRules consensus = chain.rules();
    try {
      HeaderChecks.verify(block.header(), parent, consensus, chain.config());
      consensus.verifyHeader(block.header(), parent, chain, chain.config());
      HeaderChecks.verifyBody(block, consensus, chain.config());
      consensus.verifyOmmers(block, chain, chain.config());
      for (BlockHeader ommer : block.ommers()) {
        BlockHeader before = chain.header(ommer.parentHash());
        if (before == null) {
          throw new InvalidBlockException(
              "ommer " + ommer.computeHash() + " has an unknown parent " + ommer.parentHash());
        }
        HeaderChecks.verify(ommer, before, consensus, chain.config());
        consensus.verifyHeader(ommer, before, chain, chain.config());
      }
    } catch (InvalidBlockException broken) {
      throw new RefusedException(block, broken);
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

  private static UInt256 difficulty(KeyReader reader, Block block) {
    UInt256 before = ChainStore.totalDifficulty(reader, block.header().parentHash());
    return (before == null ? UInt256.ZERO : before).add(block.header().difficulty());
  }

  // ---- the head moves

  @Override
  public Block setHead(long number) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      KeyValueStore store = lease.get();
      Block top = chain.head();
      Block block = chain.block(number);
      if (block == null) {
        throw new IllegalArgumentException(
            "block " + number + " is not in the chain, whose head is " + top.number());
      }
      if (number < top.number()) {
        chain.requireHistory(number);
        Way way = wayTo(store, top, block);
        Way rest = rewind(store, way);
        moveHead(store, rest, undone(store, rest), new Writes(), way.removed());
      }
      return block;
    } finally {
      imports.unlock();
    }
  }

  @Override
  public Result update(Hash head, Hash safe, Hash finalized) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return update(lease.get(), head, safe, finalized);
    } catch (RefusedException refused) {
      BadBlocks.Verdict verdict = refuse(refused);
      return new Result.Invalid(verdict.latestValid(), verdict.reason());
    } finally {
      imports.unlock();
    }
  }

  /** Returns a block that is known; one that was executed lately without reading it. */
  private @Nullable Block find(KeyReader store, Hash hash, Block top) {
    if (hash.equals(top.hash())) {
      return top;
    }
    ExecutedBlock executed = executedBlocks.get(hash);
    return executed == null ? ChainStore.block(store, hash) : executed.block();
  }

  private Result update(KeyValueStore store, Hash head, Hash safe, Hash finalized)
      throws RefusedException {
    Block top = chain.head();
    Block block = find(store, head, top);
    if (block == null) {
      BadBlocks.Verdict verdict = bad.find(head);
      return verdict == null
          ? new Result.Syncing()
          : new Result.Invalid(verdict.latestValid(), verdict.reason());
    }
    HeaderRules rules = chain.rules();
    try {
      rules.verifyHead(block.header(), chain, chain.config());
    } catch (InvalidBlockException invalid) {
      return new Result.Invalid(Hash.ZERO, String.valueOf(invalid.getMessage()));
    }
    long back = top.number() - block.number();
    if (back > 0 && head.equals(ChainStore.canonical(store, block.number()))) {
      Block done = chain.finalized();
      if (done != null && block.number() < done.number()) {
        return new Result.Skipped();
      }
      if (back > rules.maxReorgDepth()) {
        return new Result.TooDeep(
            "the head would go back by " + back + " blocks, at most " + rules.maxReorgDepth());
      }
    }
    Way way = wayTo(store, top, block);
    if (!chain.hasHistory(way.fork())) {
      return new Result.TooDeep(
          "the head would go back to block "
              + way.fork()
              + ", states are available from block "
              + chain.history().oldestBlock()
              + " on");
    }
    Writes marks = new Writes();
    if (!mark(store, way, marks, Keys.SAFE, safe)) {
      return new Result.Inconsistent("the safe block " + safe + " is not in the chain of the head");
    }
    if (!mark(store, way, marks, Keys.FINALIZED, finalized)) {
      return new Result.Inconsistent(
          "the finalized block " + finalized + " is not in the chain of the head");
    }
    if (!head.equals(top.hash())) {
      reorganize(store, way, marks);
      LOG.info(
          "block {} {} with {} transactions, {} gas",
          block.number(),
          block.hash(),
          block.transactions().size(),
          block.header().gasUsed());
    } else {
      WriteBatch batch = marks.toBatch();
      if (!batch.entries().isEmpty()) {
        chain.storage().write(batch);
      }
    }
    return new Result.Updated(block);
  }

  /**
   * Goes a way in batches. When that fails, the head goes back to where it was: a fork choice that
   * fails changes nothing. Only when that fails as well, the head is that of the last batch.
   */
  private void reorganize(KeyValueStore store, Way way, Writes marks) throws RefusedException {
    if (way.removed() > MOST_AT_ONCE && !way.added.isEmpty()) {
      tryFirst(store, way);
    }
    try {
      follow(store, way, marks);
    } catch (Throwable failure) { // also an error of a bundle that is exchanged
      if (!way.added.isEmpty()) {
        restore(store, way.top);
      }
      throw failure;
    }
  }

  /**
   * Executes the first block that a way adds on the state at the fork, which the history gives
   * without the memory for an overlay. A missing executor or EVM shows before the head moves.
   */
  private void tryFirst(KeyReader store, Way way) throws RefusedException {
    Block first = stored(store, way.added.get(0));
    Hash fork = first.header().parentHash();
    try (StateReader state = required(chain.stateAfter(fork))) {
      readyExecutor().execute(first, state, changes -> chain.rootAfter(fork, changes));
    } catch (InvalidBlockException broken) {
      throw new RefusedException(first, broken);
    }
  }

  private void follow(KeyValueStore store, Way way, Writes marks) throws RefusedException {
    long depth = way.removed();
    Way rest = rewind(store, way);
    while (rest.added.size() > MOST_AT_ONCE) {
      Block next = stored(store, rest.added.get(MOST_AT_ONCE - 1));
      Way first = new Way(rest.top, rest.added.subList(0, MOST_AT_ONCE), rest.fork, next);
      moveHead(store, first, execute(store, first), new Writes(), depth);
      rest = wayTo(store, next, way.target);
    }
    moveHead(store, rest, execute(store, rest), marks, depth);
  }

  /** Moves the head to a block that it was at before, when it is at another one. */
  private void restore(KeyValueStore store, Block before) {
    try {
      Block now = chain.head();
      if (!now.hash().equals(before.hash())) {
        LOG.warn("a fork choice failed: the head moves from {} to {} again", now, before);
        follow(store, wayTo(store, now, before), new Writes());
      }
    } catch (Throwable failure) { // the caller throws the first failure
      LOG.error("the head does not move to {} again: {}", before, failure.toString(), failure);
    }
  }

  /** Notes a block that a consensus client names; returns whether it is on the way's chain. */
  private static boolean mark(KeyReader reader, Way way, Writes marks, byte[] key, Hash hash) {
    if (hash.equals(Hash.ZERO)) {
      return true;
    }
    Long number = ChainStore.canonicalNumber(reader, hash);
    boolean stays = number != null && number <= way.fork();
    if (!stays && !way.added.contains(hash)) {
      return false;
    }
    byte[] before = reader.get(Columns.META, key);
    if (before == null || !hash.equals(Hash.of(before))) {
      marks.put(Columns.META, key, hash.toArray());
    }
    return true;
  }

  /**
   * What lies between the head and a block.
   *
   * @param top the head: the blocks from it down to the fork are removed
   * @param added hashes of the blocks to add, lowest first
   * @param fork number of the block that both have in common
   * @param target the block, which may not be stored yet
   */
  private record Way(Block top, List<Hash> added, long fork, Block target) {
    /** Returns how many blocks are removed. */
    long removed() {
      return top.number() - fork;
    }
  }

  /** What is needed to go a way: the state at the fork, and what each block of it does. */
  private record Execution(Overlay atFork, List<ExecutedBlock> blocks) {}

  private Way wayTo(KeyReader reader, Block top, Block target) {
    Way way = wayTo(reader, top, target, Integer.MAX_VALUE, Integer.MAX_VALUE);
    if (way == null) {
      throw new IllegalStateException("no way from " + top + " to " + target);
    }
    return way;
  }

  private @Nullable Way shortWayTo(KeyReader reader, Block top, Block target) {
    return wayTo(reader, top, target, MOST_UNDONE, MOST_AGAIN);
  }

  /** Returns null when too many blocks are to be removed, or to be executed again. */
  private @Nullable Way wayTo(
      KeyReader reader, Block top, Block target, int mostRemoved, int mostExecuted) {
    Deque<Hash> added = new ArrayDeque<>();
    BlockHeader young = target.header();
    Hash youngHash = target.hash();
    int unknown = 0;
    while (young.number() > top.number()
        || !youngHash.equals(ChainStore.canonical(reader, young.number()))) {
      added.addFirst(youngHash);
      unknown += executedBlocks.get(youngHash) == null ? 1 : 0;
      youngHash = young.parentHash();
      young = header(reader, youngHash);
      if (top.number() - young.number() > mostRemoved || unknown > mostExecuted) {
        return null;
      }
    }
    return new Way(top, List.copyOf(added), young.number(), target);
  }

  /** Returns the blocks that a way removes, highest first. */
  private static List<Block> removed(KeyReader reader, Way way) {
    List<Block> out = new ArrayList<>();
    for (Block old = way.top; old.number() > way.fork; ) {
      out.add(old);
      old = stored(reader, old.header().parentHash());
    }
    return out;
  }

  /**
   * Sets the head back to ancestors, {@link #MOST_AT_ONCE} blocks in each batch, until the rest of
   * a way fits into one batch. A node that ends in between opens with the head of the last batch.
   */
  private Way rewind(KeyValueStore store, Way way) {
    Way rest = way;
    while (rest.removed() > MOST_AT_ONCE) {
      long number = rest.top.number() - MOST_AT_ONCE;
      Block next = stored(store, required(ChainStore.canonical(store, number)));
      Way step = new Way(rest.top, List.of(), number, next);
      moveHead(store, step, undone(store, step), new Writes(), way.removed());
      rest = new Way(next, rest.added, rest.fork, rest.target);
    }
    return rest;
  }

  private static Block stored(KeyReader reader, Hash hash) {
    return required(ChainStore.block(reader, hash));
  }

  private static BlockHeader header(KeyReader reader, Hash hash) {
    return required(ChainStore.header(reader, hash));
  }

  private static <T> T required(@Nullable T part) {
    if (part == null) {
      throw new StorageException("a block of a known branch is missing" + ChainStore.damaged());
    }
    return part;
  }

  /** Goes back to the fork of a way, no further. */
  private Execution undone(KeyValueStore store, Way way) {
    Overlay atFork = new Overlay(chain.stateOfHead(store));
    FlatState state = new FlatState(atFork, workers);
    for (long number = way.top.number(); number > way.fork; number--) {
      state.unwind(number);
    }
    return new Execution(atFork, List.of());
  }

  private Execution execute(KeyValueStore store, Way way) throws RefusedException {
    return execute(store, way, null);
  }

  /**
   * Executes what is not executed yet of a way.
   *
   * @param known what the last block of it does; null when that is to be found out
   */
  private Execution execute(KeyValueStore store, Way way, @Nullable Outcome known)
      throws RefusedException {
    Overlay atFork = undone(store, way).atFork;
    KeyReader base = way.removed() == 0 ? chain.stateOfHead(store) : atFork;
    List<ExecutedBlock> blocks = new ArrayList<>();
    for (Hash next : way.added) {
      ExecutedBlock executed = executedBlocks.get(next);
      if (executed == null) {
        boolean last = next.equals(way.target.hash());
        executed = execute(base, last ? way.target : stored(store, next), last ? known : null);
        executedBlocks.add(executed);
      }
      blocks.add(executed);
      base = executed.writes().over(base);
    }
    return new Execution(atFork, blocks);
  }

  /** What a block does. */
  private record Outcome(List<Receipt> receipts, StateChanges changes) {}

  private ExecutedBlock execute(KeyReader base, Block block, @Nullable Outcome known)
      throws RefusedException {
    Overlay overlay = new Overlay(base);
    try {
      Outcome outcome = known == null ? execute(overlay, block) : known;
      Hash root = new FlatState(overlay, workers).apply(outcome.changes, block.number());
      BlockHeader header = block.header();
      InvalidBlockException.check("stateRoot", header.stateRoot(), root);
      Address withdrawals = chain.rules().withdrawalsRootAccount(header, chain.config());
      if (withdrawals != null) {
        Hash of = FlatState.storageRoot(overlay, withdrawals);
        InvalidBlockException.check("withdrawalsRoot", header.withdrawalsRoot(), of);
      }
      ChainStore.putReceipts(overlay.writes(), block, outcome.receipts);
      return new ExecutedBlock(block, outcome.receipts, overlay.writes());
    } catch (InvalidBlockException broken) {
      throw new RefusedException(block, broken);
    }
  }

  private Outcome execute(Overlay overlay, Block block) throws InvalidBlockException {
    BlockExecutor execution = readyExecutor();
    try (ReadAhead ahead = ReadAhead.start(overlay, block, workers)) {
      BlockExecutor.Outcome outcome =
          execution.execute(
              block, new States.Latest(overlay), new FlatState(overlay, workers)::rootAfter);
      return new Outcome(outcome.receipts(), outcome.changes());
    }
  }

  private BlockExecutor readyExecutor() {
    BlockExecutor execution = executor.get();
    if (execution == null) {
      throw new NotReadyException("no block executor is installed");
    }
    return execution;
  }

  /**
   * Goes a way, in one batch, which has {@code marks} besides.
   *
   * @param depth how many blocks all batches of the head's move remove
   */
  private void moveHead(
      KeyValueStore store, Way way, Execution execution, Writes marks, long depth) {
    Block target = way.target;
    Overlay overlay = execution.atFork;
    List<Block> removed = removed(store, way);
    removed.forEach(gone -> ChainStore.removeCanonical(overlay.writes(), gone));
    boolean alone = removed.isEmpty() && execution.blocks.size() == 1;
    Writes writes = alone ? execution.blocks.get(0).writes() : overlay.writes();
    for (ExecutedBlock executed : execution.blocks) {
      Block block = executed.block();
      executedBlocks.remove(block.hash());
      if (!alone) {
        writes.addAll(executed.writes());
      }
      ChainStore.putCanonical(writes, block);
      if (ChainStore.totalDifficulty(store, block.hash()) == null) {
        ChainStore.putSideBlock(writes, block, difficulty(new Overlay(store, writes), block));
      }
    }
    writes.addAll(marks);
    List<Block> added = execution.blocks.stream().map(ExecutedBlock::block).toList();
    chain.moveHead(store, writes, target, way.fork, !removed.isEmpty());
    // the head has moved: nothing from here on may fail the import
    afterwards.run(() -> noteMove(execution, removed, added, target));
    listeners.forEach(listener -> listener.headChanged(removed, added, depth));
  }

  private void noteMove(Execution execution, List<Block> removed, List<Block> added, Block target) {
    execution.blocks.forEach(executed -> chain.remember(executed.block(), executed.receipts()));
    if (added.isEmpty()) {
      LOG.info("head set back by {} blocks to {}", removed.size(), target);
    } else if (!removed.isEmpty()) {
      LOG.info(
          "reorganisation: {} blocks removed, {} added, head is {}",
          removed.size(),
          added.size(),
          target);
    }
  }
}
