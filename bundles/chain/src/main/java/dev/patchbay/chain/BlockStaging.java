// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.binding.Listeners;
import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.chain.StagedBlocks.Segment;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the chain to a head that a consensus client has named and that the chain lacks: stages the
 * blocks before it, and imports them.
 *
 * <p>Threading: any thread; changes happen under the import lock.
 */
final class BlockStaging implements BlockStage {
  private static final Logger LOG = LoggerFactory.getLogger(BlockStaging.class);

  private final Chain chain;
  private final ReentrantLock imports;
  private final BlockVerifier verifier;
  private final BlockProcessor processor;
  private final CanonicalWriter writer;
  private final BadBlocks bad;
  private final Listeners<ChainListener> listeners;
  private final StagedBlocks staged;

  /** Blocks of a branch, from its head down, that are searched for the safe and finalized one. */
  int maxSearched = 8_192;

  private final UnlinkedPayloads payloads = new UnlinkedPayloads();

  /** The head that was named last when the chain lacks it. */
  private volatile @Nullable Hash head;

  /**
   * A head that was named before it, and whose blocks can be imported while headers of the later
   * one are missing.
   */
  private volatile @Nullable Hash previous;

  /** What was named with the head; under the import lock. */
  private FinalityTags tags = new FinalityTags(Hash.ZERO, Hash.ZERO);

  /** Whether the branch of the head was searched for these; under the import lock. */
  private boolean tagsChecked;

  /**
   * Why the chain does not go to a head.
   *
   * @param tags what was named with it; null when that does not matter
   */
  private record Refusal(Hash head, @Nullable FinalityTags tags, ForkChoice.Result result) {}

  /** The latest one; under the import lock. */
  private @Nullable Refusal refusal;

  /**
   * A reorg that takes several holds of the import lock.
   *
   * @param before the head before it
   * @param rest what is left of it, from the head that it has reached
   * @param depth how many blocks it removes
   */
  private record LongReorg(Block before, Reorg rest, long depth) {
    boolean goesTo(Block block) {
      return rest.target().hash().equals(block.hash());
    }
  }

  /** The reorg under way; written under the import lock. */
  private volatile @Nullable LongReorg longReorg;

  BlockStaging(
      Chain chain,
      ReentrantLock imports,
      BlockProcessor processor,
      CanonicalWriter writer,
      BadBlocks bad,
      Listeners<ChainListener> listeners) {
    this.chain = chain;
    this.imports = imports;
    this.verifier = new BlockVerifier(chain);
    this.processor = processor;
    this.writer = writer;
    this.bad = bad;
    this.listeners = listeners;
    this.staged = new StagedBlocks(chain);
  }

  // ---- of a consensus client, under the import lock

  /** Notes a block whose parent is missing. */
  void addPayload(Block block) {
    payloads.add(block);
  }

  /** Returns why the chain does not go to a head that it lacks; null when nothing is known. */
  ForkChoice.@Nullable Result refused(Hash named, FinalityTags with) {
    Refusal known = refusal;
    return known == null
            || !known.head.equals(named)
            || known.tags != null && !known.tags.equals(with)
        ? null
        : known.result;
  }

  /**
   * Notes that a head is named which the chain lacks.
   *
   * @param with what is named with it
   */
  void request(KeyReader store, Hash named, FinalityTags with) {
    tagsChecked &= named.equals(head) && with.equals(tags);
    tags = with;
    List<BlockHeader> run = payloadsUpTo(store, named);
    Hash before = head;
    Segment segment = before == null ? null : StagedBlocks.of(store, before);
    if (segment != null && !named.equals(before) && StagedBlocks.isLinked(store, segment)) {
      previous = before;
    }
    head = named;
    if (!run.isEmpty() && !isRejected(store, named, run)) {
      staged.place(store, run, payloads::get);
      requireGenesis(store, named);
    }
    listeners.forEach(ChainListener::headRequested);
  }

  /** Rejects a head when one of its ancestors is rejected; returns whether that is so. */
  private boolean isRejected(KeyReader store, Hash named, List<BlockHeader> ancestors) {
    Rejection rejected = bad.peek(ancestors.get(0).computeHash());
    for (int i = 0; i < ancestors.size() && rejected == null; i++) {
      rejected = bad.peek(ancestors.get(i).parentHash()); // the hash of the next one
    }
    if (rejected != null) {
      reject(store, named, rejected);
    }
    return rejected != null;
  }

  /** Rejects a head whose branch goes down to block 1 and not to the genesis block. */
  private void requireGenesis(KeyReader store, Hash named) {
    Segment segment = StagedBlocks.of(store, named);
    if (segment != null
        && segment.low() <= 1
        && ChainStore.header(store, segment.parent()) == null) {
      reject(store, named, new Rejection(null, "its chain has another genesis block"));
    }
  }

