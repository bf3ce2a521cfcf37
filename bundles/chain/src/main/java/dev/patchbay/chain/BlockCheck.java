// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.trie.Roots;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies each block by itself: the hash of its header, its body and receipts against the roots in
 * the header, its total difficulty, and the index of its transactions. What a canonical block has
 * lost by pruning must be missing.
 */
final class BlockCheck extends Check {
  private final ChainConfig config;
  private final ExecutionRules rules;

  /** Entries of the index that belong to a transaction of a canonical block. */
  private long indexed;

  /** Numbers of the first blocks whose bodies, and whose transactions, have not been pruned. */
  private long bodiesFrom = 1;

  private long transactionsFrom = 1;

  BlockCheck(
      KeyReader reader,
      Findings findings,
      Runnable rest,
      DoubleConsumer progress,
      ChainConfig config,
      ExecutionRules rules) {
    super(reader, findings, rest, progress);
    this.config = config;
    this.rules = rules;
  }

  @Override
  void run() {
    bodiesFrom = start(Keys.BODIES_FROM, "bodies-from");
    transactionsFrom = start(Keys.TRANSACTIONS_FROM, "transactions-from");
    if (transactionsFrom < bodiesFrom) {
      findings.add(
          Columns.META,
          "transactions-from",
          "is block " + transactionsFrom + ", bodies are stored from block " + bodiesFrom + " on");
    }
    Cursor headers = cursor(Columns.HEADERS);
    Cursor bodies = cursor(Columns.BODIES);
    Cursor receipts = cursor(Columns.RECEIPTS);
    Cursor difficulties = cursor(Columns.DIFFICULTIES);
    for (Cursor.Entry header = headers.next(); header != null; header = headers.next()) {
      byte[] body = at(bodies, Columns.BODIES, header.key());
      byte[] receipt = at(receipts, Columns.RECEIPTS, header.key());
      byte[] difficulty = at(difficulties, Columns.DIFFICULTIES, header.key());
      check(header, body, receipt, difficulty);
      rest();
      progressAt(header.key());
    }
    strays(bodies, Columns.BODIES, null);
    strays(receipts, Columns.RECEIPTS, null);
    strays(difficulties, Columns.DIFFICULTIES, null);
    long entries = reader.count(Columns.TRANSACTIONS);
    if (entries > indexed) {
      findStrays(entries - indexed);
    }
  }

  /** Returns where something begins that has been pruned before; 1 when nothing has been. */
  private long start(byte[] key, String name) {
    byte[] stored = reader.get(Columns.META, key);
    if (stored == null) {
      return 1;
    }
    BlockHeader head = named(Keys.HEAD);
    long from = stored.length == Long.BYTES ? Keys.number(stored) : -1;
    if (from < 1 || (head != null && from > head.number() + 1)) {
      findings.add(Columns.META, name, "is no block from 1 to the one after the head");
      return 1;
    }
    return from;
  }

  private boolean isPruned(long number, long from) {
    return number > 0 && number < from;
  }

  private byte @Nullable [] at(Cursor cursor, Column column, byte[] hash) {
    strays(cursor, column, hash);
    Cursor.Entry entry = cursor.peek();
    if (entry == null || !Arrays.equals(entry.key(), hash)) {
      return null;
    }
    cursor.next();
    return entry.value();
  }

  /** Reports the entries below a hash, all that are left without one. */
  private void strays(Cursor cursor, Column column, byte @Nullable [] hash) {
    for (Cursor.Entry entry = cursor.peek();
        entry != null && (hash == null || entry.isBelow(hash));
        entry = cursor.peek()) {
      findings.add(column, entry.key(), "there is no header of this block");
      cursor.next();
    }
  }

  private void check(
      Cursor.Entry entry,
      byte @Nullable [] body,
      byte @Nullable [] receipts,
      byte @Nullable [] difficulty) {
    Hash computed = Hash.keccak(entry.value());
    if (!Arrays.equals(computed.unsafeArray(), entry.key())) {
      findings.add(Columns.HEADERS, entry.key(), "the header has the hash " + computed);
      return;
    }
    BlockHeader header;
    try {
      header = BlockHeader.read(RlpReader.of(entry.value()));
    } catch (RuntimeException unreadable) {
      findings.add(Columns.HEADERS, entry.key(), "is no header: " + Findings.describe(unreadable));
      return;
    }
    boolean canonical = computed.equals(canonical(header.number()));
    String name = Findings.block(header.number(), computed);
    Block block = null;
    if (canonical && isPruned(header.number(), bodiesFrom)) {
      requirePruned(Columns.BODIES, name, body);
      requirePruned(Columns.RECEIPTS, name, receipts);
    } else {
      block = checkBody(header, name, body);
      checkReceipts(header, name, block, receipts, canonical);
    }
    checkDifficulty(header, name, difficulty);
    if (canonical) {
      findings.blocks++;
      if (block != null && !isPruned(header.number(), transactionsFrom)) {
        checkIndex(block);
      }
    } else {
      findings.sideBlocks++;
    }
  }

  private @Nullable Hash canonical(long number) {
    byte[] hash = reader.get(Columns.CANONICAL, Keys.number(number));
    return hash == null || hash.length != Hash.SIZE ? null : Hash.wrap(hash);
  }

