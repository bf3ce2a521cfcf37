// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Subscriptions over WebSocket: newHeads, logs, newPendingTransactions, transactionReceipts,
 * syncing.
 */
final class Subscriptions {
  private static final int MAX_PER_SESSION = 256;
  private static final int MAX_HASHES = 200;

  /** Blocks that a reorg may remove for all of their logs to be sent. */
  private static final int MAX_WHOLE_REORG = 64;

  private final LogSearch logs;
  private final Function<Block, List<Object>> receipts;
  private final Map<String, Subscription> active = new ConcurrentHashMap<>();

  private enum Kind {
    HEADS,
    LOGS,
    PENDING,
    RECEIPTS,
    SYNCING
  }

  /**
   * What a client wants to be told.
   *
   * @param hashes transactions whose receipts are wanted and have not come yet; null for all
   * @param onClose ends the subscription with its connection
   */
  private record Subscription(
      RpcSession session,
      Kind kind,
      LogSearch.@Nullable Query query,
      boolean full,
      @Nullable Set<String> hashes,
      Runnable onClose) {}

  /** Takes how the receipts of a block are told. */
  Subscriptions(LogSearch logs, Function<Block, List<Object>> receipts) {
    this.logs = logs;
    this.receipts = receipts;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_subscribe", (p, session) -> subscribe(new Params(p), session));
    m.put("eth_unsubscribe", (p, session) -> unsubscribe(p, session));
    return m;
  }

  private String subscribe(Params params, RpcSession session) throws RpcError {
    if (!session.canNotify()) {
      throw new RpcError(RpcError.METHOD_NOT_FOUND, "notifications not supported: use WebSocket");
    }
    Kind kind;
    LogSearch.Query query = null;
    boolean full = false;
    Set<String> hashes = null;
    switch (String.valueOf(params.optional(0))) {
      case "newHeads" -> kind = Kind.HEADS;
      case "logs" -> {
        kind = Kind.LOGS;
        query = LogSearch.Query.parse(params.object(1));
      }
      case "newPendingTransactions" -> {
        kind = Kind.PENDING;
        full = params.flag(1);
      }
      case "transactionReceipts" -> {
        kind = Kind.RECEIPTS;
        hashes = hashes(params.object(1).get("transactionHashes"));
      }
      case "syncing" -> kind = Kind.SYNCING;
      default ->
          throw new RpcError(
              RpcError.METHOD_NOT_FOUND,
              "no \"" + params.optional(0) + "\" subscription in eth namespace");
    }
    long own = active.values().stream().filter(s -> s.session == session).count();
    if (own >= MAX_PER_SESSION) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "too many subscriptions, at most " + MAX_PER_SESSION + " a connection");
    }
    String id = session.newSubscription();
    Runnable onClose = () -> active.remove(id);
    active.put(id, new Subscription(session, kind, query, full, hashes, onClose));
    session.onClose(onClose);
    if (!active.containsKey(id)) { // it has ended meanwhile
      session.removeOnClose(onClose);
    }
    return id;
  }

  /** Ends a subscription; returns whether it was active. */
  private boolean end(String id) {
    Subscription subscription = active.remove(id);
    if (subscription != null) {
      subscription.session.removeOnClose(subscription.onClose);
    }
    return subscription != null;
  }

  private static @Nullable Set<String> hashes(@Nullable Object given) throws RpcError {
    if (given == null) {
      return null;
    }
    Set<String> out = ConcurrentHashMap.newKeySet();
    for (Object hash : Params.list("transactionHashes", given)) {
      out.add(Params.hash("transactionHashes", hash).toString());
    }
    if (out.size() > MAX_HASHES) {
      throw RpcError.invalidParams(
          "exceed max transaction hashes: " + out.size() + ", at most " + MAX_HASHES);
    }
    return out.isEmpty() ? null : out;
  }

  private boolean unsubscribe(List<@Nullable Object> p, RpcSession session) throws RpcError {
    String id = String.valueOf(new Params(p).optional(0));
    Subscription found = active.get(id);
    if (found == null || found.session != session) {
      throw new RpcError(RpcError.SERVER_ERROR, "subscription not found");
    }
    return end(id);
  }

  /**
   * Sends the changes of a head. The removed logs of a deep reorg are sent as long as the client
   * reads them: it is not disconnected for blocks that are removed all at once.
   *
   * @param depth how many blocks the reorg removes in all of its calls
   */
  void headChanged(List<Block> removed, List<Block> added, long depth) {
    List<Object> heads = new ArrayList<>();
    added.forEach(block -> heads.add(Results.header(block.header(), block.hash())));
    forEach(
        (id, subscription) -> {
          LogSearch.Query query = subscription.query;
          if (subscription.kind == Kind.HEADS) {
            send(id, subscription, heads);
          } else if (query != null) {
            List<Object> found = new ArrayList<>();
            removed.forEach(block -> logs.collect(block, query, true, found));
            if (depth > MAX_WHOLE_REORG) {
              sendWhileRoom(id, subscription, found);
              found.clear();
            }
            added.forEach(block -> logs.collect(block, query, false, found));
            send(id, subscription, found);
          } else if (subscription.kind == Kind.RECEIPTS) {
            added.forEach(block -> sendReceipts(id, subscription, block));
          }
        });
  }

  /** Sends removed logs as long as the client reads them. */
  private void sendWhileRoom(String id, Subscription subscription, List<Object> logs) {
    for (Object log : logs) {
      if (!subscription.session.hasRoom()) {
        return;
      }
      send(id, subscription, List.of(log));
    }
  }

  /** Serves each subscription; one that fails stops no other, and its failure is thrown then. */
  private void forEach(BiConsumer<String, Subscription> action) {
    List<Runnable> tasks = new ArrayList<>();
    active.forEach((id, subscription) -> tasks.add(() -> action.accept(id, subscription)));
    Tasks.runAll(tasks);
  }

  /** Sends the receipts of a block in one list; the subscription ends with the last one wanted. */
  private void sendReceipts(String id, Subscription subscription, Block block) {
    Set<String> wanted = subscription.hashes;
    List<Object> found = new ArrayList<>();
    for (Object receipt : receipts.apply(block)) {
      if (wanted == null
          || (receipt instanceof Map<?, ?> map
              && wanted.remove(String.valueOf(map.get("transactionHash"))))) {
        found.add(receipt);
      }
    }
    if (!found.isEmpty()) {
      send(id, subscription, List.of(found));
    }
    if (wanted != null && wanted.isEmpty()) {
      end(id);
    }
  }

  void transactionPending(Transaction transaction) {
    forEach(
        (id, subscription) -> {
          if (subscription.kind == Kind.PENDING) {
            Object item =
                subscription.full
                    ? Results.transaction(transaction)
                    : transaction.hash().toString();
            send(id, subscription, List.of(item));
          }
        });
  }

  private void send(String id, Subscription subscription, List<Object> items) {
    for (Object item : items) {
      if (!subscription.session.notify("eth_subscription", id, item)) {
        end(id);
        return;
      }
    }
  }

  void close() {
    active.keySet().forEach(this::end);
  }
}
