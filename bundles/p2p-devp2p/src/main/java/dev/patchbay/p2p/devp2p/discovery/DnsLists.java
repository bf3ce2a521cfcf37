// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Node lists in the DNS (EIP-1459), and the lists to which they link. They are read on demand: a
 * {@link #request} is for {@link #BATCH} nodes, and there are at most three queries per second.
 *
 * <p>Threading: any thread.
 */
final class DnsLists implements AutoCloseable {
  /** Nodes of a request. */
  static final int BATCH = 16;

  /** Lists that are followed, linked ones included. */
  static final int MAX_LISTS = 16;

  static final long QUERY_MILLIS = 350;

  /** Time from the start of a traversal to the next one, when the list is read completely. */
  static final long RESTART_MILLIS = TimeUnit.MINUTES.toMillis(30);

  /** Time for which a list rests after its root could not be read, or the DNS has not responded. */
  static final long RETRY_MILLIS = TimeUnit.MINUTES.toMillis(1);

  private static final Logger LOG = LoggerFactory.getLogger(DnsLists.class);

  private final TxtResolver resolver;
  private final RandomGenerator random;
  private final Consumer<NodeRecord> sink;
  private final Timers clock;
  private final Failures failures = new Failures("DNS node lists", LOG::warn, LOG::info);
  private final Loop loop = new Loop("p2p-devp2p-dns-0", failures, this::step);

  /** How many nodes are wanted. */
  private final AtomicInteger wanted = new AtomicInteger();

  /** The lists, the one that is read next first. */
  private final Deque<Scheduled> lists = new ArrayDeque<>();

  private final Set<DnsListLink> known = new HashSet<>();

  /** A list and when it may be read. */
  private static final class Scheduled {
    private final DnsList list;
    private final Outage outage = new Outage(LOG::warn, LOG::info);
    private long dueMillis;
    private long startedMillis;

    Scheduled(DnsList list) {
      this.list = list;
    }
  }

  /**
   * Creates a reader that is not started.
   *
   * @param sink gets the nodes; called by the thread of this instance
   * @param nanoTime as of {@link System#nanoTime}
   */
  DnsLists(
      List<DnsListLink> links,
      TxtResolver resolver,
      RandomGenerator random,
      Consumer<NodeRecord> sink,
      LongSupplier nanoTime) {
    this.resolver = resolver;
    this.random = random;
    this.sink = sink;
    this.clock = new Timers(nanoTime);
    links.forEach(this::follow);
  }

  private void follow(DnsListLink link) {
    if (known.size() < MAX_LISTS && known.add(link)) {
      lists.add(new Scheduled(new DnsList(link, resolver, random)));
    }
  }

  void start() {
    loop.start();
  }

  /** Asks for more nodes; does nothing when as many are asked for already. */
  void request() {
    wanted.set(BATCH);
    loop.wake();
  }

  /** Returns the latest failure as one line; null when there is none. */
  @Nullable String failure() {
    return failures.latest();
  }

  /** Does a query when one is due; returns the time to the next one, in milliseconds. */
  long step() {
    if (wanted.get() <= 0) {
      return Loop.UNTIL_WOKEN;
    }
    long now = clock.nowMillis();
    long next = Loop.UNTIL_WOKEN;
    for (int i = lists.size(); i > 0; i--) {
      Scheduled scheduled = lists.removeFirst();
      lists.addLast(scheduled);
      if (scheduled.dueMillis <= now) {
        read(scheduled, now);
        return QUERY_MILLIS;
      }
      next = Math.min(next, scheduled.dueMillis - now);
    }
    return next;
  }

  private void read(Scheduled scheduled, long now) {
    DnsList list = scheduled.list;
    boolean isRoot = list.isComplete();
    if (isRoot) {
      scheduled.startedMillis = now;
    }
    try {
      accept(list.step());
      scheduled.outage.succeeded(named(list) + " is read again");
      if (list.isComplete()) {
        scheduled.dueMillis = scheduled.startedMillis + RESTART_MILLIS;
      }
    } catch (IOException unavailable) {
      scheduled.outage.failed(unreadable(list, unavailable));
      scheduled.dueMillis = now + RETRY_MILLIS;
    } catch (IllegalArgumentException malformed) {
      if (isRoot) {
        scheduled.outage.failed(unreadable(list, malformed));
      } else {
        LOG.debug("{}: {}", named(list), malformed.getMessage());
      }
      if (list.isComplete()) {
        scheduled.dueMillis = now + (isRoot ? RETRY_MILLIS : RESTART_MILLIS);
      }
    }
  }

  private void accept(@Nullable DnsEntry entry) {
    if (entry instanceof DnsEntry.Link found) {
      follow(found.link());
    } else if (entry instanceof DnsEntry.NodeEntry found) {
      wanted.decrementAndGet();
      sink.accept(found.record());
    }
  }

  private static String unreadable(DnsList list, Exception failure) {
    return named(list)
        + " cannot be read ("
        + failure.getMessage()
        + "). The node tries again after "
        + TimeUnit.MILLISECONDS.toMinutes(RETRY_MILLIS)
        + " minute";
  }

  private static String named(DnsList list) {
    return "the DNS node list " + list.link().domain();
  }

  /** Ends the query under way, and the thread. */
  @Override
  public void close() {
    resolver.close();
    loop.close();
  }
}
