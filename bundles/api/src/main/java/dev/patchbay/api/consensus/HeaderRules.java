// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.api.chain.BlockReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Rules for the headers of a chain, its ommers and its head, without the execution of a block
 * (Yellow Paper, sections 4.3.4 and 11.1). The defaults are the rules of Ethereum. Threading: any
 * thread.
 */
@ConsumerType
public interface HeaderRules {
  /**
   * Checks the fields of a header that the consensus protocol owns: difficulty, extra data, seal
   * and timestamp. The caller has checked the fields that all protocols share.
   *
   * @param parent the parent of {@code header}
   * @param headers finds the ancestors by their hashes: {@code parent} may be on a side branch
   * @throws InvalidBlockException when the header violates a rule; a {@link
   *     dev.patchbay.api.chain.FutureBlockException} when the only violation is a timestamp ahead
   *     of the clock
   */
  void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException;

  /**
   * Checks number and ancestry of the ommers of a block. The caller checks the header of each ommer
   * like any other header.
   *
   * @param blocks finds the ancestors by their hashes: {@code block} may be on a side branch
   * @throws InvalidBlockException when the block is invalid
   */
  void verifyOmmers(Block block, BlockReader blocks, ChainConfig config)
      throws InvalidBlockException;

  /**
   * Returns whether a block replaces the head when both have the same total difficulty. The answer
   * must depend on the two blocks and their ancestors only, and for two blocks be true in at most
   * one order: so all nodes that have both choose the same one. The block may be invalid; it is
   * verified afterwards. By default the first block seen stays the head, unless the chain has no
   * difficulty and the other branch is longer.
   *
   * @param candidate a block whose parent is known
   * @param headers finds the ancestors of both by their hashes
   */
  default boolean winsTie(
      BlockHeader candidate, BlockHeader head, HeaderReader headers, ChainConfig config) {
    return candidate.difficulty().isZero() && candidate.number() > head.number();
  }

  /**
   * Checks that a consensus client may set a stored block as the head. On Ethereum, a proof-of-work
   * block can only be the head when it is the terminal block (EIP-3675).
   *
   * @throws InvalidBlockException when the block must not be the head
   */
  default void verifyHead(BlockHeader header, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {}

  /**
   * Returns the maximum number of blocks by which a consensus client may set the head back at once,
   * to an ancestor of the head (execution-apis, {@code engine_forkchoiceUpdatedV3}); {@link
   * Long#MAX_VALUE} for no limit. The default is that of geth, {@code EngineMaxReorgDepth}.
   */
  default long maxReorgDepth() {
    return 32;
  }

  /**
   * Returns whether the gas limit of a block must differ from that of its parent by less than a
   * 1,024th (EIP-1559).
   */
  default boolean boundsGasLimitChange() {
    return true;
  }
}
