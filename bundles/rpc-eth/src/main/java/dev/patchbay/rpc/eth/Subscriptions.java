// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.eth.ClientQuota.Share;
import dev.patchbay.rpc.eth.Subscription.Kind;
import dev.patchbay.rpc.eth.Subscription.Topic;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Subscriptions over WebSocket and IPC: newHeads, logs, newPendingTransactions,
 * transactionReceipts, syncing. {@link Notifier} sends their notifications.
 *
 * <p>Threading: any thread.
 */
final class Subscriptions {
  static final int MAX_PER_CONNECTION = 256;
  static final int MAX_PER_CLIENT = 8_192;
  static final int MAX_SUBSCRIPTIONS = 32_768;

  private static final int MAX_HASHES = 200;

  private final Events events;
  private final ClientQuota conditions;
  private final ClientQuota ofConnections =
      new ClientQuota("subscriptions", "a connection", MAX_PER_CONNECTION, MAX_SUBSCRIPTIONS);
  private final ClientQuota ofClients =
      new ClientQuota("subscriptions", "a client", MAX_PER_CLIENT, MAX_SUBSCRIPTIONS);
  private final Map<String, Subscription> active = new ConcurrentHashMap<>();

  /** The active subscriptions of each topic that has any. */
  private final Map<Topic, Set<Subscription>> topics = new ConcurrentHashMap<>();

  /**
   * Creates an empty set of subscriptions.
   *
   * @param conditions quota of addresses, topics and transactions
   */
  Subscriptions(Events events, ClientQuota conditions) {
    this.events = events;
    this.conditions = conditions;
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
    Topic topic = topic(params);
    Set<String> hashes =
        topic.kind() == Kind.RECEIPTS ? hashes(params.object(1).get("transactionHashes")) : null;
    int held =
        (topic.query() == null ? 0 : topic.query().alternatives())
            + (hashes == null ? 0 : hashes.size());
    String id = session.newSubscription();
    List<Share> shares =
        ClientQuota.reserve(
            new Share(ofConnections, session, 1),
            new Share(ofClients, session.client(), 1),
            new Share(conditions, session.client(), held));
    Journal<?> journal = topic.kind() == Kind.PENDING ? events.transactions() : events.heads();
    Subscription subscription =
        new Subscription(id, session, topic, hashes, journal, shares, () -> end(id));
    active.put(id, subscription);
    topics.compute(
        topic,
        (key, known) -> {
          Set<Subscription> all = known == null ? ConcurrentHashMap.newKeySet() : known;
          all.add(subscription);
          return all;
        });
    session.onClose(subscription.onClose);
    if (!active.containsKey(id)) { // it has ended meanwhile
      session.removeOnClose(subscription.onClose);
    }
    return id;
  }

  private static Topic topic(Params params) throws RpcError {
    return switch (String.valueOf(params.optional(0))) {
      case "newHeads" -> new Topic(Kind.HEADS, null, false);
      case "logs" -> new Topic(Kind.LOGS, LogSearch.Query.parse(params.object(1)), false);
      case "newPendingTransactions" -> new Topic(Kind.PENDING, null, params.flag(1));
      case "transactionReceipts" -> new Topic(Kind.RECEIPTS, null, false);
      case "syncing" -> new Topic(Kind.SYNCING, null, false);
      default ->
          throw new RpcError(
              RpcError.METHOD_NOT_FOUND,
              "no \"" + params.optional(0) + "\" subscription in eth namespace");
    };
  }

  private static @Nullable Set<String> hashes(@Nullable Object given) throws RpcError {
    if (given == null) {
      return null;
    }
    Set<String> out = new HashSet<>();
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

  /** Ends a subscription; returns whether it was active. */
  boolean end(String id) {
    Subscription ended = active.remove(id);
    if (ended == null) {
      return false;
    }
    topics.computeIfPresent(
        ended.topic,
        (topic, all) -> {
          all.remove(ended);
          return all.isEmpty() ? null : all;
        });
    ClientQuota.release(ended.shares);
    ended.session.removeOnClose(ended.onClose);
    return true;
  }

  /** Calls an action for each topic that has subscriptions. */
  void forEachTopic(BiConsumer<Topic, Set<Subscription>> action) {
    topics.forEach(action);
  }

  /**
   * Sends a result to a subscription. The subscription ends when its connection is closed or its
   * client reads too slowly; then this returns false.
   */
  boolean notify(Subscription subscription, Object result) {
    boolean sent = subscription.session.notify("eth_subscription", subscription.id, result);
    if (!sent) {
      end(subscription.id);
    }
    return sent;
  }

  /** Ends a subscription, and closes its connection: the client would miss a notification. */
  void disconnect(Subscription subscription) {
    end(subscription.id);
    subscription.session.disconnect();
  }

  /** Returns the active subscriptions that match. */
  List<Subscription> matching(Predicate<Subscription> condition) {
    return active.values().stream().filter(condition).toList();
  }

  /** Returns the number of subscriptions. */
  int count() {
    return active.size();
  }

  /** Returns the number of clients that have subscriptions. */
  int clients() {
    return ofClients.clients();
  }

  /** Returns the number of topics that have subscriptions. */
  int topics() {
    return topics.size();
  }

  void close() {
    active.keySet().forEach(this::end);
  }
}
