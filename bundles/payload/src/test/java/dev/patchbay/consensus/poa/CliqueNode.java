// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** The rules and the sealer of one validator without a container. */
public record CliqueNode(ConsensusRules rules, BlockSealer sealer) {

  /** Creates the rules and the sealer of a node that starts. */
  public static CliqueNode start(
      byte[] key, Path file, InstantSource clock, LongUnaryOperator random) {
    Clique clique = new Clique(clock, random);
    return new CliqueNode(clique, clique.sealer(key, file));
  }

  /** Returns the extra data of a genesis. */
  public static Bytes genesisExtraData(List<Address> signers) {
    return Extra.of(new byte[0], signers);
  }

  /** Returns the account that sealed a block. */
  public Address signer(BlockHeader header) {
    return rules.feeRecipient(header);
  }
}
