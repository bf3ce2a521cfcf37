// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.Capability;

/**
 * The versions of the eth sub-protocol that this node speaks (devp2p, "Ethereum Wire Protocol",
 * change log).
 */
enum EthVersion {
  /** Status with a total difficulty, receipts with a bloom filter. */
  ETH_68(68, 17),
  /** Status with a block range, receipts without a bloom filter (EIP-7642). */
  ETH_69(69, 18),
  /** Receipts of a block in several replies (EIP-7975). */
  ETH_70(70, 18),
  /** Block access lists (EIP-8159). */
  ETH_71(71, 20);

  /** Name of the sub-protocol. */
  static final String NAME = "eth";

  private final int number;
  private final int messages;

  EthVersion(int number, int messages) {
    this.number = number;
    this.messages = messages;
  }

  /** Returns the number of the version. */
  int number() {
    return number;
  }

  /** Returns how many message numbers the version occupies, from 0. */
  int messageCount() {
    return messages;
  }

  /** Returns what Hello announces. */
  Capability capability() {
    return new Capability(NAME, number);
  }

  /** Returns whether nodes exchange block ranges instead of total difficulties. */
  boolean hasBlockRange() {
    return number >= 69;
  }

  /** Returns whether the receipts of a block may be split over several replies. */
  boolean hasPartialReceipts() {
    return number >= 70;
  }

  /** Returns whether block access lists can be requested. */
  boolean hasAccessLists() {
    return number >= 71;
  }
}
