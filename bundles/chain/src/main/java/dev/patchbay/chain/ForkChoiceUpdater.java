// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.HeaderRules;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Moves the head to where a consensus client says. Threading: any thread; one update at a time. */
final class ForkChoiceUpdater implements ForkChoice {
  private static final Logger LOG = LoggerFactory.getLogger(ForkChoiceUpdater.class);

  private final Chain chain;
  private final ReentrantLock imports;
  private final BlockProcessor processor;
  private final CanonicalWriter writer;
  private final BadBlocks bad;
  private final BlockStaging staging;

  ForkChoiceUpdater(
      Chain chain,
      ReentrantLock imports,
      BlockProcessor processor,
      CanonicalWriter writer,
      BadBlocks bad,
      BlockStaging staging) {
    this.chain = chain;
    this.imports = imports;
    this.processor = processor;
    this.writer = writer;
    this.bad = bad;
    this.staging = staging;
  }

  @Override
  public Result update(Hash head, Hash safe, Hash finalized) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      FinalityTags tags = new FinalityTags(safe, finalized);
      Result result = update(lease.get(), head, tags);
      if (result instanceof Result.Syncing) {
        staging.request(lease.get(), head, tags);
      } else {
        staging.settle();
      }
      if (result instanceof Result.Updated) {
        staging.headMoved();
      }
      return result;
    } catch (InvalidBranchException invalid) {
      staging.settle();
      Rejection rejection = bad.reject(invalid, chain);
      return new Result.Invalid(rejection.latestValid(), rejection.reason());
    } finally {
      imports.unlock();
    }
  }

  private Result update(KeyValueStore store, Hash hash, FinalityTags tags)
      throws InvalidBranchException {
    Block head = chain.head();
    Block target = find(store, hash, head);
    if (target == null) {
      Long pruned = prunedNumber(store, hash);
      if (pruned != null) {
        return isBelowFinalized(pruned) ? new Result.Skipped() : tooDeep("block " + pruned);
      }
      Result refused = staging.refused(hash, tags);
      if (refused != null) {
        return refused;
      }
      Rejection rejected = bad.find(hash);
      return rejected == null
          ? new Result.Syncing()
          : new Result.Invalid(rejected.latestValid(), rejected.reason());
    }
    Result refused = checkTarget(store, head, target);
    if (refused != null) {
      return refused;
    }
    Reorg reorg = processor.planner().plan(store, head, target);
    if (reorg == null) {
      return tooDeep("below an ancestor that has been pruned");
    }
    if (!chain.pruner().canUnwindTo(reorg.commonAncestor())) {
      return tooDeep("block " + reorg.commonAncestor());
    }
    String outside = tags.findOutside(tag -> FinalityTags.isInChain(store, reorg, tag));
    if (outside != null) {
      return new Result.Inconsistent(outside);
    }
    WriteSet writes = new WriteSet();
    tags.putInto(store, writes);
    if (!hash.equals(head.hash())) {
      writer.reorganize(store, reorg, writes);
      LOG.info(
          "block {} {} with {} transactions, {} gas",
          target.number(),
          target.hash(),
          target.transactions().size(),
          target.header().gasUsed());
    } else {
      WriteBatch batch = writes.toBatch();
      if (!batch.entries().isEmpty()) {
        chain.storage().write(batch);
      }
    }
    return new Result.Updated(target);
  }

  /** Returns a stored block; a block whose effects are in memory without reading it. */
  private @Nullable Block find(KeyReader store, Hash hash, Block head) {
    if (hash.equals(head.hash())) {
      return head;
    }
    Block executed = processor.executed(hash);
    return executed == null ? ChainStore.block(store, hash) : executed;
  }

  /** Returns why a block must not become the head; null when it may. */
  private @Nullable Result checkTarget(KeyReader store, Block head, Block target) {
    HeaderRules rules = chain.rules();
    try {
      rules.verifyHead(target.header(), chain, chain.config());
    } catch (InvalidBlockException invalid) {
      return new Result.Invalid(Hash.ZERO, String.valueOf(invalid.getMessage()));
    }
    long back = head.number() - target.number();
    if (back <= 0 || !target.hash().equals(ChainStore.canonical(store, target.number()))) {
      return null;
    }
    if (isBelowFinalized(target.number())) {
      return new Result.Skipped();
    }
    return back <= rules.maxReorgDepth()
        ? null
        : new Result.TooDeep(
            "the head would go back by " + back + " blocks, at most " + rules.maxReorgDepth());
  }

  private boolean isBelowFinalized(long number) {
    Long finalized = chain.finalizedNumber();
    return finalized != null && number < finalized;
  }

  /** Returns the number of a canonical block whose body has been pruned; null of any other. */
  private @Nullable Long prunedNumber(KeyReader store, Hash hash) {
    Long number = ChainStore.canonicalNumber(store, hash);
    return number != null && chain.retention().isPruned(number) ? number : null;
  }

  private Result tooDeep(String block) {
    return new Result.TooDeep(chain.pruner().tooDeep(block));
  }
}
