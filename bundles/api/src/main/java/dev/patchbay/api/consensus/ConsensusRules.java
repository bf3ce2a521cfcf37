// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.execution.Reward;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** The rules of one consensus protocol for headers; a service. Threading: any thread. */
@ConsumerType
public interface ConsensusRules {
  /** Returns the name of the protocol: a chain's configuration asks for it. */
  String name();

  /**
   * Checks the fields of a header that the protocol owns: difficulty, extra data, seal, time.
   * Fields that all protocols share were checked before.
   *
   * @param parent the parent of {@code header}
   * @throws InvalidBlockException when a rule is broken
   */
  void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException;

  /**
   * Checks that the ommers of a block may stand there; their headers by themselves are checked like
   * any other.
   *
   * @throws InvalidBlockException when a rule is broken
   */
  void verifyOmmers(Block block, ChainReader chain) throws InvalidBlockException;

  /** Returns what accounts are credited for a block beyond fees; that for the block is the last. */
  List<Reward> rewards(Block block, ChainConfig config);

  /** Returns the account that the fees of a block go to, and that its code sees as coinbase. */
  Address feeRecipient(BlockHeader header);
}
