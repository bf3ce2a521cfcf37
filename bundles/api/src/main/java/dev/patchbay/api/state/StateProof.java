// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.List;

/**
 * Merkle proofs of an account and some of its slots (EIP-1186).
 *
 * @param account the account; {@link Account#EMPTY} when it does not exist
 * @param accountProof RLP of the nodes from the state root downwards
 * @param slots a proof for each key asked for, in that order
 */
public record StateProof(Account account, List<Bytes> accountProof, List<Slot> slots) {
  /**
   * The proof of a slot.
   *
   * @param key the key
   * @param value its value
   * @param proof RLP of the nodes from the storage root downwards
   */
  public record Slot(UInt256 key, UInt256 value, List<Bytes> proof) {}
}
