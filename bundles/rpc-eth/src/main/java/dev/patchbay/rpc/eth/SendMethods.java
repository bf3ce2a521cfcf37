// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Methods that take transactions. */
final class SendMethods {
  private static final int MAX_WAITING = 16;
  private static final long DEFAULT_WAIT_MILLIS = 20_000;
  private static final long MAX_WAIT_MILLIS = 60_000;
  private static final int NOT_CONFIRMED = 4;

  /** Heads that change while no store is bound are not noticed, nor are clients that leave. */
  private static final long LOOK_EVERY_MILLIS = 1_000;

  private final ChainReader chain;
  private final TransactionPool pool;

  private final Function<Hash, @Nullable Object> receipts;
  private final Semaphore waiting = new Semaphore(MAX_WAITING);
  private final Object headChanged = new Object();
  private volatile boolean closed;

  /** Takes how receipts are found. */
  SendMethods(ChainReader chain, TransactionPool pool, Function<Hash, @Nullable Object> receipts) {
    this.chain = chain;
    this.pool = pool;
    this.receipts = receipts;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_sendRawTransaction", (p, s) -> send(decode(new Params(p))).toString());
    m.put("eth_sendRawTransactionSync", (p, s) -> sendAndWait(new Params(p), s));
    // of accounts whose keys the node holds: it holds none
    m.put("eth_pendingTransactions", (p, s) -> List.of());
    return m;
  }

  private static BlobSidecar.Pooled decode(Params params) throws RpcError {
    try {
      return BlobSidecar.decode(params.bytes(0).toArray());
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("invalid transaction: " + malformed.getMessage());
    }
  }

  private Hash send(BlobSidecar.Pooled sent) throws RpcError {
    Transaction transaction = sent.transaction();
    AddResult result = pool.add(transaction, sent.sidecar());
    if (result instanceof AddResult.Rejected rejected) {
      throw failure(rejected);
    }
    return transaction.hash();
  }

  /** Sends, also what was sent before: the call is made again when a bundle is replaced. */
  private Hash sendUnlessKnown(BlobSidecar.Pooled sent) throws RpcError {
    try {
      return send(sent);
    } catch (RpcError rejected) {
      Hash hash = sent.transaction().hash();
      if (pool.get(hash) == null && chain.transaction(hash) == null) {
        throw rejected;
      }
      return hash;
    }
  }

  private static RpcError failure(AddResult.Rejected rejected) {
    RpcError.Kind kind =
        switch (rejected.reason()) {
          case NONCE_TOO_LOW -> RpcError.Kind.NONCE_TOO_LOW;
          case INSUFFICIENT_FUNDS -> RpcError.Kind.INSUFFICIENT_FUNDS;
          case GAS_LIMIT -> RpcError.Kind.GAS_LIMIT;
          case UNDERPRICED -> RpcError.Kind.UNDERPRICED;
          case POOL_FULL -> RpcError.Kind.LIMIT;
          case ALREADY_KNOWN, INVALID, INVALID_BLOBS -> null;
        };
    Map<String, Object> data = new LinkedHashMap<>();
    AddResult.Reason reason = rejected.reason();
    // the difference is for peers
    data.put(
        "reason",
        (reason == AddResult.Reason.INVALID_BLOBS ? AddResult.Reason.INVALID : reason).name());
    if (kind == null) {
      return new RpcError(RpcError.SERVER_ERROR, rejected.message(), data);
    }
    data.put("standard", kind.code(RpcError.Profile.CATALOGUE));
    return new RpcError(kind, rejected.message(), data);
  }

  /** Sends, and answers with the receipt once there is one (EIP-7966). */
  private Object sendAndWait(Params params, RpcSession session) throws RpcError {
    long millis = DEFAULT_WAIT_MILLIS;
    if (params.optional(1) != null) {
      long asked = Params.quantity64("timeout", params.optional(1));
      millis = asked < 0 || asked > MAX_WAIT_MILLIS ? MAX_WAIT_MILLIS : asked;
    }
    if (!waiting.tryAcquire()) {
      throw new RpcError(
          RpcError.Kind.LIMIT, "too many requests wait for receipts, at most " + MAX_WAITING);
    }
    try {
      Hash hash = sendUnlessKnown(decode(params));
      Object receipt =
          await(hash, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis), session);
      if (receipt == null) {
        throw new RpcError(
            NOT_CONFIRMED,
            "The transaction was added to the transaction pool but wasn't processed in "
                + millis
                + " ms",
            hash.toString());
      }
      return receipt;
    } finally {
      waiting.release();
    }
  }

  /** Returns a receipt; null when the limit passes before there is one, or the client leaves. */
  private @Nullable Object await(Hash hash, long limit, RpcSession session) throws RpcError {
    synchronized (headChanged) {
      while (true) {
        Object receipt = receipt(hash);
        long left = TimeUnit.NANOSECONDS.toMillis(limit - System.nanoTime());
        if (receipt != null || left <= 0 || session.isGone()) {
          return receipt;
        }
        if (closed) {
          throw RpcError.absence("the namespace eth is stopped");
        }
        try {
          headChanged.wait(Math.min(left, LOOK_EVERY_MILLIS));
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return null;
        }
      }
    }
  }

  /** Returns the receipt of a transaction; null when there is none, or no store to read it from. */
  private @Nullable Object receipt(Hash hash) {
    try {
      return chain.transaction(hash) == null ? null : receipts.apply(hash);
    } catch (StorageUnavailableException unavailable) {
      return null;
    }
  }

  void headChanged() {
    synchronized (headChanged) {
      headChanged.notifyAll();
    }
  }

  void close() {
    closed = true;
    headChanged();
  }
}