  /** Returns the headers of the blocks up to a head that were handed over, downwards. */
  private List<BlockHeader> payloadsUpTo(KeyReader store, Hash named) {
    List<BlockHeader> run = new ArrayList<>();
    Hash next = named;
    Block block = payloads.get(next);
    while (block != null
        && StagedBlocks.of(store, next) == null
        && ChainStore.header(store, next) == null
        && (run.isEmpty() || block.number() == run.get(run.size() - 1).number() - 1)) {
      run.add(block.header());
      next = block.header().parentHash();
      block = payloads.get(next);
    }
    return run;
  }

  /** Notes that the chain has the head which was named last, or that it is invalid. */
  void settle() {
    head = null;
    previous = null;
    payloads.removeUpTo(chain.head().number());
  }

  /** Notes that the client has moved the head: a reorg to another one is over. */
  void headMoved() {
    longReorg = null;
  }

  // ---- the download

  @Override
  public @Nullable Wanted wanted() {
    Hash named = head;
    if (named == null) {
      return null;
    }
    try (StoreLease lease = chain.storage().lease()) {
      return wanted(lease.get(), named);
    }
  }

  private static Wanted wanted(KeyReader store, Hash named) {
    Segment segment = StagedBlocks.of(store, named);
    if (segment == null) {
      return new Wanted(named, 0, 0, named);
    }
    boolean isLinked = StagedBlocks.isLinked(store, segment);
    return new Wanted(named, segment.low(), segment.high(), isLinked ? null : segment.parent());
  }

  @Override
  public @Nullable Linked linked() {
    Hash named = head;
    if (named == null) {
      return null;
    }
    try (StoreLease lease = chain.storage().lease()) {
      Segment segment = importable(lease.get(), named);
      return segment == null || !StagedBlocks.isLinked(lease.get(), segment)
          ? null
          : new Linked(segment.low(), segment.high());
    }
  }

  /**
   * Returns the segment whose blocks can be imported; when there is none, that of the head, or null
   * when its header is missing.
   */
  private @Nullable Segment importable(KeyReader store, Hash named) {
    Segment own = StagedBlocks.of(store, named);
    if (own != null && StagedBlocks.isLinked(store, own)) {
      return own;
    }
    Hash before = previous;
    Segment other = before == null ? null : StagedBlocks.find(store, before);
    return other != null && StagedBlocks.isLinked(store, other) ? other : own;
  }

