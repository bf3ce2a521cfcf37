// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.BadBlock;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rejected blocks, so that neither they nor their descendants are executed again, and the latest of
 * them for operators. A rejection may be a fault of this node: a block that is requested often
 * enough is executed again, and all are when an executor, rules or an EVM is replaced.
 *
 * <p>Threading: any thread.
 */
final class BadBlocks {
  private static final Logger LOG = LoggerFactory.getLogger(BadBlocks.class);

  /** As geth. */
  private static final int MAX_REJECTIONS = 512;

  /** As geth. */
  private static final int REJECTION_HIT_EVICTION = 128;

  private static final int MAX_REPORTED = 16;

  private final Deque<BadBlock> reported = new ArrayDeque<>();
  private final Map<Hash, Entry> rejections = new LinkedHashMap<>();

  /**
   * Why a block is rejected.
   *
   * @param latestValid its nearest valid ancestor; zero when that is a block of proof of work, null
   *     when it is not known
   * @param reason the rule that the block, or an ancestor, violates
   */
  record Rejection(@Nullable Hash latestValid, String reason) {}

  /** What the blocks share that are rejected for one reason: the invalid one and descendants. */
  private static final class Entry {
    final Rejection rejection;
    int hits;

    Entry(Rejection rejection) {
      this.rejection = rejection;
    }
  }

  /**
   * Rejects an invalid block, and its descendants, from now on; a block from the future is rejected
   * this time only.
   */
  Rejection reject(InvalidBranchException invalid, HeaderReader headers) {
    Block block = invalid.block();
    Rejection known = invalid.rejection();
    if (known != null) { // descendants of an invalid block are rejected, too
      add(block.hash(), known);
      return known;
    }
    Rejection rejection = rejection(invalid, headers);
    if (invalid.future() != null) {
      return rejection; // the block may be valid later
    }
    LOG.warn("block {} is not valid: {}", block, invalid.reason());
    add(block.hash(), rejection);
    report(block, invalid.reason());
    return rejection;
  }

  private static Rejection rejection(InvalidBranchException invalid, HeaderReader headers) {
    Hash parentHash = invalid.block().header().parentHash();
    BlockHeader parent = headers.header(parentHash);
    boolean proofOfWork = parent == null || !parent.difficulty().isZero();
    return new Rejection(proofOfWork ? Hash.ZERO : parentHash, invalid.reason());
  }

  /** Adds a block to the reported ones. */
  synchronized void report(Block block, String reason) {
    reported.removeIf(other -> other.block().hash().equals(block.hash()));
    reported.addFirst(new BadBlock(block, reason));
    if (reported.size() > MAX_REPORTED) {
      reported.removeLast();
    }
  }

  /** Returns the latest rejected blocks, the newest first. */
  synchronized List<BadBlock> latest() {
    return List.copyOf(reported);
  }

  /**
   * Rejects a block, by the hash of its header, from now on. Requests for blocks that are added
   * with the same object as the reason count together.
   */
  synchronized void add(Hash hash, Rejection rejection) {
    Entry entry =
        rejections.values().stream()
            .filter(other -> other.rejection == rejection)
            .findFirst()
            .orElseGet(() -> new Entry(rejection));
    rejections.put(hash, entry);
    if (rejections.size() > MAX_REJECTIONS) {
      rejections.remove(rejections.keySet().iterator().next());
    }
  }

  /** Returns why a block is rejected; null when it is not, or no longer. */
  synchronized @Nullable Rejection find(Hash hash) {
    Entry entry = rejections.get(hash);
    if (entry == null) {
      return null;
    }
    if (++entry.hits >= REJECTION_HIT_EVICTION) {
      rejections.values().removeIf(other -> other == entry);
      return null;
    }
    return entry.rejection;
  }

  /**
   * Returns why the first rejected one of some blocks is rejected; null when none is, or no longer.
   */
  synchronized @Nullable Rejection find(List<Hash> hashes) {
    for (Hash hash : hashes) {
      if (rejections.containsKey(hash)) {
        return find(hash);
      }
    }
    return null;
  }

  /** Returns why a block is rejected; null when it is not. Does not count as a request for it. */
  synchronized @Nullable Rejection peek(Hash hash) {
    Entry entry = rejections.get(hash);
    return entry == null ? null : entry.rejection;
  }

  /** Clears all rejections. */
  synchronized void clearRejections() {
    rejections.clear();
  }
}
