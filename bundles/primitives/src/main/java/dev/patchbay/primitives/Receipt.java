// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A transaction receipt (Yellow Paper, section 4.3.1).
 *
 * @param type type of the transaction
 * @param success whether the transaction succeeded; meaningless when {@code postState} is present
 * @param postState state root after the transaction, before Byzantium only; null from Byzantium on
 *     (EIP-658)
 * @param cumulativeGasUsed gas used by the block up to and with this transaction
 * @param logsBloom filter of the logs
 * @param logs the logs in order
 * @param depositNonce nonce of the sender of a deposit before it, unsigned; null for other types
 *     and before Regolith
 * @param depositReceiptVersion version of the receipt of a deposit from Canyon on, when the nonce
 *     became part of what the receipts trie holds; null before, and for other types
 */
public record Receipt(
    TransactionType type,
    boolean success,
    @Nullable Hash postState,
    long cumulativeGasUsed,
    Bloom logsBloom,
    List<Log> logs,
    @Nullable Long depositNonce,
    @Nullable Long depositReceiptVersion) {
  /** Copies the list. */
  public Receipt {
    logs = List.copyOf(logs);
  }

  /** Creates a receipt of any transaction but a deposit. */
  public Receipt(
      TransactionType type,
      boolean success,
      @Nullable Hash postState,
      long cumulativeGasUsed,
      Bloom logsBloom,
      List<Log> logs) {
    this(type, success, postState, cumulativeGasUsed, logsBloom, logs, null, null);
  }

  /** Creates a receipt of a transaction from Byzantium on; the filter is computed. */
  public static Receipt of(
      TransactionType type, boolean success, long cumulativeGasUsed, List<Log> logs) {
    return new Receipt(type, success, null, cumulativeGasUsed, Bloom.of(logs), logs);
  }

  /** Returns the EIP-2718 form, as the receipts trie holds it. */
  public byte[] encode() {
    return encode(depositReceiptVersion != null);
  }

  /** Returns the EIP-2718 form with the nonce of a deposit, which the trie may do without. */
  public byte[] encodeWhole() {
    return encode(depositNonce != null);
  }

  private byte[] encode(boolean withNonce) {
    RlpWriter writer = new RlpWriter();
    if (type != TransactionType.LEGACY) {
      writer.rawByte(type.code());
    }
    writer.list(
        w -> {
          if (postState != null) {
            w.hash(postState);
          } else {
            w.number(success ? 1 : 0);
          }
          w.number(cumulativeGasUsed).bytes(logsBloom.unsafeArray());
          w.list(list -> logs.forEach(log -> log.write(list)));
          if (withNonce && depositNonce != null) {
            w.number(depositNonce);
          }
          if (depositReceiptVersion != null) {
            w.number(depositReceiptVersion);
          }
        });
    return writer.toArray();
  }

  /** Decodes the EIP-2718 form, with or without the nonce of a deposit. */
  public static Receipt decode(byte[] encoding) {
    TransactionType type = TransactionType.LEGACY;
    int start = 0;
    if (encoding.length > 0 && (encoding[0] & 0xff) < 0xc0) {
      type = TransactionType.ofCode(encoding[0] & 0xff);
      start = 1;
      if (type == null) {
        throw new dev.patchbay.primitives.rlp.RlpException("unknown receipt type " + encoding[0]);
      }
    }
    RlpReader outer = RlpReader.of(encoding, start);
    RlpReader r = outer.list();
    outer.expectEnd();
    byte[] statusOrRoot = r.byteArray();
    long gas = r.number();
    Bloom bloom = Bloom.wrap(r.fixed(Bloom.SIZE));
    List<Log> logs = new ArrayList<>();
    for (RlpReader items = r.list(); items.hasNext(); ) {
      logs.add(Log.read(items));
    }
    boolean deposit = type == TransactionType.DEPOSIT;
    Long nonce = deposit && r.hasNext() ? (Long) r.number() : null;
    Long version = deposit && r.hasNext() ? (Long) r.number() : null;
    r.expectEnd();
    Hash root = statusOrRoot.length == 32 ? Hash.wrap(statusOrRoot) : null;
    return new Receipt(
        type,
        statusOrRoot.length == 1 && statusOrRoot[0] == 1,
        root,
        gas,
        bloom,
        logs,
        nonce,
        version);
  }
}