  @Override
  public void addHeaders(List<BlockHeader> added) {
    List<BlockHeader> headers = inSequence(added);
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      KeyValueStore store = lease.get();
      Hash named = head;
      if (named == null || headers.isEmpty()) {
        return;
      }
      BlockHeader first = headers.get(0);
      Wanted wanted = wanted(store, named);
      if (!first.computeHash().equals(wanted.missing())) {
        return;
      }
      boolean isHead = named.equals(wanted.missing());
      if (isRejected(store, named, headers)) {
        return;
      }
      if (!isHead && first.number() != wanted.lowest() - 1) {
        String reason =
            "number: block " + wanted.lowest() + " has a parent with number " + first.number();
        reject(store, named, new Rejection(null, reason));
        return;
      }
      if (!isHead) {
        staged.extend(store, headers);
      } else {
        staged.place(store, List.of(first), hash -> null);
        wanted = wanted(store, named);
        List<BlockHeader> rest = headers.subList(1, headers.size());
        if (!rest.isEmpty() && rest.get(0).computeHash().equals(wanted.missing())) {
          staged.extend(store, rest);
        }
      }
      requireGenesis(store, named);
    } finally {
      imports.unlock();
    }
  }

  /**
   * Returns those before the first whose number is not one less than that of its child, less a
   * genesis block: this chain's is not missing, and another one is the first of the next call.
   */
  private static List<BlockHeader> inSequence(List<BlockHeader> headers) {
    int count = Math.min(1, headers.size());
    for (int i = 1; i < headers.size(); i++) {
      BlockHeader child = headers.get(i - 1);
      BlockHeader parent = headers.get(i);
      if (!parent.computeHash().equals(child.parentHash())) {
        throw new IllegalArgumentException(
            "header " + parent.number() + " is not the parent of header " + child.number());
      }
      if (count == i && parent.number() == child.number() - 1 && parent.number() > 0) {
        count++;
      }
    }
    return headers.subList(0, count);
  }

  /** Notes that a head is invalid. */
  private void reject(KeyReader store, Hash named, Rejection rejection) {
    bad.add(named, rejection);
    staged.clear(store);
    settle();
  }

  @Override
  public List<Staged> blocks(long from, int max) {
    Hash named = head;
    if (named == null) {
      return List.of();
    }
    try (StoreLease lease = chain.storage().lease()) {
      Segment segment = importable(lease.get(), named);
      return segment == null ? List.of() : StagedBlocks.blocks(lease.get(), segment, from, max);
    }
  }

  @Override
  public void addBodies(List<Block> blocks) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      Hash named = head;
      Segment segment = named == null ? null : importable(lease.get(), named);
      if (segment != null) {
        WriteSet writes = new WriteSet();
        blocks.forEach(block -> StagedBlocks.putBody(lease.get(), writes, segment, block));
        chain.storage().write(writes.toBatch());
      }
    } finally {
      imports.unlock();
    }
  }

  @Override
  public boolean deleteObsolete() {
    try (StoreLease lease = chain.storage().lease()) {
      if (StagedBlocks.obsolete(lease.get()).isEmpty()) {
        return false; // without the lock, which an import may hold for long
      }
    }
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return staged.deleteObsolete(lease.get());
    } finally {
      imports.unlock();
    }
  }

  /** Returns how blocks are stored; for tests. */
  StagedBlocks staged() {
    return staged;
  }

  // ---- the import

  @Override
  public ImportResult importBlock(Block block) {
    try {
      ImportResult result = importOrAdvance(block);
      while (result == null) { // others get the lock in between
        result = importOrAdvance(block);
      }
      goBack();
      return result;
    } catch (NotReadyException | StorageUnavailableException replaced) {
      throw replaced; // the next call continues
    } catch (Throwable failure) {
      goBack();
      throw failure;
    }
  }

  /** Imports a block; returns null when that takes a long reorg, which has advanced by a batch. */
  private @Nullable ImportResult importOrAdvance(Block block) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      KeyValueStore store = lease.get();
      Hash named = head;
      Segment segment = named == null ? null : importable(store, named);
      if (named == null || segment == null || !StagedBlocks.isLowest(store, segment, block)) {
        return new ImportResult.Known();
      }
      Rejection rejected = rejection(block);
      if (rejected == null) {
        try {
          return insert(store, segment, block, block.hash().equals(named));
        } catch (InvalidBranchException invalid) {
          FutureBlockException future = invalid.future();
          if (future != null) {
            return new ImportResult.TooEarly(future.timestamp());
          }
          rejected = bad.reject(invalid, chain);
        }
      }
      if (segment.highHash().equals(named)) {
        reject(store, named, rejected);
      } else { // the branch of the head is not known yet
        bad.add(segment.highHash(), rejected);
        staged.remove(store, segment);
      }
      return new ImportResult.Invalid(rejected.reason());
    } finally {
      imports.unlock();
    }
  }

  private @Nullable Rejection rejection(Block block) {
    Rejection rejected = bad.find(block.hash());
    return rejected == null ? bad.find(block.header().parentHash()) : rejected;
  }

  private @Nullable ImportResult insert(
      KeyValueStore store, Segment segment, Block block, boolean isHead)
      throws InvalidBranchException {
    BlockHeader parent = ChainStore.header(store, segment.parent());
    if (parent == null) {
      return new ImportResult.UnknownParent();
    }
    staged.removeBelow(store, segment);
    Block before = chain.head();
    boolean isOnCanonical = segment.parent().equals(ChainStore.canonical(store, parent.number()));
    if (isOnCanonical && !chain.pruner().canUnwindTo(parent.number())) {
      return refuse(store, segment, "block " + parent.number());
    }
    boolean isStored = ChainStore.totalDifficulty(store, block.hash()) != null;
    boolean isCanonical = block.hash().equals(ChainStore.canonical(store, block.number()));
    if (!isStored) {
      verifier.verify(block, parent);
    }
    WriteSet writes = StagedBlocks.removal(store, segment, block);
    if (!isCanonical && (isHead || block.number() > before.number())) {
      if (isHead) {
        verifyHead(block);
      }
      LongReorg current = underWay();
      Reorg reorg =
          current != null && current.goesTo(block)
              ? current.rest // as its plan reads each block of the branch
              : processor.planner().plan(store, before, block);
      if (reorg == null) {
        return refuse(store, segment, "below an ancestor that has been pruned");
      }
      if (!chain.pruner().canUnwindTo(reorg.commonAncestor())) {
        return refuse(store, segment, "block " + reorg.commonAncestor());
      }
      ImportResult refused = checkTags(store, segment, reorg);
      if (refused != null) {
        return refused;
      }
      if (CanonicalWriter.isLong(reorg)) {
        advance(store, reorg);
        return null;
      }
      if (isHead && tags.findOutside(tag -> FinalityTags.isInChain(store, reorg, tag)) != null) {
        storeSideBlock(store, block, isStored, writes); // the next fork choice says why
      } else {
        if (isHead) {
          tags.putInto(store, writes);
        }
        writer.reorganize(store, reorg, writes);
        longReorg = null;
      }
    } else {
      storeSideBlock(store, block, isStored, writes);
    }
    if (isHead) {
      settle();
    }
    return isStored
        ? new ImportResult.Known()
        : new ImportResult.Imported(chain.head().hash().equals(block.hash()));
  }

  private void storeSideBlock(KeyValueStore store, Block block, boolean isStored, WriteSet writes)
      throws InvalidBranchException {
    if (!isStored) {
      boolean executed = processor.executeSideBlock(store, chain.head(), block, null);
      writer.storeSideBlock(store, block, executed);
    }
    chain.storage().write(writes.toBatch());
  }

  /**
   * Returns why a branch must not become the chain: it lacks a block that was named as safe or
   * finalized, or it replaces one before its own head is known. Null when it may, or when such a
   * block may be far below the head: the last block is compared again.
   */
  private @Nullable ImportResult checkTags(KeyReader store, Segment segment, Reorg reorg) {
    if (!segment.highHash().equals(head)) {
      if (!tags.areRemoved(store, reorg)) {
        return null;
      }
      previous = null;
      return new ImportResult.UnknownParent();
    }
    if (tagsChecked) {
      return null;
    }
    String outside =
        tags.findOutside(
            tag ->
                FinalityTags.isInChain(store, reorg, tag)
                    || !Boolean.FALSE.equals(
                        StagedBlocks.contains(store, segment, tag, maxSearched)));
    tagsChecked = outside == null;
    if (outside == null) {
      return null;
    }
    refusal = new Refusal(segment.highHash(), tags, new ForkChoice.Result.Inconsistent(outside));
    settle();
    return new ImportResult.Invalid(outside);
  }

  /** Applies the next batch of a long reorg. */
  private void advance(KeyValueStore store, Reorg reorg) throws InvalidBranchException {
    LongReorg current = underWay();
    if (current == null) {
      processor.requireNotRejected(reorg);
      current = new LongReorg(reorg.head(), reorg, reorg.depth());
      if (CanonicalWriter.isDeep(reorg)) {
        processor.executeFirst(store, reorg);
      }
    }
    Reorg rest = writer.applyBatch(store, reorg, current.depth);
    longReorg = new LongReorg(current.before, rest, current.depth);
  }

  /** Returns the long reorg; null when there is none, or the head was moved by others since. */
  private @Nullable LongReorg underWay() {
    LongReorg current = longReorg;
    return current != null && chain.head().hash().equals(current.rest.head().hash())
        ? current
        : null;
  }

  /** Moves the head back to where it was before a long reorg that has ended early. */
  private void goBack() {
    boolean goesOn = longReorg != null;
    while (goesOn) {
      imports.lock();
      try (StoreLease lease = chain.storage().lease()) {
        goesOn = goBackByBatch(lease.get());
      } catch (Throwable failure) { // the caller reports why the reorg has ended
        LOG.error("the head does not move back to where it was", failure);
        goesOn = false;
      } finally {
        if (!goesOn) {
          longReorg = null;
        }
        imports.unlock();
      }
    }
  }

  private boolean goBackByBatch(KeyValueStore store) throws InvalidBranchException {
    LongReorg current = underWay();
    if (current == null) {
      return false;
    }
    Reorg back =
        current.goesTo(current.before)
            ? current.rest
            : ChainStore.required(processor.planner().plan(store, chain.head(), current.before));
    long depth = Math.max(current.depth, back.depth());
    if (CanonicalWriter.isLong(back)) {
      longReorg = new LongReorg(current.before, writer.applyBatch(store, back, depth), depth);
      return true;
    }
    writer.reorganize(store, back, new WriteSet());
    LOG.warn("a reorg failed: the head is {} again", current.before);
    return false;
  }

  /** What a fork choice demands of a head besides (EIP-3675). */
  private void verifyHead(Block block) throws InvalidBranchException {
    try {
      chain.rules().verifyHead(block.header(), chain, chain.config());
    } catch (InvalidBlockException invalid) {
      throw new InvalidBranchException(block, invalid);
    }
  }

  /** Notes that the chain cannot go to a head, as it would have to go back too far. */
  private ImportResult refuse(KeyReader store, Segment segment, String block) {
    String reason = chain.pruner().tooDeep(block);
    refusal = new Refusal(segment.highHash(), null, new ForkChoice.Result.TooDeep(reason));
    if (segment.highHash().equals(head)) {
      staged.clear(store);
      settle();
    } else {
      staged.remove(store, segment);
    }
    return new ImportResult.Invalid(reason);
  }
}
