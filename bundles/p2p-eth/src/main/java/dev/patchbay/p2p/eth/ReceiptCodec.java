// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Receipts on the wire. In eth/68 a receipt has the form of the receipts trie, with its bloom
 * filter, as a byte string when it is typed. From eth/69 on it is a list of type, status or state
 * root, cumulative gas and logs, for all types (EIP-7642); the receipt of a deposit has its nonce
 * and version after them, where the trie has them, as in op-geth.
 */
final class ReceiptCodec {
  private ReceiptCodec() {}

  /** Returns one receipt as an item of the list of its block. */
  static byte[] encode(Receipt receipt, EthVersion version) {
    RlpWriter writer = new RlpWriter();
    if (version.hasBlockRange()) {
      writeWithoutBloom(writer, receipt);
    } else if (receipt.type() == TransactionType.LEGACY) {
      writer.raw(receipt.encode());
    } else {
      writer.bytes(receipt.encode());
    }
    return writer.toArray();
  }

  private static void writeWithoutBloom(RlpWriter writer, Receipt receipt) {
    writer.list(
        w -> {
          w.number(receipt.type().code());
          Hash root = receipt.postState();
          if (root != null) {
            w.hash(root);
          } else {
            w.number(receipt.success() ? 1 : 0);
          }
          w.number(receipt.cumulativeGasUsed());
          w.list(list -> receipt.logs().forEach(log -> log.write(list)));
          Long nonce = receipt.depositNonce();
          Long depositVersion = receipt.depositReceiptVersion();
          if (nonce != null && depositVersion != null) {
            w.number(nonce).number(depositVersion);
          }
        });
  }

  /**
   * Reads one receipt.
   *
   * @throws RlpException when it is malformed
   */
  static Receipt read(RlpReader reader, EthVersion version) {
    return version.hasBlockRange() ? readWithoutBloom(reader) : readWithBloom(reader);
  }

  private static Receipt readWithBloom(RlpReader reader) {
    if (reader.nextIsList()) {
      return Receipt.decode(reader.raw());
    }
    byte[] typed = reader.byteArray();
    if (typed.length == 0 || typed[0] <= 0) { // 0 is no type of an envelope, a list begins at 0xc0
      throw new RlpException("a typed receipt begins with its type");
    }
    return Receipt.decode(typed);
  }

  private static Receipt readWithoutBloom(RlpReader reader) {
    RlpReader r = reader.list();
    long code = r.number();
    TransactionType type = code < 0 || code > 0x7f ? null : TransactionType.ofCode((int) code);
    if (type == null) {
      throw new RlpException("unknown receipt type " + Long.toUnsignedString(code));
    }
    byte[] status = r.byteArray();
    boolean isRoot = status.length == Hash.SIZE;
    boolean success = status.length == 1 && status[0] == 1;
    if (!isRoot && !success && status.length != 0) {
      throw new RlpException("neither a status nor a state root: " + status.length + " bytes");
    }
    long gas = r.number();
    List<Log> logs = RlpList.read(r, EthLimits.MAX_ITEMS, Log::read);
    boolean deposit = type == TransactionType.DEPOSIT && r.hasNext();
    Long nonce = deposit ? (Long) r.number() : null;
    Long depositVersion = deposit ? (Long) r.number() : null;
    r.expectEnd();
    return new Receipt(
        type,
        success,
        isRoot ? Hash.wrap(status) : null,
        gas,
        Bloom.of(logs),
        logs,
        nonce,
        depositVersion);
  }
}
