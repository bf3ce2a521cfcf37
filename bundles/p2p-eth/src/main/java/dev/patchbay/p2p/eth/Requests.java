// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.rlp.RlpException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The requests to one peer. A reply must have the id and the kind of a request, and not more than
 * was requested; anything else is a breach. The third timeout in a row ends the connection; a late
 * reply starts the count again.
 *
 * <p>Threading: any thread. A future completes in the thread that delivers the reply, notices the
 * timeout or ends the connection: what depends on it must return soon. It fails with {@link
 * RequestFailedException} when no reply came, and with what the reply violates otherwise.
 */
final class Requests {
  /** Requests for blocks at a time; one more is for transactions. */
  static final int MAX_OUTSTANDING = 8;

  /** Milliseconds for headers, bodies and receipts. */
  static final long BLOCKS_TIMEOUT_MILLIS = 10_000;

  /** Milliseconds for transactions. */
  static final long TRANSACTIONS_TIMEOUT_MILLIS = 5_000;

  private static final int MAX_TIMEOUTS = 3;

  private final PeerConnection connection;
  private final EthVersion version;
  private final LongSupplier millis;
  private final EthEvents events;

  private final Map<Long, Outstanding<?, ?>> outstanding = new HashMap<>();

  /** Requests whose replies came too late so far: such a reply is ignored. */
  private final Map<Long, Class<?>> late = new LinkedHashMap<>();

  private long latestId;
  private int timeouts;
  private boolean closed;

  /** The receipts of some blocks. */
  record BlockReceipts(List<List<Receipt>> blocks, boolean lastBlockIncomplete) {}

  /** Turns a reply into its content. */
  private interface Check<M, T> {
    T accept(M reply) throws PeerBreachException;
  }

  private record Outstanding<M extends EthReply, T>(
      Class<M> type, Check<M, T> check, long deadlineMillis, CompletableFuture<T> future) {
    /** Completes the future with a reply, or fails it and throws. */
    void complete(EthReply reply) throws PeerBreachException {
      T content;
      try {
        content = check.accept(type.cast(reply));
      } catch (PeerBreachException | RuntimeException fault) {
        future.completeExceptionally(fault);
        throw fault;
      }
      future.complete(content);
    }
  }

  private interface Message {
    EthMessage withId(long id);
  }

  /**
   * Creates the requests of a connection.
   *
   * @param millis monotonic time in milliseconds
   * @param events gets headers and bodies before a future completes with them
   */
  Requests(PeerConnection connection, EthVersion version, LongSupplier millis, EthEvents events) {
    this.connection = connection;
    this.version = version;
    this.millis = millis;
    this.events = events;
  }

  /**
   * Requests headers. The peer may return fewer; those it returns start at the origin and have the
   * requested distances.
   */
  CompletableFuture<List<BlockHeader>> headers(
      GetBlockHeaders.Origin origin, int limit, long skip, boolean reverse) {
    GetBlockHeaders query = new GetBlockHeaders(0, origin, limit, skip, reverse);
    return send(
        id -> new GetBlockHeaders(id, origin, limit, skip, reverse),
        BlockHeaders.class,
        reply -> {
          checkCount(reply.headers().size(), limit);
          List<BlockHeader> headers = reply.decodeHeaders();
          String fault = HeaderReplyCheck.fault(query, headers);
          if (fault != null) {
            throw breach(fault);
          }
          events.headers(connection.id(), reply.requestId(), headers, bytes(reply.headers()));
          return headers;
        },
        MAX_OUTSTANDING,
        BLOCKS_TIMEOUT_MILLIS);
  }

  /** Requests bodies. Whether a body belongs to the block of its position is not checked. */
  CompletableFuture<List<BlockBody>> bodies(List<Hash> hashes) {
    return send(
        id -> new GetBlockBodies(id, hashes),
        BlockBodies.class,
        reply -> {
          checkCount(reply.bodies().size(), hashes.size());
          List<BlockBody> bodies = reply.decodeBodies();
          events.bodies(connection.id(), reply.requestId(), bodies, bytes(reply.bodies()));
          return bodies;
        },
        MAX_OUTSTANDING,
        BLOCKS_TIMEOUT_MILLIS);
  }

  /**
   * Requests receipts. Whether they belong to the blocks is not checked.
   *
   * @param firstReceipt how many receipts of the first block to leave out; 0 before eth/70
   */
  CompletableFuture<BlockReceipts> receipts(List<Hash> hashes, long firstReceipt) {
    return send(
        id -> new GetReceipts(version, id, firstReceipt, hashes),
        Receipts.class,
        reply -> {
          checkCount(reply.blocks().size(), hashes.size());
          List<List<Receipt>> blocks = reply.decodeBlocks();
          if (reply.lastBlockIncomplete()
              && (blocks.isEmpty() || blocks.get(blocks.size() - 1).isEmpty())) {
            throw breach("an incomplete block without receipts");
          }
          return new BlockReceipts(blocks, reply.lastBlockIncomplete());
        },
        MAX_OUTSTANDING,
        BLOCKS_TIMEOUT_MILLIS);
  }

