// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Results;
import dev.patchbay.rpc.eth.Subscription.Kind;
import dev.patchbay.rpc.eth.Subscription.Topic;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the notifications of subscriptions, by a thread of its own and in the order of the events.
 * A connection that would miss a notification is closed, so that its client learns of it.
 *
 * <p>Threading: any thread may call {@link #wake}, which does not wait.
 */
final class Notifier implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);

  /** Events of a journal that are delivered in one step. */
  private static final int BATCH = 64;

  /** Pause while the store, or another part that is read, is absent. */
  private static final long RETRY_MILLIS = 50;

  private final Subscriptions subscriptions;
  private final HeadGap gap;
  private final Failures failures = new Failures("notifying subscribers", LOG::warn, LOG::info);
  private final Loop loop = new Loop("rpc-eth-notifier-0", failures, this::step);
  private final Reader<Events.HeadChange> heads;
  private final Reader<Transaction> transactions;

  /** Makes the notifications of events of one kind. */
  interface Delivery<E> {
    /** Returns whether subscriptions of a topic are notified of an event. */
    boolean isFor(Topic topic, E event);

    /**
     * Reads what the notifications of an event need.
     *
     * @param topics the topics that the event is for
     * @return returns, for one of the topics, what notifies a subscription
     * @throws RuntimeException when that cannot be read for now; the call is repeated
     */
    Function<Topic, Consumer<Subscription>> prepare(E event, List<Topic> topics);
  }

  /** The subscriptions of a topic. */
  private record Group(Topic topic, Set<Subscription> subscriptions) {}

  /**
   * Creates a notifier that is not started.
   *
   * @param gap appends the events that a predecessor has not seen
   * @param receipts returns the receipts of a block as methods answer them
   */
  Notifier(
      Events events,
      HeadGap gap,
      Subscriptions subscriptions,
      LogSearch logs,
      Function<Block, List<Object>> receipts) {
    this.gap = gap;
    this.subscriptions = subscriptions;
    heads =
        new Reader<>(
            events.heads(), new HeadDelivery(subscriptions, logs, receipts, failures::failed));
    transactions = new Reader<>(events.transactions(), new PendingDelivery());
  }

  void start() {
    loop.start();
    loop.wake();
  }

  /** Returns the positions of the next events to deliver, of heads and of transactions. */
  List<Long> positions() {
    return List.of(heads.position, transactions.position);
  }

  /** Continues at the positions of a predecessor; before the start. */
  void restore(List<?> positions) {
    heads.position = (Long) positions.get(0);
    transactions.position = (Long) positions.get(1);
  }

  /** Returns the latest failure as one line; null when there is none. */
  @Nullable String failure() {
    return failures.latest();
  }

  /** Starts to deliver the events that were appended. */
  void wake() {
    loop.wake();
  }

  @Override
  public void close() {
    loop.close();
  }

  /** Delivers some events; the step of the thread. */
  long step() {
    try {
      gap.close();
      boolean more = transactions.deliver();
      more |= heads.deliver();
      return more ? 0 : Loop.UNTIL_WOKEN;
    } catch (StorageUnavailableException | NotReadyException replaced) {
      return RETRY_MILLIS; // the health of the store reports it
    }
  }

  private final class PendingDelivery implements Delivery<Transaction> {
    @Override
    public boolean isFor(Topic topic, Transaction transaction) {
      return topic.kind() == Kind.PENDING;
    }

    @Override
    public Function<Topic, Consumer<Subscription>> prepare(
        Transaction transaction, List<Topic> topics) {
      return topic -> {
        Object item =
            topic.full() ? Results.transaction(transaction) : transaction.hash().toString();
        SharedResult shared = new SharedResult(item);
        return subscription -> subscriptions.notify(subscription, shared);
      };
    }
  }

  /** Reads a journal and delivers its events. */
  private final class Reader<E> {
    private final Journal<E> journal;
    private final Delivery<E> delivery;

    /** Position of the next event to deliver. */
    private long position;

    Reader(Journal<E> journal, Delivery<E> delivery) {
      this.journal = journal;
      this.delivery = delivery;
      position = journal.end();
    }

    /** Delivers some events; returns whether there are more. */
    boolean deliver() {
      List<E> events = journal.since(position, BATCH);
      if (events == null) {
        position = journal.start();
        List<Subscription> late =
            subscriptions.matching(s -> s.journal == journal && s.from < position);
        if (!late.isEmpty()) {
          LOG.warn("{} subscriptions end: events come faster than they are sent", late.size());
        }
        late.forEach(this::disconnect);
        return true;
      }
      for (E event : events) {
        List<Group> groups = groups(event);
        Function<Topic, Consumer<Subscription>> notifications =
            delivery.prepare(event, groups.stream().map(Group::topic).toList());
        long current = position;
        position++; // from here on nothing is sent twice
        groups.forEach(group -> notify(group, notifications, current));
      }
      return events.size() == BATCH;
    }

    private List<Group> groups(E event) {
      List<Group> out = new ArrayList<>();
      subscriptions.forEachTopic(
          (topic, all) -> {
            if (delivery.isFor(topic, event)) {
              out.add(new Group(topic, all));
            }
          });
      return out;
    }

    private void notify(
        Group group, Function<Topic, Consumer<Subscription>> notifications, long current) {
      Consumer<Subscription> notification;
      try {
        notification = notifications.apply(group.topic);
      } catch (Throwable failure) { // the other topics are notified
        failures.failed(failure);
        notification = subscriptions::disconnect;
      }
      for (Subscription subscription : group.subscriptions) {
        if (subscription.from <= current) {
          notify(subscription, notification);
        }
      }
    }

    private void notify(Subscription subscription, Consumer<Subscription> notification) {
      try {
        notification.accept(subscription);
      } catch (Throwable failure) { // the other subscriptions are notified
        failures.failed(failure);
        disconnect(subscription);
      }
    }

    private void disconnect(Subscription subscription) {
      try {
        subscriptions.disconnect(subscription);
      } catch (Throwable failure) { // the subscription has ended, its connection is broken
        failures.failed(failure);
      }
    }
  }
}
