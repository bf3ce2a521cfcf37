// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.Column.Access;
import java.util.List;

/** The columns of the chain's store. */
public final class Columns {
  /** Single values: head, genesis, format. */
  public static final Column META = new Column("META");

  /** Block hash to header RLP. */
  public static final Column HEADERS = new Column("HEADERS");

  /** Block hash to body RLP. */
  public static final Column BODIES = new Column("BODIES", Access.LARGE_VALUES);

  /** Block hash to the list of receipts. */
  public static final Column RECEIPTS = new Column("RECEIPTS", Access.LARGE_VALUES);

  /** Block number (8 bytes) to the hash of the canonical block. */
  public static final Column CANONICAL = new Column("CANONICAL");

  /** Block hash to total difficulty. */
  public static final Column DIFFICULTIES = new Column("DIFFICULTIES");

  /** Transaction hash to block hash and index. */
  public static final Column TRANSACTIONS = new Column("TRANSACTIONS");

  /** Hash of an address to the account. */
  public static final Column ACCOUNTS = new Column("ACCOUNTS", Access.RANDOM);

  /** Hash of an address and hash of a slot key to the value. */
  public static final Column SLOTS = new Column("SLOTS", Access.RANDOM);

  /** Code hash to code. */
  public static final Column CODE = new Column("CODE");

  /** Path of a node of the account trie to its RLP. */
  public static final Column ACCOUNT_TRIE = new Column("ACCOUNT_TRIE", Access.REWRITTEN);

  /** Hash of an address and path of a node of its storage trie to the node's RLP. */
  public static final Column STORAGE_TRIE = new Column("STORAGE_TRIE", Access.REWRITTEN);

  /** Hash of an address and block number to the account before that block. */
  public static final Column ACCOUNT_HISTORY = new Column("ACCOUNT_HISTORY");

  /** Hash of an address, hash of a slot key and block number to the value before that block. */
  public static final Column SLOT_HISTORY = new Column("SLOT_HISTORY");

  /** Block number to the keys that the block changed. */
  public static final Column CHANGES = new Column("CHANGES");

  /** Number and hash of a block that is not canonical to E when executed, V when only verified. */
  public static final Column SIDE_BLOCKS = new Column("SIDE_BLOCKS");

  /** Number of a block ahead of the chain to its header RLP, see {@link StagedBlocks}. */
  public static final Column STAGED_HEADERS = new Column("STAGED_HEADERS");

  /** Number of a block ahead of the chain to its body RLP. */
  public static final Column STAGED_BODIES = new Column("STAGED_BODIES", Access.LARGE_VALUES);

  /** All columns, in the order in which batches list them. */
  public static final List<Column> ALL =
      List.of(
          META,
          HEADERS,
          BODIES,
          RECEIPTS,
          CANONICAL,
          DIFFICULTIES,
          TRANSACTIONS,
          ACCOUNTS,
          SLOTS,
          CODE,
          ACCOUNT_TRIE,
          STORAGE_TRIE,
          ACCOUNT_HISTORY,
          SLOT_HISTORY,
          CHANGES,
          SIDE_BLOCKS,
          STAGED_HEADERS,
          STAGED_BODIES);

  private Columns() {}
}