  /** Requests transactions of the pool. Each is one of those requested, and none comes twice. */
  CompletableFuture<List<BlobSidecar.Pooled>> transactions(List<Hash> hashes) {
    return send(
        id -> new GetPooledTransactions(id, hashes),
        PooledTransactions.class,
        reply -> {
          checkCount(reply.transactions().size(), hashes.size());
          List<BlobSidecar.Pooled> transactions = reply.decodeTransactions();
          Set<Hash> open = new HashSet<>(hashes);
          for (BlobSidecar.Pooled pooled : transactions) {
            if (!open.remove(pooled.transaction().hash())) {
              throw breach("transaction " + pooled.transaction().hash() + " was not requested");
            }
          }
          return transactions;
        },
        MAX_OUTSTANDING + 1,
        TRANSACTIONS_TIMEOUT_MILLIS);
  }

  private <M extends EthReply, T> CompletableFuture<T> send(
      Message message, Class<M> type, Check<M, T> check, int max, long timeoutMillis) {
    CompletableFuture<T> future = new CompletableFuture<>();
    long id;
    synchronized (this) {
      if (closed || outstanding.size() >= max) {
        future.completeExceptionally(
            new RequestFailedException(
                closed ? "disconnected" : max + " requests are outstanding"));
        return future;
      }
      id = ++latestId;
      long deadline = millis.getAsLong() + timeoutMillis;
      outstanding.put(id, new Outstanding<>(type, check, deadline, future));
    }
    EthMessage request = message.withId(id);
    if (!connection.send(request.code(), request.encode())) {
      remove(id);
      future.completeExceptionally(new RequestFailedException("disconnected"));
    }
    return future;
  }

  private synchronized void remove(long id) {
    outstanding.remove(id);
  }

  /**
   * Takes a reply of the peer.
   *
   * @throws PeerBreachException when it was not requested
   * @throws RlpException when its content is malformed
   */
  void received(EthReply reply) throws PeerBreachException {
    Outstanding<?, ?> request = take(reply);
    if (request != null) {
      request.complete(reply);
    }
  }

  /** Returns the request of a reply; null when the reply is late. */
  private synchronized @Nullable Outstanding<?, ?> take(EthReply reply) throws PeerBreachException {
    long id = reply.requestId();
    Outstanding<?, ?> request = outstanding.get(id);
    Class<?> type = request == null ? late.get(id) : request.type();
    if (type == null || !type.isInstance(reply)) {
      throw breach("unsolicited reply " + reply.code());
    }
    late.remove(id);
    outstanding.remove(id);
    timeouts = 0; // also after a late reply: the link may be slow, but the peer does reply
    return request;
  }

  /** Fails the requests whose time is over; called every now and then. */
  void expire() {
    List<Outstanding<?, ?>> expired = new ArrayList<>();
    boolean isUseless;
    synchronized (this) {
      long now = millis.getAsLong();
      for (Iterator<Map.Entry<Long, Outstanding<?, ?>>> all = outstanding.entrySet().iterator();
          all.hasNext(); ) {
        Map.Entry<Long, Outstanding<?, ?>> entry = all.next();
        if (now >= entry.getValue().deadlineMillis()) {
          all.remove();
          expired.add(entry.getValue());
          late.put(entry.getKey(), entry.getValue().type());
        }
      }
      timeouts += expired.isEmpty() ? 0 : 1; // one stall, also of this node, expires all that wait
      while (late.size() > 2 * MAX_OUTSTANDING) {
        late.remove(late.keySet().iterator().next());
      }
      isUseless = timeouts >= MAX_TIMEOUTS;
    }
    expired.forEach(
        request -> request.future().completeExceptionally(new RequestFailedException("timeout")));
    if (isUseless && !expired.isEmpty()) {
      connection.disconnect(
          DisconnectReason.PING_TIMEOUT, MAX_TIMEOUTS + " requests without a reply");
    }
  }

  /** Fails all requests, those of the future included: the connection has ended. */
  void close() {
    List<Outstanding<?, ?>> open;
    synchronized (this) {
      closed = true;
      open = List.copyOf(outstanding.values());
      outstanding.clear();
      late.clear();
    }
    open.forEach(
        request ->
            request.future().completeExceptionally(new RequestFailedException("disconnected")));
  }

  private static long bytes(List<Bytes> items) {
    return items.stream().mapToLong(Bytes::size).sum();
  }

  private static void checkCount(int count, int requested) throws PeerBreachException {
    if (count > requested) {
      throw breach(count + " items in a reply, " + requested + " requested");
    }
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }
}
