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
   * @throws dev.patchbay.api.storage.StorageException when that state is not kept any more; also
   *     from the reader, when it stops being kept, or the chain is reorganised, in the meantime
   */
  @Nullable StateRange stateAfter(Hash blockHash);

  /**
   * Which states are kept.
   *
   * @param oldestBlock number of the first block whose state is there
   * @param window how many blocks back states are kept; null when all are
   */
  record History(long oldestBlock, @Nullable Long window) {}

  /** Returns which states are kept now. */
  History history();

  /** Returns the state root after {@code changes} on top of the state after {@code parent}. */
  Hash rootAfter(Hash parent, StateChanges changes);

  /**
   * Returns the storage root of an account after {@code changes} on top of the state after {@code
   * parent}; the root of nothing when the account does not exist.
   */
  Hash storageRootAfter(Hash parent, StateChanges changes, Address address);

  /**
   * Proves an account and slots in the state after a block; null when the block is not a canonical
   * one.
   *
   * @throws dev.patchbay.api.storage.StorageException when that state is not kept any more
   */
  @Nullable StateProof prove(Hash blockHash, Address address, List<UInt256> keys);

  /**
   * Returns the RLP of the trie nodes that prove what was read in the state after a canonical
   * block, and that are needed to compute the state root after changes to it.
   *
   * @param read the slots that were read of each account; none where only the account was
   * @throws IllegalArgumentException when the block is not a canonical one
   * @throws dev.patchbay.api.storage.StorageException when that state is not kept any more
   */
  Set<Bytes> witness(Hash blockHash, Map<Address, Set<UInt256>> read, StateChanges changes);
}
