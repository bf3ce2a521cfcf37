// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

/** The columns of a store. Keys within a column are ordered by their unsigned bytes. */
public enum Column {
  /** Single values: head, genesis, format. */
  META,
  /** Block hash to header RLP. */
  HEADERS,
  /** Block hash to body RLP. */
  BODIES,
  /** Block hash to the list of receipts. */
  RECEIPTS,
  /** Block number (8 bytes) to the hash of the canonical block. */
  CANONICAL,
  /** Block hash to total difficulty. */
  DIFFICULTIES,
  /** Transaction hash to block hash and index. */
  TRANSACTIONS,
  /** Hash of an address to the account. */
  ACCOUNTS,
  /** Hash of an address and hash of a slot key to the value. */
  SLOTS,
  /** Code hash to code. */
  CODE,
  /** Path of a node of the account trie to its RLP. */
  ACCOUNT_TRIE,
  /** Hash of an address and path of a node of its storage trie to the node's RLP. */
  STORAGE_TRIE,
  /** Hash of an address and block number to the account before that block. */
  ACCOUNT_HISTORY,
  /** Hash of an address, hash of a slot key and block number to the value before that block. */
  SLOT_HISTORY,
  /** Block number to the keys that the block changed. */
  CHANGES
}
