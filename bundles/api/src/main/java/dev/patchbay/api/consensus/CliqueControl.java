// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import org.osgi.annotation.versioning.ProviderType;

/** What an operator does with Clique: looks and votes. Threading: any thread. */
@ProviderType
public interface CliqueControl {
  /**
   * A vote that is pending.
   *
   * @param signer who votes
   * @param block number of the block that holds the vote
   * @param target whom the vote is about
   * @param authorize true to authorize, false to remove
   */
  record Vote(Address signer, long block, Address target, boolean authorize) {}

  /**
   * What Clique knows after a block.
   *
   * @param signers the signers, in ascending order
   * @param recents who signed the latest blocks, by number
   * @param votes the pending votes, oldest first
   */
  record Snapshot(List<Address> signers, SortedMap<Long, Address> recents, List<Vote> votes) {}

  /**
   * Returns what Clique knows after a block.
   *
   * @throws IllegalArgumentException when the block is unknown or was not sealed by a signer
   */
  Snapshot snapshot(Hash blockHash);

  /**
   * Returns who sealed a block.
   *
   * @throws IllegalArgumentException when the seal is not valid
   */
  Address signer(BlockHeader header);

  /** Returns the signers after the head, in ascending order. */
  List<Address> signers();

  /** Returns this node's proposals: true to authorize, false to remove. */
  Map<Address, Boolean> proposals();

  /**
   * Proposes to authorize or remove a signer; the vote goes into blocks this node seals.
   *
   * @return a warning when the chain would need the blocks of a signer that was never seen, once
   *     the vote has passed; empty otherwise. The proposal counts in both cases
   */
  Optional<String> propose(Address address, boolean authorize);

  /** Drops a proposal. */
  void discard(Address address);
}
