// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.trie.Roots;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Puts headers and bodies together by the roots in the headers. Threading: any thread. */
final class Bodies {
  private final boolean isRollup;

  /** For the blocks of a chain: those of a rollup have other roots. */
  Bodies(ChainConfig config) {
    isRollup = config.rollup() != null;
  }

  /** Returns the block of a header whose body is empty; null when it has to be requested. */
  @Nullable Block emptyBlock(BlockHeader header) {
    Hash withdrawals = withdrawalsRoot(header);
    boolean isEmpty =
        header.transactionsRoot().equals(Account.EMPTY_ROOT)
            && header.ommersHash().equals(BlockHeader.EMPTY_OMMERS)
            && (withdrawals == null || withdrawals.equals(Account.EMPTY_ROOT));
    return isEmpty
        ? new Block(header, List.of(), List.of(), withdrawals == null ? null : List.of())
        : null;
  }

  /**
   * Finds the header of each body. The bodies have the order of the headers, some of which may have
   * none.
   *
   * @return a block for each body; null when a body belongs to none of the headers that follow the
   *     header of the body before
   */
  @Nullable List<Block> match(List<BlockHeader> headers, List<BlockBody> bodies) {
    List<Block> out = new ArrayList<>();
    int next = 0;
    for (BlockBody body : bodies) {
      BodyRoots roots = BodyRoots.of(body);
      while (next < headers.size() && !roots.equals(roots(headers.get(next)))) {
        next++;
      }
      if (next == headers.size()) {
        return null;
      }
      out.add(body.toBlock(headers.get(next++)));
    }
    return out;
  }

  /** Returns whether a block's body is the one that its header names. */
  boolean belongTogether(Block block) {
    BlockBody body = new BlockBody(block.transactions(), block.ommers(), block.withdrawals());
    return BodyRoots.of(body).equals(roots(block.header()));
  }

  private BodyRoots roots(BlockHeader header) {
    return new BodyRoots(header.transactionsRoot(), header.ommersHash(), withdrawalsRoot(header));
  }

  /**
   * A rollup has no withdrawals of its L1's kind; its header may show the root of a state there.
   */
  private @Nullable Hash withdrawalsRoot(BlockHeader header) {
    Hash root = header.withdrawalsRoot();
    return root == null || !isRollup ? root : Account.EMPTY_ROOT;
  }

  private record BodyRoots(Hash transactions, Hash ommers, @Nullable Hash withdrawals) {
    static BodyRoots of(BlockBody body) {
      List<Withdrawal> withdrawals = body.withdrawals();
      return new BodyRoots(
          Roots.ofTransactions(body.transactions()),
          Roots.ofOmmers(body.ommers()),
          withdrawals == null ? null : Roots.ofWithdrawals(withdrawals));
    }
  }
}
