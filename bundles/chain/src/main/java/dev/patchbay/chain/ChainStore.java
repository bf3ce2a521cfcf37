// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How blocks, receipts and indexes lie in the columns. */
final class ChainStore {
  private ChainStore() {}

  /** Returns what ends the message that something is wrong with a store. */
  static String damaged() {
    return ": the store is damaged. Nothing was changed. Restore the data directory from a backup, or start with another --datadir";
  }

  static @Nullable BlockHeader header(KeyReader reader, Hash hash) {
    byte[] rlp = reader.get(Columns.HEADERS, hash.unsafeArray());
    return rlp == null ? null : BlockHeader.read(RlpReader.of(rlp));
  }

  static @Nullable Block block(KeyReader reader, Hash hash) {
    BlockHeader header = header(reader, hash);
    byte[] body = header == null ? null : reader.get(Columns.BODIES, hash.unsafeArray());
    return header == null || body == null ? null : Block.decodeBody(header, body);
  }

  /** Returns a block that must be stored. */
  static Block requireBlock(KeyReader reader, Hash hash) {
    return required(block(reader, hash));
  }

  static <T> T required(@Nullable T part) {
    if (part == null) {
      throw new StorageException("a block of a known branch is missing" + damaged());
    }
    return part;
  }

  static @Nullable Hash canonical(KeyReader reader, long number) {
    byte[] hash = number < 0 ? null : reader.get(Columns.CANONICAL, Keys.number(number));
    return hash == null ? null : Hash.wrap(hash);
  }

  /** Returns the number of a block of the chain; null of any other. */
  static @Nullable Long canonicalNumber(KeyReader reader, Hash hash) {
    BlockHeader header = header(reader, hash);
    return header != null && hash.equals(canonical(reader, header.number()))
        ? header.number()
        : null;
  }

  /** Returns the number of the block under a key of META when it is canonical; null otherwise. */
  static @Nullable Long taggedNumber(KeyReader reader, byte[] key) {
    byte[] hash = reader.get(Columns.META, key);
    return hash == null ? null : canonicalNumber(reader, Hash.of(hash));
  }

  static @Nullable UInt256 totalDifficulty(KeyReader reader, Hash hash) {
    byte[] value = reader.get(Columns.DIFFICULTIES, hash.unsafeArray());
    return value == null ? null : UInt256.ofBytes(value);
  }

  static @Nullable List<Receipt> receipts(KeyReader reader, Hash hash) {
    byte[] rlp = reader.get(Columns.RECEIPTS, hash.unsafeArray());
    return rlp == null ? null : decodeReceipts(rlp);
  }

  static List<Receipt> decodeReceipts(byte[] rlp) {
    List<Receipt> out = new ArrayList<>();
    for (RlpReader items = RlpReader.of(rlp).list(); items.hasNext(); ) {
      out.add(Receipt.decode(items.byteArray()));
    }
    return out;
  }

  static @Nullable TransactionLocation transaction(KeyReader reader, Hash hash) {
    byte[] rlp = reader.get(Columns.TRANSACTIONS, hash.unsafeArray());
    return rlp == null ? null : decodeLocation(rlp);
  }

  static TransactionLocation decodeLocation(byte[] rlp) {
    RlpReader items = RlpReader.of(rlp).list();
    return new TransactionLocation(items.hash(), (int) items.number());
  }

  static void putSideBlock(WriteSet writes, Block block, UInt256 totalDifficulty) {
    byte[] hash = block.hash().toArray();
    writes.put(Columns.HEADERS, hash, block.header().encode());
    writes.put(Columns.BODIES, hash, block.encodeBody());
    writes.put(Columns.DIFFICULTIES, hash, totalDifficulty.toMinimalArray());
  }

  static void putBlock(
      WriteSet writes, Block block, List<Receipt> receipts, UInt256 totalDifficulty) {
    putSideBlock(writes, block, totalDifficulty);
    putReceipts(writes, block, receipts);
  }

  static void putReceipts(WriteSet writes, Block block, List<Receipt> receipts) {
    writes.put(Columns.RECEIPTS, block.hash().toArray(), encodeReceipts(receipts));
  }

  static byte[] encodeReceipts(List<Receipt> receipts) {
    return new RlpWriter()
        .list(w -> receipts.forEach(receipt -> w.bytes(receipt.encodeWhole())))
        .toArray();
  }

  /** Deletes a block that is not canonical. */
  static void delete(WriteSet writes, Hash hash) {
    byte[] key = hash.toArray();
    writes.delete(Columns.HEADERS, key);
    writes.delete(Columns.BODIES, key);
    writes.delete(Columns.RECEIPTS, key);
    writes.delete(Columns.DIFFICULTIES, key);
  }

  static void putCanonical(WriteSet writes, Block block) {
    writes.put(Columns.CANONICAL, Keys.number(block.number()), block.hash().toArray());
    int index = 0;
    for (Transaction transaction : block.transactions()) {
      int at = index++;
      writes.put(
          Columns.TRANSACTIONS, transaction.hash().toArray(), encodeLocation(block.hash(), at));
    }
  }

  static byte[] encodeLocation(Hash block, int index) {
    return new RlpWriter().list(w -> w.hash(block).number(index)).toArray();
  }

  static void removeCanonical(WriteSet writes, Block block) {
    writes.delete(Columns.CANONICAL, Keys.number(block.number()));
    block
        .transactions()
        .forEach(transaction -> writes.delete(Columns.TRANSACTIONS, transaction.hash().toArray()));
  }
}
