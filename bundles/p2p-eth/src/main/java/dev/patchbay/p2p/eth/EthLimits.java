// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

/**
 * Limits of messages, in one place. Counts that a specification or a practice of geth sets are
 * hard: a message above them is a breach.
 */
final class EthLimits {
  /** Headers in a reply; a request may ask for more and gets these. */
  static final int MAX_HEADERS = 1_024;

  /** Blocks in a request for bodies, receipts or access lists, and in its reply. */
  static final int MAX_BLOCKS = 1_024;

  /** Transactions in a message. */
  static final int MAX_TRANSACTIONS = 5_000;

  /** Hashes in an announcement or a request of transactions, and in an announcement of blocks. */
  static final int MAX_HASHES = 4_096;

  /**
   * Receipts in a reply, and logs in a receipt. The smallest ones are a few bytes on the wire and a
   * few hundred in memory.
   */
  static final int MAX_ITEMS = 131_072;

  /**
   * Transactions, ommers and withdrawals of all bodies of a message together. A reply of an honest
   * peer ends with the body that reaches 2 MiB. A signed transfer has at least 98 bytes, and a body
   * at most 16 withdrawals of about 35 bytes: the bodies before the last one have less than 32,768
   * items. The last one may have as many again, which a gas limit below 688 million does not reach.
   * An item takes about 300 bytes of memory, all of them 20 MB.
   */
  static final int MAX_BODY_ITEMS = 65_536;

  /** Gas that each transaction of a block uses at least (Yellow Paper, appendix G). */
  static final long MIN_TRANSACTION_GAS = 21_000;

  /**
   * Blocks below the head of this node down to which a new block of a peer is decoded. The bundle
   * sync imports those from 7 below the head to 32 above it.
   */
  static final long MAX_NEW_BLOCK_BELOW = 64;

  /** Blocks above the head of this node up to which a new block of a peer is decoded. */
  static final long MAX_NEW_BLOCK_ABOVE = 128;

  /** Ommers of a block (Yellow Paper, section 11.1). */
  static final int MAX_OMMERS = 2;

  /** Bytes from which on nothing more is added to a reply. */
  static final int SOFT_REPLY_BYTES = 2 * 1024 * 1024;

  /** Bytes of the items of a reply at most: a message is at most 10 MiB. */
  static final int MAX_REPLY_BYTES = 10 * 1024 * 1024 - 1_024;

  /** Bytes of a transaction that is sent without a request for it. */
  static final int MAX_BROADCAST_BYTES = 4_096;

  private EthLimits() {}
}
