// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What travels with a blob transaction until it is in a block (EIP-4844, EIP-7594).
 *
 * @param version 0: a proof for each blob; 1: a proof for each cell of each blob
 * @param blobs the blobs, {@link Blobs#BLOB_BYTES} bytes each
 * @param commitments a commitment for each blob, 48 bytes
 * @param proofs the proofs, 48 bytes each, those of a blob after those of the blob before
 */
public record BlobSidecar(
    int version, List<Bytes> blobs, List<Bytes> commitments, List<Bytes> proofs) {
  private static final int POINT_BYTES = 48;

  /** Copies the lists. */
  public BlobSidecar {
    blobs = List.copyOf(blobs);
    commitments = List.copyOf(commitments);
    proofs = List.copyOf(proofs);
  }

  /**
   * A transaction as it is sent to a pool.
   *
   * @param transaction the transaction
   * @param sidecar what travels with it; null when nothing does
   */
  public record Pooled(Transaction transaction, @Nullable BlobSidecar sidecar) {
    /** Returns the encoding that {@link BlobSidecar#decode} reads. */
    public byte[] encode() {
      BlobSidecar own = sidecar;
      if (own == null) {
        return transaction.encode();
      }
      byte[] plain = transaction.encode();
      byte[] fields = Arrays.copyOfRange(plain, 1, plain.length);
      RlpWriter writer = new RlpWriter().rawByte(plain[0]);
      writer.list(
          w -> {
            w.raw(fields);
            if (own.version != 0) {
              w.number(own.version);
            }
            w.list(list -> own.blobs.forEach(list::bytes));
            w.list(list -> own.commitments.forEach(list::bytes));
            w.list(list -> own.proofs.forEach(list::bytes));
          });
      return writer.toArray();
    }
  }

  /**
   * Decodes a transaction that is sent to a pool: of a blob transaction the form with its sidecar,
   * or the one without.
   *
   * @throws RlpException when the bytes are neither
   */
  public static Pooled decode(byte[] encoding) {
    boolean blob = encoding.length > 1 && encoding[0] == (byte) TransactionType.BLOB.code();
    if (!blob) {
      return new Pooled(Transaction.decode(encoding), null);
    }
    RlpReader outer = RlpReader.of(encoding, 1);
    RlpReader inner = outer.list();
    if (!inner.nextIsList()) {
      return new Pooled(Transaction.decode(encoding), null);
    }
    outer.expectEnd();
    byte[] list = inner.raw();
    byte[] plain = new byte[list.length + 1];
    plain[0] = encoding[0];
    System.arraycopy(list, 0, plain, 1, list.length);
    long version = inner.nextIsList() ? 0 : inner.number();
    if (version != 0 && version != 1) {
      throw new RlpException(
          "unknown version " + Long.toUnsignedString(version) + " of a blob sidecar");
    }
    BlobSidecar sidecar =
        new BlobSidecar(
            (int) version,
            items(inner.list(), Blobs.BLOB_BYTES),
            items(inner.list(), POINT_BYTES),
            items(inner.list(), POINT_BYTES));
    inner.expectEnd();
    return new Pooled(Transaction.decode(plain), sidecar);
  }

  private static List<Bytes> items(RlpReader reader, int length) {
    List<Bytes> out = new ArrayList<>();
    while (reader.hasNext()) {
      out.add(Bytes.wrap(reader.fixed(length)));
    }
    return out;
  }

  /** Returns the position of a blob by its versioned hash; -1 when it is not here. */
  public int indexOf(Hash versionedHash) {
    for (int i = 0; i < commitments.size(); i++) {
      if (versionedHash.equals(Hash.of(Blobs.versionedHash(commitments.get(i).unsafeArray())))) {
        return i;
      }
    }
    return -1;
  }

  /** Returns the proofs of a blob: one, or one for each cell. */
  public List<Bytes> proofsOf(int index) {
    int each = version == 0 ? 1 : Blobs.CELLS;
    return proofs.subList(index * each, (index + 1) * each);
  }

  /** Returns why this is not the sidecar of some versioned hashes; null when it is. */
  public @Nullable String mismatch(List<Hash> versionedHashes) {
    int count = versionedHashes.size();
    int expected = version == 0 ? count : count * Blobs.CELLS;
    if (blobs.size() != count || commitments.size() != count || proofs.size() != expected) {
      return "invalid number of "
          + blobs.size()
          + " blobs, "
          + commitments.size()
          + " commitments and "
          + proofs.size()
          + " proofs for "
          + count
          + " blob hashes";
    }
    for (int i = 0; i < count; i++) {
      byte[] commitment = commitments.get(i).unsafeArray();
      if (!Hash.of(Blobs.versionedHash(commitment)).equals(versionedHashes.get(i))) {
        return "blob " + i + ": computed hash of the commitment mismatches the transaction's";
      }
      byte[] blob = blobs.get(i).unsafeArray();
      boolean holds =
          version == 0
              ? Blobs.verify(blob, commitment, proofs.get(i).unsafeArray())
              : Blobs.verifyCells(
                  blob,
                  commitment,
                  proofs.subList(i * Blobs.CELLS, (i + 1) * Blobs.CELLS).stream()
                      .map(Bytes::unsafeArray)
                      .toList());
      if (!holds) {
        return "blob " + i + ": invalid KZG proof";
      }
    }
    return null;
  }
}
