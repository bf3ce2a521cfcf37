// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.PoolContent;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A pool that accepts what a test lets it accept, and notifies one listener. */
final class FakePool implements TransactionPool {
  final Map<Hash, Transaction> transactions = new LinkedHashMap<>();
  final Map<Hash, BlobSidecar> sidecars = new HashMap<>();
  final List<Transaction> added = new ArrayList<>();
  BiFunction<Transaction, @Nullable BlobSidecar, AddResult> judge =
      (transaction, sidecar) -> new AddResult.Accepted();
  PoolListener listener = transaction -> {};

  /** Lets the pool reject everything. */
  void rejectWith(AddResult.Reason reason) {
    judge = (transaction, sidecar) -> new AddResult.Rejected(reason, "a test says so");
  }

  @Override
  public AddResult add(Transaction transaction, @Nullable BlobSidecar sidecar, Origin origin) {
    added.add(transaction);
    AddResult result = judge.apply(transaction, sidecar);
    if (result instanceof AddResult.Accepted) {
      transactions.put(transaction.hash(), transaction);
      if (sidecar != null) {
        sidecars.put(transaction.hash(), sidecar);
      }
      listener.transactionPending(transaction);
    }
    return result;
  }

  @Override
  public @Nullable BlobSidecar sidecar(Hash transaction) {
    return sidecars.get(transaction);
  }

  @Override
  public @Nullable BlobSidecar sidecarByVersionedHash(Hash versionedHash) {
    return null;
  }

  @Override
  public boolean remove(Hash hash) {
    return transactions.remove(hash) != null;
  }

  @Override
  public int clear() {
    int count = transactions.size();
    transactions.clear();
    return count;
  }

  @Override
  public @Nullable Transaction get(Hash hash) {
    return transactions.get(hash);
  }

  @Override
  public Map<Address, List<Transaction>> pending() {
    Map<Address, List<Transaction>> out = new LinkedHashMap<>();
    for (Transaction transaction : transactions.values()) {
      Address sender = transaction.sender();
      if (sender != null) {
        out.computeIfAbsent(sender, key -> new ArrayList<>()).add(transaction);
      }
    }
    return out;
  }

  @Override
  public Map<Address, List<Transaction>> queued() {
    return Map.of();
  }

  @Override
  public PoolContent content(Address sender) {
    return PoolContent.EMPTY;
  }

  @Override
  public PoolStatus status() {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable Long nextNonce(Address sender) {
    return null;
  }
}
