// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Opens states. Throws StorageUnavailableException while no store is bound. Threading: any thread.
 */
@ProviderType
public interface StateProvider {
  /**
   * Opens the state after a block; null when the block is not a canonical one.
   *
   * @throws dev.patchbay.api.storage.StorageException when that state is no longer available; also
   *     from the reader, when the state is pruned, or a reorg takes place, in the meantime
   */
  @Nullable IterableStateReader stateAt(Hash blockHash);

  /**
   * Returns the keccak hashes of the addresses of the accounts that a canonical block changed, in
   * their fields or their storage; null when that is no longer known, or the block is not a
   * canonical one.
   */
  @Nullable Set<Hash> changedAccounts(Hash blockHash);

  /**
   * Which states are available.
   *
   * @param oldestBlock number of the first block whose state is available
   * @param blocks how many blocks below the head states are available; null for all
   */
  record StateRetention(long oldestBlock, @Nullable Long blocks) {}

  /** Returns which states are available now. */
  StateRetention retention();

  /** Returns the state root after {@code changes} on top of the state after {@code parent}. */
  Hash computeStateRoot(Hash parent, StateChanges changes);

  /**
   * Returns the storage root of an account after {@code changes} on top of the state after {@code
   * parent}; the root of nothing when the account does not exist.
   */
  Hash computeStorageRoot(Hash parent, StateChanges changes, Address address);

  /**
   * Proves an account and slots in the state after a block; null when the block is not a canonical
   * one.
   *
   * @throws dev.patchbay.api.storage.StorageException when that state is no longer available
   */
  @Nullable StateProof prove(Hash blockHash, Address address, List<UInt256> keys);

  /**
   * Returns the RLP of the trie nodes that prove what was read in the state after a canonical
   * block, and that are needed to compute the state root after changes to it.
   *
   * @param read the slots that were read of each account; none where only the account was
   * @throws IllegalArgumentException when the block is not a canonical one
   * @throws dev.patchbay.api.storage.StorageException when that state is no longer available
   */
  Set<Bytes> witness(Hash blockHash, Map<Address, Set<UInt256>> read, StateChanges changes);
}
