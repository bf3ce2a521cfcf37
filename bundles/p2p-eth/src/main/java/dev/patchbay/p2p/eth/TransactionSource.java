// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A peer that transactions come from. Threading: any thread. */
interface TransactionSource {
  /** Requests transactions, see {@link Requests#transactions}. */
  CompletableFuture<List<BlobSidecar.Pooled>> requestTransactions(List<Hash> hashes);

  /** Ends the connection: the peer has sent what no honest peer sends. */
  void end(PeerBreachException breach);
}
