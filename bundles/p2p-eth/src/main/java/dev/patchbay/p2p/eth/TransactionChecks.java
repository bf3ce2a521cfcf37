// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import java.util.List;

/** Checks that cost little, and that every transaction passes which an honest peer sends. */
final class TransactionChecks {
  /**
   * Bytes by which the size of an announcement may be wrong: some clients leave out the header of
   * the byte string, or count it. As geth.
   */
  private static final long SIZE_TOLERANCE = 8;

  private TransactionChecks() {}

  /**
   * Checks a transaction that the peer sent without a request for it.
   *
   * @throws PeerBreachException when it may not be sent so: with blobs (EIP-4844, "Networking"), or
   *     a deposit
   */
  static void checkBroadcast(Transaction tx) throws PeerBreachException {
    checkType(tx);
    if (tx.type() == TransactionType.BLOB) {
      throw breach("blob transaction " + tx.hash() + " was not requested");
    }
  }

  /**
   * Checks a transaction that was requested.
   *
   * @param announced what the peer had announced
   * @throws PeerBreachException when it is another one, or its sidecar is not its own
   */
  static void checkRequested(
      BlobSidecar.Pooled pooled, NewPooledTransactionHashes.Announced announced)
      throws PeerBreachException {
    Transaction tx = pooled.transaction();
    BlobSidecar sidecar = pooled.sidecar();
    checkType(tx);
    if (tx.type().code() != announced.type()) {
      throw breach(
          "transaction "
              + tx.hash()
              + " has type "
              + tx.type().code()
              + ", announced was "
              + announced.type());
    }
    if (tx.type() == TransactionType.BLOB) {
      if (sidecar == null) {
        throw breach("blob transaction " + tx.hash() + " without its sidecar");
      }
      checkSidecar(tx, sidecar);
    }
    long size = PooledForm.size(tx, sidecar);
    long least = Math.max(0, size - SIZE_TOLERANCE);
    if (Long.compareUnsigned(announced.size(), least) < 0
        || Long.compareUnsigned(announced.size(), size + SIZE_TOLERANCE) > 0) {
      throw breach(
          "transaction "
              + tx.hash()
              + " has "
              + size
              + " bytes, announced were "
              + Long.toUnsignedString(announced.size()));
    }
  }

  private static void checkType(Transaction tx) throws PeerBreachException {
    if (tx.deposit() != null) {
      throw breach("a deposit is no transaction of a pool");
    }
  }

  /** Checks everything but the KZG proofs, which take long. */
  private static void checkSidecar(Transaction tx, BlobSidecar sidecar) throws PeerBreachException {
    List<Hash> hashes = tx.blobVersionedHashes();
    int count = hashes.size();
    int proofs = sidecar.version() == 0 ? count : count * Blobs.CELLS;
    if (sidecar.blobs().size() != count
        || sidecar.commitments().size() != count
        || sidecar.proofs().size() != proofs) {
      throw breach("blob transaction " + tx.hash() + " with the sidecar of another one");
    }
    for (int i = 0; i < count; i++) {
      byte[] commitment = sidecar.commitments().get(i).unsafeArray();
      if (!Hash.wrap(Blobs.versionedHash(commitment)).equals(hashes.get(i))) {
        throw breach("commitment " + i + " is not one of blob transaction " + tx.hash());
      }
    }
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }
}
