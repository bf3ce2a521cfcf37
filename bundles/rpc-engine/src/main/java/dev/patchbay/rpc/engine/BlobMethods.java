// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Blobs that the pool has, for a consensus client that waits for them. Threading: any thread. */
final class BlobMethods {
  private static final int MOST = 128;

  private final ChainReader chain;
  private final Supplier<@Nullable TransactionPool> pool;

  BlobMethods(ChainReader chain, Supplier<@Nullable TransactionPool> pool) {
    this.chain = chain;
    this.pool = pool;
  }

  /** Returns the blobs with one proof each, null for those that are not there. */
  Object getBlobsV1(Params params) throws RpcError {
    List<Hash> hashes = hashes(params);
    BlockHeader head = chain.head().header();
    if (chain.config().forkOf(head).includes(Fork.OSAKA)) {
      throw EngineErrors.unsupportedFork("getBlobsV1 ends with Osaka");
    }
    List<@Nullable Object> out = new ArrayList<>();
    for (Hash hash : hashes) {
      out.add(blob(hash, 0));
    }
    return out;
  }

  /** Returns the blobs with a proof for each cell; null when one is not there. */
  @Nullable Object getBlobsV2(Params params) throws RpcError {
    List<@Nullable Object> out = withCellProofs(params);
    return out.contains(null) ? null : out;
  }

  /** Returns the blobs with a proof for each cell, null for those that are not there. */
  Object getBlobsV3(Params params) throws RpcError {
    return withCellProofs(params);
  }

  /**
   * Returns the cells of the blobs in the columns that are asked for, each with its proof; null for
   * blobs that are not there.
   */
  Object getBlobsV4(Params params) throws RpcError {
    BitSet columns = columns("indices_bitarray", params.optional(1));
    List<@Nullable Object> out = new ArrayList<>();
    for (Hash hash : hashes(params)) {
      Deadline.check();
      BlobSidecar sidecar = sidecar(hash, 1);
      out.add(sidecar == null ? null : cells(sidecar, sidecar.indexOf(hash), columns));
    }
    return out;
  }

  private static Map<String, Object> cells(BlobSidecar sidecar, int index, BitSet columns) {
    Bytes blob = sidecar.blobs().get(index);
    boolean beyond = columns.length() > Blobs.CELLS / 2; // else the blob has them all
    byte[] all = beyond ? Blobs.cells(blob.unsafeArray()) : blob.unsafeArray();
    List<Bytes> proofs = sidecar.proofsOf(index);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put(
        "blob_cells",
        columns.stream()
            .map(column -> column * Blobs.CELL_BYTES)
            .mapToObj(at -> Bytes.wrap(Arrays.copyOfRange(all, at, at + Blobs.CELL_BYTES)))
            .toList());
    out.put("proofs", columns.stream().mapToObj(proofs::get).toList());
    return out;
  }

  /**
   * Reads columns: a bit for each, the first of a byte being the lowest (SSZ, Bitvector[128]).
   *
   * @throws RpcError with -32602 unless it has 16 bytes
   */
  static BitSet columns(String what, @Nullable Object value) throws RpcError {
    Bytes bits = Params.bytes(what, value);
    if (bits.size() != Blobs.CELLS / 8) {
      throw RpcError.invalidParams(
          "invalid " + what + ": it has " + bits.size() + " bytes, not " + Blobs.CELLS / 8);
    }
    return BitSet.valueOf(bits.unsafeArray());
  }

  private List<@Nullable Object> withCellProofs(Params params) throws RpcError {
    List<@Nullable Object> out = new ArrayList<>();
    for (Hash hash : hashes(params)) {
      out.add(blob(hash, 1));
    }
    return out;
  }

  private static List<Hash> hashes(Params params) throws RpcError {
    int count = params.list(0).size();
    if (count > MOST) {
      throw EngineErrors.tooLarge(count + " blobs, at most " + MOST + " are answered at once");
    }
    return params.hashes(0);
  }

  /** Returns a blob with proofs of a version; null when the pool has none. */
  private @Nullable Object blob(Hash versionedHash, int version) {
    BlobSidecar sidecar = sidecar(versionedHash, version);
    if (sidecar == null) {
      return null;
    }
    int index = sidecar.indexOf(versionedHash);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("blob", sidecar.blobs().get(index));
    List<Bytes> proofs = sidecar.proofsOf(index);
    if (version == 0) {
      out.put("proof", proofs.get(0));
    } else {
      out.put("proofs", proofs);
    }
    return out;
  }

  private @Nullable BlobSidecar sidecar(Hash versionedHash, int version) {
    TransactionPool current = pool.get();
    BlobSidecar sidecar = current == null ? null : current.sidecarByVersionedHash(versionedHash);
    return sidecar == null || sidecar.version() != version ? null : sidecar;
  }

  /** Returns the {@code BlobsBundle} of sidecars. */
  static Map<String, Object> bundle(List<BlobSidecar> sidecars) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("commitments", all(sidecars, BlobSidecar::commitments));
    out.put("proofs", all(sidecars, BlobSidecar::proofs));
    out.put("blobs", all(sidecars, BlobSidecar::blobs));
    return out;
  }

  private static List<Bytes> all(
      List<BlobSidecar> sidecars, java.util.function.Function<BlobSidecar, List<Bytes>> part) {
    return sidecars.stream().flatMap(sidecar -> part.apply(sidecar).stream()).toList();
  }
}
