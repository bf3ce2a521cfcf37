// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A state with the nodes of its tries. Accounts are named by the hashes of their addresses, slots
 * by the hashes of their keys. Threading: one thread.
 */
@ProviderType
public interface StateTrieReader {
  /** Returns an account; null when it does not exist. */
  @Nullable Account account(Hash addressHash);

  /**
   * Visits accounts in ascending order of hashes, until the visitor returns false.
   *
   * @param from the first hash, inclusive
   */
  void accounts(Hash from, BiPredicate<Hash, Account> visitor);

  /**
   * Visits the slots of an account that are not zero in ascending order of hashes, until the
   * visitor returns false.
   *
   * @param from the first hash, inclusive
   */
  void slots(Hash addressHash, Hash from, BiPredicate<Hash, UInt256> visitor);

  /**
   * Returns the RLP of the nodes of the account trie from the root towards a hash: the proof of an
   * account, or of its absence. Empty for an empty trie.
   */
  List<Bytes> proveAccount(Hash addressHash);

  /** Returns the same of a slot, in the storage trie of an account. */
  List<Bytes> proveSlot(Hash addressHash, Hash slotHash);

  /**
   * Returns the RLP of a node of the account trie; null when no node begins at the path, or when
   * the node is embedded in its parent.
   *
   * @param path the nibbles from the root to the node, one a byte; empty for the root
   */
  @Nullable Bytes accountNode(byte[] path);

  /** Returns the same of a node in the storage trie of an account. */
  @Nullable Bytes storageNode(Hash addressHash, byte[] path);
}
