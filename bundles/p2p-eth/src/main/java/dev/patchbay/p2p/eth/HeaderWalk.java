// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * Goes from header to header as a GetBlockHeaders asks for it. Numbers are unsigned, and no sum or
 * difference wraps. Threading: one thread at a time.
 */
final class HeaderWalk {
  /** Headers that one request may read on a side branch without getting them; as geth. */
  private static final int MAX_SIDE_STEPS = 100;

  private final ChainReader chain;
  private final GetBlockHeaders query;

  private int sideSteps = MAX_SIDE_STEPS;
  private boolean canonical = true;

  HeaderWalk(ChainReader chain, GetBlockHeaders query) {
    this.chain = chain;
    this.query = query;
  }

  /** Returns the first header; null when it is unknown. */
  @Nullable BlockHeader first() {
    if (query.origin() instanceof GetBlockHeaders.ByNumber start) {
      return byNumber(start.number());
    }
    Hash hash = ((GetBlockHeaders.ByHash) query.origin()).hash();
    BlockHeader header = chain.header(hash);
    canonical = header != null && isCanonical(header, hash);
    return header;
  }

  /**
   * Returns the header that follows; null when there is none.
   *
   * @param current the header before
   * @param hash its hash
   */
  @Nullable BlockHeader next(BlockHeader current, Hash hash) {
    long step = query.skip() + 1;
    if (step == 0) { // 2^64: beyond all numbers
      return null;
    }
    return query.reverse() ? before(current, step) : after(current, hash, step);
  }

  /** Canonical headers only: which children a block of a side branch has is not stored. */
  private @Nullable BlockHeader after(BlockHeader current, Hash hash, long step) {
    long target = current.number() + step;
    if (!canonical || Long.compareUnsigned(target, step) < 0) {
      return null;
    }
    BlockHeader next = byNumber(target);
    // a reorg while the reply is built must not join two branches
    return next != null && step == 1 && !next.parentHash().equals(hash) ? null : next;
  }

  private @Nullable BlockHeader before(BlockHeader current, long step) {
    if (Long.compareUnsigned(step, current.number()) > 0) {
      return null;
    }
    long target = current.number() - step;
    if (step == 1) {
      return parent(current);
    }
    BlockHeader header = current;
    while (!canonical && header.number() != target) {
      BlockHeader parent = sideSteps-- > 0 ? parent(header) : null;
      if (parent == null) {
        return null;
      }
      header = parent;
    }
    return header.number() == target ? header : byNumber(target);
  }

  private @Nullable BlockHeader parent(BlockHeader header) {
    Hash hash = header.parentHash();
    BlockHeader parent = chain.header(hash);
    if (!canonical && parent != null) {
      canonical = isCanonical(parent, hash);
    }
    return parent;
  }

  private boolean isCanonical(BlockHeader header, Hash hash) {
    return hash.equals(chain.canonicalHash(header.number()));
  }

  private @Nullable BlockHeader byNumber(long number) {
    return number < 0 ? null : chain.header(number); // no chain is 2^63 blocks long
  }
}
