// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;

/** Verifies what needs no execution: header, body and ommers. Threading: any thread. */
final class BlockVerifier {
  private final Chain chain;

  BlockVerifier(Chain chain) {
    this.chain = chain;
  }

  /**
   * Verifies a block.
   *
   * @throws InvalidBranchException when it violates a rule
   */
  void verify(Block block, BlockHeader parent) throws InvalidBranchException {
    ConsensusRules consensus = chain.rules();
    try {
      verifyHeader(block.header(), parent, chain, consensus);
      HeaderChecks.verifyBody(block, consensus, chain.config());
      consensus.verifyOmmers(block, chain, chain.config());
      for (BlockHeader ommer : block.ommers()) {
        BlockHeader ommerParent = chain.header(ommer.parentHash());
        if (ommerParent == null) {
          throw new InvalidBlockException(
              "ommer " + ommer.computeHash() + " has an unknown parent " + ommer.parentHash());
        }
        verifyHeader(ommer, ommerParent, chain, consensus);
      }
    } catch (InvalidBlockException invalid) {
      throw new InvalidBranchException(block, invalid);
    }
  }

  /**
   * Verifies a header.
   *
   * @param ancestors finds the ancestors by their hashes
   * @throws InvalidBlockException when it violates a rule
   */
  void verifyHeader(BlockHeader header, BlockHeader parent, HeaderReader ancestors)
      throws InvalidBlockException {
    verifyHeader(header, parent, ancestors, chain.rules());
  }

  private void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader ancestors, ConsensusRules consensus)
      throws InvalidBlockException {
    HeaderChecks.verify(header, parent, consensus, chain.config());
    consensus.verifyHeader(header, parent, ancestors, chain.config());
  }
}
