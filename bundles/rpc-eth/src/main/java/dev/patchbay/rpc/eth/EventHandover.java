// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.node.Handover;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.eth.Events.HeadChange;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands filters, subscriptions and the events that they have not reported over to the successor of
 * the namespace, which goes on where this one ends.
 */
final class EventHandover {
  private static final Logger LOG = LoggerFactory.getLogger(EventHandover.class);
  private static final String NAME = "rpc-eth.events";

  /** Of what is handed over; another version of this bundle may have another one. */
  private static final int VERSION = 1;

  private final Handover handover;
  private final Events events;
  private final HeadGap gap;
  private final Filters filters;
  private final Subscriptions subscriptions;
  private final Notifier notifier;

  /** Hashes of the transactions that were announced. */
  private final Set<Hash> announced = new HashSet<>();

  EventHandover(
      Handover handover,
      Events events,
      HeadGap gap,
      Filters filters,
      Subscriptions subscriptions,
      Notifier notifier) {
    this.handover = handover;
    this.events = events;
    this.gap = gap;
    this.filters = filters;
    this.subscriptions = subscriptions;
    this.notifier = notifier;
  }

  /**
   * Notes what has been announced so far, while all events still arrive.
   *
   * @param pending returns the hashes of the transactions that are executable
   */
  void prepare(Supplier<Set<Hash>> pending) {
    try {
      gap.noteHead();
      announced.addAll(pending.get());
    } catch (RuntimeException failure) { // no store is bound, say: put() says so
      LOG.debug("preparing the handover: {}", failure.toString());
    }
  }

  /**
   * Hands over what there is, when no event arrives and no thread reads any more. The connections
   * of subscriptions that no successor takes are closed.
   */
  void put() {
    try {
      List<Transaction> latest =
          events.transactions().since(events.transactions().start(), Integer.MAX_VALUE);
      if (latest != null) {
        latest.forEach(transaction -> announced.add(transaction.hash()));
      }
      List<Object> subscribed = subscriptions.handOver();
      handover.put(
          NAME,
          Map.of(
              "version",
              VERSION,
              "head",
              gap.last(),
              "heads",
              state(events.heads()),
              "transactions",
              state(events.transactions()),
              "announced",
              Set.copyOf(announced),
              "positions",
              notifier.positions(),
              "filters",
              filters.handOver(),
              "subscriptions",
              subscribed),
          () -> dropped(subscribed));
    } catch (RuntimeException failure) { // no store is bound, say
      LOG.warn("filters and subscriptions end: {}", failure.toString());
      subscriptions.disconnectAll();
    }
  }

  /** Closes the connections of subscriptions that no successor has taken: no event arrives. */
  private static void dropped(List<Object> subscribed) {
    if (!subscribed.isEmpty()) {
      LOG.warn("subscriptions end with their connections: no successor has taken them");
      disconnect(subscribed);
    }
  }

  private static List<Object> state(Journal<?> journal) {
    long start = journal.start();
    List<?> entries = journal.since(start, Integer.MAX_VALUE);
    return List.of(
        start,
        entries == null
            ? List.of()
            : entries.stream().map(e -> e instanceof HeadChange c ? neutral(c) : e).toList());
  }

  private static Object neutral(HeadChange change) {
    return List.of(change.header(), change.hash(), change.removed(), change.depth());
  }

  /**
   * Takes what a predecessor has handed over, before anything is used.
   *
   * @return hashes of the transactions that were announced to the predecessor
   */
  Set<Hash> take() {
    Set<Hash> before = new HashSet<>();
    if (!(handover.take(NAME) instanceof Map<?, ?> state)) {
      return before;
    }
    try {
      if (!Integer.valueOf(VERSION).equals(state.get("version"))) {
        throw new IllegalArgumentException("the version is " + state.get("version"));
      }
      events
          .heads()
          .restore(
              (Long) list(state, "heads").get(0),
              ((List<?>) list(state, "heads").get(1))
                  .stream().map(EventHandover::headChange).toList());
      events
          .transactions()
          .restore(
              (Long) list(state, "transactions").get(0),
              ((List<?>) list(state, "transactions").get(1))
                  .stream().map(Transaction.class::cast).toList());
      notifier.restore(list(state, "positions"));
      filters.restore(list(state, "filters"));
      subscriptions.restore(list(state, "subscriptions"));
      ((Set<?>) field(state, "announced")).forEach(hash -> before.add((Hash) hash));
      gap.continueAfter((Hash) field(state, "head"));
    } catch (RuntimeException failure) { // made by another version
      LOG.warn("filters and subscriptions end: {}", failure.toString());
      filters.clear();
      subscriptions.disconnectAll();
      disconnect(state.get("subscriptions"));
    }
    return before;
  }

  /** Closes the connections of subscriptions that were not taken. */
  private static void disconnect(@Nullable Object handedOver) {
    if (handedOver instanceof List<?> items) {
      for (Object item : items) {
        if (item instanceof List<?> fields
            && fields.size() > 1
            && fields.get(1) instanceof RpcSession session) {
          session.disconnect();
        }
      }
    }
  }

  private static List<?> list(Map<?, ?> state, String key) {
    return (List<?>) field(state, key);
  }

  private static Object field(Map<?, ?> state, String key) {
    return Objects.requireNonNull(state.get(key), key);
  }

  private static HeadChange headChange(Object item) {
    List<?> fields = (List<?>) item;
    return new HeadChange(
        (BlockHeader) fields.get(0),
        (Hash) fields.get(1),
        (Boolean) fields.get(2),
        (Long) fields.get(3));
  }
}
