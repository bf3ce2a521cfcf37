// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The states after the latest canonical blocks by their roots, with the nodes of their tries: what
 * nodes that download a state request (devp2p, snap/1).
 *
 * <p>Throws StorageUnavailableException while no store is bound. Threading: any thread.
 */
@ProviderType
public interface RecentStates {
  /** How many states there are at most: those after the head and after the 127 blocks below it. */
  int MAX_BLOCKS = 128;

  /**
   * Reads a state. The state does not change while {@code reading} runs, which must return within
   * seconds: it holds a snapshot of the store.
   *
   * @param stateRoot root of the account trie
   * @param reading reads the state in the thread of the caller, and must not keep the reader
   * @return the result of {@code reading}; null when that is null, or when no recent state has the
   *     root
   * @throws dev.patchbay.api.storage.StorageException when the state cannot be read now, for
   *     example because other states are being computed
   */
  <T> @Nullable T read(Hash stateRoot, Function<StateTrieReader, @Nullable T> reading);

  /** Returns the code with a hash, empty for the hash of no code; null when it is not stored. */
  @Nullable Bytes code(Hash codeHash);
}
