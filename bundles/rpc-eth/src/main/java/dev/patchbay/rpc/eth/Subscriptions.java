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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Subscriptions over WebSocket and IPC: newHeads, logs, newPendingTransactions,
 * transactionReceipts, syncing. {@link Notifier} sends their notifications.
 *
 * <p>Threading: any thread.
 */
final class Subscriptions {
  private static final Logger LOG = LoggerFactory.getLogger(Subscriptions.class);

  static final int MAX_PER_CONNECTION = 256;
  static final int MAX_PER_CLIENT = 8_192;
  static final int MAX_SUBSCRIPTIONS = 32_768;

  private static final int MAX_HASHES = 200;

  private final Events events;
  private final HeadGap gap;
  private final ClientQuota conditions;
  private final ClientQuota ofConnections =
      new ClientQuota("subscriptions", "a connection", MAX_PER_CONNECTION, MAX_SUBSCRIPTIONS);
  private final ClientQuota ofClients =
      new ClientQuota("subscriptions", "a client", MAX_PER_CLIENT, MAX_SUBSCRIPTIONS);
  private final Map<String, Subscription> active = new ConcurrentHashMap<>();

  /** The active subscriptions of each topic that has any. */
  private final Map<Topic, Set<Subscription>> topics = new ConcurrentHashMap<>();

  private final AtomicInteger ofTransactions = new AtomicInteger();

  /**
   * Creates an empty set of subscriptions.
   *
   * @param gap appends the events that a predecessor has not seen
   * @param conditions quota of addresses, topics and transactions
   */
  Subscriptions(Events events, HeadGap gap, ClientQuota conditions) {
    this.events = events;
    this.gap = gap;
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
    Set<String> hashes = hashes(topic, params);
    gap.close(); // what was before is not for the subscription
    String id = session.newSubscription();
    add(id, session, topic, hashes, journal(topic).end());
    return id;
  }

  private Journal<?> journal(Topic topic) {
    return topic.kind() == Kind.PENDING ? events.transactions() : events.heads();
  }

  private void add(
      String id, RpcSession session, Topic topic, @Nullable Set<String> hashes, long from)
      throws RpcError {
    int held =
        (topic.logs() == null ? 0 : topic.logs().query().alternatives())
            + (hashes == null ? 0 : hashes.size());
    List<Share> shares =
        ClientQuota.reserve(
            new Share(ofConnections, session, 1),
            new Share(ofClients, session.client(), 1),
            new Share(conditions, session.client(), held));
    Subscription subscription =
        new Subscription(id, session, topic, hashes, journal(topic), from, shares, () -> end(id));
    active.put(id, subscription);
    count(topic, 1);
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
  }

  private void count(Topic topic, int change) {
    if (topic.kind() == Kind.PENDING) {
      ofTransactions.addAndGet(change);
    }
  }

  /** Returns the subscriptions for a successor, which {@link #restore} takes. */
  List<Object> handOver() {
    return active.values().stream()
        .<Object>map(s -> List.of(s.id, s.session, s.toParams(), s.from))
        .toList();
  }

  /**
   * Takes the subscriptions of a predecessor. The connections of those that cannot be taken are
   * closed.
   */
  void restore(List<?> handedOver) {
    for (Object item : handedOver) {
      List<?> fields = (List<?>) item;
      RpcSession session = (RpcSession) fields.get(1);
      try {
        Params params = new Params(Params.list("params", fields.get(2)));
        Topic topic = topic(params);
        add((String) fields.get(0), session, topic, hashes(topic, params), (Long) fields.get(3));
      } catch (RpcError | RuntimeException failure) {
        LOG.warn("a subscription ends with its connection: {}", failure.toString());
        session.disconnect();
      }
    }
  }

  private static Topic topic(Params params) throws RpcError {
    return switch (String.valueOf(params.optional(0))) {
      case "newHeads" -> new Topic(Kind.HEADS, null, false);
      case "logs" -> new Topic(Kind.LOGS, LogCriteria.parse(params.object(1)).live(), false);
      case "newPendingTransactions" -> new Topic(Kind.PENDING, null, params.flag(1));
      case "transactionReceipts" -> new Topic(Kind.RECEIPTS, null, false);
      case "syncing" -> new Topic(Kind.SYNCING, null, false);
      default ->
          throw new RpcError(
              RpcError.METHOD_NOT_FOUND,
              "no \"" + params.optional(0) + "\" subscription in eth namespace");
    };
  }

  private static @Nullable Set<String> hashes(Topic topic, Params params) throws RpcError {
    Object given = topic.kind() == Kind.RECEIPTS ? params.object(1).get("transactionHashes") : null;
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
    count(ended.topic, -1);
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

  /** Ends all subscriptions, and closes their connections. */
  void disconnectAll() {
    active.values().forEach(this::disconnect);
  }

  /** Returns the active subscriptions that match. */
  List<Subscription> matching(Predicate<Subscription> condition) {
    return active.values().stream().filter(condition).toList();
  }

  /** Returns the number of subscriptions. */
  int count() {
    return active.size();
  }

  /** Returns whether a subscription reads pending transactions. */
  boolean readsTransactions() {
    return ofTransactions.get() > 0;
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
