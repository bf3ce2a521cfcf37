// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A block: header and body. Threading: immutable; the hash is computed once. */
public final class Block {
  private final BlockHeader header;
  private final List<Transaction> transactions;
  private final List<BlockHeader> ommers;
  private final @Nullable List<Withdrawal> withdrawals;
  private @Nullable Hash hash;

  /**
   * Creates a block.
   *
   * @param withdrawals null before Shanghai
   */
  public Block(
      BlockHeader header,
      List<Transaction> transactions,
      List<BlockHeader> ommers,
      @Nullable List<Withdrawal> withdrawals) {
    this.header = header;
    this.transactions = List.copyOf(transactions);
    this.ommers = List.copyOf(ommers);
    this.withdrawals = withdrawals == null ? null : List.copyOf(withdrawals);
  }

  /** Returns the header. */
  public BlockHeader header() {
    return header;
  }

  /** Returns the transactions in order. */
  public List<Transaction> transactions() {
    return transactions;
  }

  /** Recovers the senders of all transactions, which keep them: a block is executed sooner then. */
  public void recoverSenders() {
    transactions.forEach(Transaction::senderBeforeHomestead);
  }

  /** Returns the ommers; none after the merge and under proof of authority. */
  public List<BlockHeader> ommers() {
    return ommers;
  }

  /** Returns the withdrawals; null before Shanghai. */
  public @Nullable List<Withdrawal> withdrawals() {
    return withdrawals;
  }

  /** Returns the number of the block. */
  public long number() {
    return header.number();
  }

  /** Returns the hash of the header. */
  public Hash hash() {
    Hash known = hash;
    if (known == null) {
      known = header.computeHash();
      hash = known;
    }
    return known;
  }

  /** Returns the RLP form. */
  public byte[] encode() {
    RlpWriter writer = new RlpWriter();
    writer.list(
        w -> {
          header.write(w);
          writeBody(w);
        });
    return writer.toArray();
  }

  /** Returns the RLP list of transactions, ommers and, when present, withdrawals. */
  public byte[] encodeBody() {
    return new RlpWriter().list(this::writeBody).toArray();
  }

  private void writeBody(RlpWriter w) {
    w.list(list -> transactions.forEach(transaction -> transaction.writeInBody(list)));
    w.list(list -> ommers.forEach(ommer -> ommer.write(list)));
    if (withdrawals != null) {
      w.list(list -> withdrawals.forEach(withdrawal -> withdrawal.write(list)));
    }
  }

  /**
   * Decodes what {@link #encode()} made.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when it is not a block, or bytes follow
   */
  public static Block decode(byte[] encoded) {
    RlpReader reader = RlpReader.of(encoded);
    Block block = read(reader);
    reader.expectEnd();
    return block;
  }

  /** Reads the RLP form. */
  public static Block read(RlpReader reader) {
    RlpReader r = reader.list();
    return readBody(BlockHeader.read(r), r);
  }

  /** Decodes what {@link #encodeBody()} made. */
  public static Block decodeBody(BlockHeader header, byte[] body) {
    return readBody(header, RlpReader.of(body).list());
  }

  private static Block readBody(BlockHeader header, RlpReader r) {
    List<Transaction> transactions = new ArrayList<>();
    for (RlpReader items = r.list(); items.hasNext(); ) {
      transactions.add(Transaction.readInBody(items));
    }
    List<BlockHeader> ommers = new ArrayList<>();
    for (RlpReader items = r.list(); items.hasNext(); ) {
      ommers.add(BlockHeader.read(items));
    }
    List<Withdrawal> withdrawals = null;
    if (r.hasNext()) {
      withdrawals = new ArrayList<>();
      for (RlpReader items = r.list(); items.hasNext(); ) {
        withdrawals.add(Withdrawal.read(items));
      }
    }
    r.expectEnd();
    return new Block(header, transactions, ommers, withdrawals);
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Block o && hash().equals(o.hash());
  }

  @Override
  public int hashCode() {
    return hash().hashCode();
  }

  /** Returns number and hash. */
  @Override
  public String toString() {
    return "Block[" + Long.toUnsignedString(number()) + " " + hash() + "]";
  }
}
