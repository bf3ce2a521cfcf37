// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Announces transactions (0x08, EIP-5793): three lists of equal length.
 *
 * @param announced the transactions, at most {@link EthLimits#MAX_HASHES}
 */
record NewPooledTransactionHashes(List<Announced> announced) implements EthMessage {
  /**
   * An announced transaction.
   *
   * @param hash its hash
   * @param type its type byte, 0 for legacy
   * @param size its size in bytes, as {@link PooledForm#size}; unsigned 64 bits
   */
  record Announced(Hash hash, int type, long size) {}

  /** Copies the list. */
  NewPooledTransactionHashes {
    announced = List.copyOf(announced);
  }

  @Override
  public int code() {
    return MessageCode.NEW_POOLED_TRANSACTION_HASHES;
  }

  @Override
  public Bytes encode() {
    byte[] types = new byte[announced.size()];
    for (int i = 0; i < types.length; i++) {
      types[i] = (byte) announced.get(i).type();
    }
    return RlpList.encode(
        w -> {
          w.bytes(types);
          w.list(sizes -> announced.forEach(one -> sizes.number(one.size())));
          w.list(hashes -> announced.forEach(one -> hashes.hash(one.hash())));
        });
  }

  /** Decodes a payload. */
  static NewPooledTransactionHashes decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          byte[] types = r.byteArray();
          List<Long> sizes = RlpList.read(r, EthLimits.MAX_HASHES, RlpReader::number);
          List<Hash> hashes = Payload.hashes(r, EthLimits.MAX_HASHES);
          if (types.length != hashes.size() || sizes.size() != hashes.size()) {
            throw new RlpException(
                types.length
                    + " types and "
                    + sizes.size()
                    + " sizes for "
                    + hashes.size()
                    + " hashes");
          }
          return new NewPooledTransactionHashes(
              IntStream.range(0, types.length)
                  .mapToObj(i -> new Announced(hashes.get(i), types[i] & 0xff, sizes.get(i)))
                  .toList());
        });
  }
}