  private void requirePruned(Column column, String name, byte @Nullable [] value) {
    if (value != null) {
      findings.add(column, name, "is not pruned, blocks before block " + bodiesFrom + " are to be");
    }
  }

  private @Nullable Block checkBody(BlockHeader header, String name, byte @Nullable [] body) {
    if (body == null) {
      findings.add(Columns.BODIES, name, "the body is missing");
      return null;
    }
    try {
      Block block = Block.decodeBody(header, body);
      if (!Arrays.equals(block.encodeBody(), body)) {
        findings.add(Columns.BODIES, name, "the body is not encoded as Patchbay encodes it");
      }
      HeaderChecks.verifyRoots(block, rules, config);
      return block;
    } catch (InvalidBlockException | RuntimeException broken) {
      Verifier.rethrowUnlessDamage(broken);
      findings.add(
          Columns.BODIES, name, "the body does not fit the header: " + broken.getMessage());
      return null;
    }
  }

  private void checkReceipts(
      BlockHeader header,
      String name,
      @Nullable Block block,
      byte @Nullable [] stored,
      boolean canonical) {
    if (stored == null) {
      if (canonical) {
        findings.add(Columns.RECEIPTS, name, "the receipts are missing");
      }
      return;
    }
    try {
      List<Receipt> receipts = ChainStore.decodeReceipts(stored);
      InvalidBlockException.check(
          "receiptsRoot", header.receiptsRoot(), Roots.ofReceipts(receipts));
      InvalidBlockException.check(
          "logsBloom",
          header.logsBloom(),
          Bloom.union(receipts.stream().map(Receipt::logsBloom).toList()));
      for (Receipt receipt : receipts) {
        InvalidBlockException.check(
            "logsBloom of a receipt", receipt.logsBloom(), Bloom.of(receipt.logs()));
      }
      if (block != null) {
        InvalidBlockException.check(
            "number of receipts", block.transactions().size(), receipts.size());
      }
      if (!Arrays.equals(ChainStore.encodeReceipts(receipts), stored)) {
        findings.add(
            Columns.RECEIPTS, name, "the receipts are not encoded as Patchbay encodes them");
      }
    } catch (InvalidBlockException | RuntimeException broken) {
      Verifier.rethrowUnlessDamage(broken);
      findings.add(
          Columns.RECEIPTS, name, "the receipts do not fit the header: " + broken.getMessage());
    }
  }

  private void checkDifficulty(BlockHeader header, String name, byte @Nullable [] stored) {
    if (stored == null) {
      findings.add(Columns.DIFFICULTIES, name, "the total difficulty is missing");
      return;
    }
    byte[] before =
        header.number() == 0
            ? new byte[0]
            : reader.get(Columns.DIFFICULTIES, header.parentHash().unsafeArray());
    if (before == null || before.length > 32) {
      return; // a parent of a canonical block is required elsewhere, and reported there
    }
    UInt256 expected = UInt256.ofBytes(before).add(header.difficulty());
    if (!Arrays.equals(expected.toMinimalArray(), stored)) {
      findings.add(
          Columns.DIFFICULTIES,
          name,
          "is not " + expected + ", the sum of the parent's total difficulty and the difficulty");
    }
  }

  private void checkIndex(Block block) {
    Hash hash = block.hash();
    int index = 0;
    for (Transaction transaction : block.transactions()) {
      byte[] key = transaction.hash().unsafeArray();
      byte[] entry = reader.get(Columns.TRANSACTIONS, key);
      String place = Findings.block(block.number(), hash) + ", index " + index;
      if (entry == null) {
        findings.add(Columns.TRANSACTIONS, key, "the entry is missing: it would be " + place);
      } else {
        indexed++;
        if (!Arrays.equals(entry, ChainStore.encodeLocation(hash, index))) {
          findings.add(Columns.TRANSACTIONS, key, "the entry is not " + place);
        }
      }
      index++;
      findings.transactions++;
    }
  }

  /** Looks for entries of the index that belong to no canonical block, until all are found. */
  private void findStrays(long count) {
    long left = count;
    Cursor entries = cursor(Columns.TRANSACTIONS);
    for (Cursor.Entry entry = entries.next(); entry != null && left > 0; entry = entries.next()) {
      if (!isIndexed(entry)) {
        findings.add(
            Columns.TRANSACTIONS,
            entry.key(),
            "no canonical block has this transaction there, or its entry was to be pruned");
        left--;
      }
    }
  }

  private boolean isIndexed(Cursor.Entry entry) {
    try {
      TransactionLocation location = ChainStore.decodeLocation(entry.value());
      BlockHeader header = header(location.blockHash().unsafeArray());
      Block block =
          header == null
                  || isPruned(header.number(), transactionsFrom)
                  || !location.blockHash().equals(canonical(header.number()))
              ? null
              : ChainStore.block(reader, location.blockHash());
      return block != null
          && location.index() < block.transactions().size()
          && Arrays.equals(
              block.transactions().get(location.index()).hash().unsafeArray(), entry.key());
    } catch (RuntimeException unreadable) {
      Verifier.rethrowUnlessDamage(unreadable);
      return false;
    }
  }
}
