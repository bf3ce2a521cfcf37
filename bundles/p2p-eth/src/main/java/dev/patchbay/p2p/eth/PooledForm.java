// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import org.jspecify.annotations.Nullable;

/** Transactions as PooledTransactions carries them: blob transactions with their sidecars. */
final class PooledForm {
  private static final int POINT_BYTES = 48;

  private PooledForm() {}

  /** Returns a transaction as an item of the list: a list for legacy, a byte string otherwise. */
  static Bytes encode(BlobSidecar.Pooled pooled) {
    byte[] encoding = pooled.encode();
    boolean legacy = pooled.transaction().type() == TransactionType.LEGACY;
    return Bytes.wrap(legacy ? encoding : new RlpWriter().bytes(encoding).toArray());
  }

  /**
   * Decodes an item.
   *
   * @throws RlpException when it is malformed
   */
  static BlobSidecar.Pooled decode(Bytes item) {
    RlpReader reader = RlpReader.of(item.unsafeArray());
    if (reader.nextIsList()) {
      return BlobSidecar.decode(reader.raw());
    }
    byte[] encoding = reader.byteArray();
    if (encoding.length > 0 && (encoding[0] & 0xff) >= 0xc0) {
      throw new RlpException("legacy transaction wrapped in a byte string");
    }
    return BlobSidecar.decode(encoding);
  }

  /**
   * Returns the size that an announcement states: the bytes of {@link BlobSidecar.Pooled#encode},
   * without encoding the blobs.
   *
   * @param sidecar null when the transaction has none
   */
  static int size(Transaction transaction, @Nullable BlobSidecar sidecar) {
    int plain = transaction.encodedSize();
    if (sidecar == null) {
      return plain;
    }
    int fields =
        plain
            - 1
            + (sidecar.version() == 0 ? 0 : 1)
            + list(sidecar.blobs().size(), Blobs.BLOB_BYTES)
            + list(sidecar.commitments().size(), POINT_BYTES)
            + list(sidecar.proofs().size(), POINT_BYTES);
    return 1 + RlpWriter.sizeWithHeader(fields);
  }

  private static int list(int count, int itemBytes) {
    return RlpWriter.sizeWithHeader(count * RlpWriter.sizeWithHeader(itemBytes));
  }
}
