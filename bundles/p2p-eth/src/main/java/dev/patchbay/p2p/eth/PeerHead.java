// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;

/** What a node states of its chain in Status. */
sealed interface PeerHead permits BlockRange, PeerHead.TotalDifficulty {
  /** Returns the hash of the head. */
  Hash latestHash();

  /**
   * The head in eth/68.
   *
   * @param totalDifficulty total difficulty up to and with the head
   * @param latestHash hash of the head
   */
  record TotalDifficulty(UInt256 totalDifficulty, Hash latestHash) implements PeerHead {}
}
