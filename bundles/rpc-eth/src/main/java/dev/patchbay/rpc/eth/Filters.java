// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.eth.ClientQuota.Share;
import dev.patchbay.rpc.eth.Events.HeadChange;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Filters that clients poll. A filter holds the position of the events that it has reported, not
 * the events: it does not grow while nobody polls it. It is removed when nobody polls it for five
 * minutes, and when the next event that it has to report is no longer held. Polling it answers
 * "filter not found" then.
 *
 * <p>Threading: any thread.
 */
final class Filters {
  private static final Logger LOG = LoggerFactory.getLogger(Filters.class);

  static final int MAX_PER_CLIENT = 1_000;
  static final int MAX_FILTERS = 10_000;

  private static final Duration LIFE = Duration.ofMinutes(5);

  /** Blocks that are looked through for logs at once; more are an expensive call. */
  private static final int QUICK_BLOCKS = 16;

  /** One poll answers no further block once its logs have so many characters. */
  private static final long MAX_LENGTH = 4 << 20;

  private final LogSearch logs;
  private final Events events;
  private final HeadGap gap;
  private final ClientQuota conditions;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final ClientQuota quota =
      new ClientQuota("filters", "a client", MAX_PER_CLIENT, MAX_FILTERS);

  /** By id, the one that was used least recently first; guarded by this. */
  private final Map<String, Filter> filters = new LinkedHashMap<>(16, 0.75f, true);

  private final AtomicInteger count = new AtomicInteger();

  /** How many of the filters are for transactions. */
  private final AtomicInteger ofTransactions = new AtomicInteger();

  private enum Kind {
    LOGS,
    BLOCKS,
    TRANSACTIONS
  }

  private static final class Filter {
    final String id;
    final Kind kind;

    /** Null unless the filter is for logs. */
    final @Nullable LogCriteria criteria;

    /** The logs of new blocks that it reports; null unless the filter is for logs. */
    final @Nullable LiveLogs live;

    final List<Share> shares;

    /** Position of the next event to report. */
    final AtomicLong position;

    /** Guarded by the lock of the filters. */
    Instant used;

    Filter(
        String id,
        Kind kind,
        @Nullable LogCriteria criteria,
        @Nullable LiveLogs live,
        List<Share> shares,
        long position,
        Instant used) {
      this.id = id;
      this.kind = kind;
      this.criteria = criteria;
      this.live = live;
      this.shares = shares;
      this.position = new AtomicLong(position);
      this.used = used;
    }

    /**
     * Moves the position; returns the results, none when another poll has reported the events
     * meanwhile. Moves the position back when the results are written by a stream that fails.
     */
    Object report(long from, long next, Object results) {
      if (!position.compareAndSet(from, next)) {
        return List.of();
      }
      if (!(results instanceof RpcStream stream)) {
        return results;
      }
      return (RpcStream)
          out -> {
            try {
              stream.writeTo(out);
            } catch (Throwable failure) {
              position.compareAndSet(next, from);
              throw failure;
            }
          };
    }
  }

  /**
   * Creates an empty set of filters.
   *
   * @param gap appends the head changes whose events have not arrived, before filters are polled
   * @param conditions quota of addresses and topics
   */
  Filters(LogSearch logs, Events events, HeadGap gap, ClientQuota conditions, InstantSource clock) {
    this.logs = logs;
    this.events = events;
    this.gap = gap;
    this.conditions = conditions;
    this.clock = clock;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put(
        "eth_newFilter",
        (p, s) -> install(Kind.LOGS, LogCriteria.parse(new Params(p).object(0)), s));
    m.put("eth_newBlockFilter", (p, s) -> install(Kind.BLOCKS, null, s));
    m.put("eth_newPendingTransactionFilter", (p, s) -> install(Kind.TRANSACTIONS, null, s));
    m.put("eth_getFilterChanges", (p, s) -> changes(find(id(p))));
    m.put("eth_getFilterLogs", (p, s) -> all(find(id(p)), s));
    m.put("eth_uninstallFilter", (p, s) -> remove(id(p)));
    return m;
  }

  private static String id(List<@Nullable Object> p) throws RpcError {
    Object value = new Params(p).optional(0);
    if (!(value instanceof String id)) {
      throw RpcError.invalidParams("missing value for required argument 0");
    }
    return id;
  }

  private synchronized String install(Kind kind, @Nullable LogCriteria criteria, RpcSession session)
      throws RpcError {
    expire();
    String id = "0x" + new BigInteger(127, random).setBit(127).toString(16);
    count(kind, 1); // from here on events are kept
    try {
      gap.catchUp(); // what was before is not for the filter
      add(id, kind, criteria, session.client(), journal(kind).end(), clock.instant());
    } catch (Throwable failure) {
      count(kind, -1);
      throw failure;
    }
    return id;
  }

  private void add(
      String id,
      Kind kind,
      @Nullable LogCriteria criteria,
      Object client,
      long position,
      Instant used)
      throws RpcError {
    LiveLogs live = criteria == null ? null : criteria.live();
    List<Share> shares =
        ClientQuota.reserve(
            new Share(quota, client, 1),
            new Share(conditions, client, criteria == null ? 0 : criteria.query().alternatives()));
    filters.put(id, new Filter(id, kind, criteria, live, shares, position, used));
  }

  private void count(Kind kind, int change) {
    count.addAndGet(change);
    if (kind == Kind.TRANSACTIONS) {
      ofTransactions.addAndGet(change);
    }
  }

  /** Returns the filters for a successor, which {@link #restore} takes. */
  synchronized List<Object> handOver() {
    List<Object> out = new ArrayList<>();
    for (Filter filter : filters.values()) {
      out.add(
          List.of(
              filter.id,
              filter.kind.name(),
              filter.criteria == null ? Map.of() : filter.criteria.toJson(),
              filter.shares.get(0).client(),
              filter.position.get(),
              filter.used));
    }
    return out;
  }

  /** Takes the filters of a predecessor, but for those that cannot be taken. */
  @SuppressWarnings("unchecked") // JSON objects have names of any kind
  synchronized void restore(List<?> handedOver) {
    for (Object item : handedOver) {
      List<?> fields = (List<?>) item;
      try {
        Kind kind = Kind.valueOf((String) fields.get(1));
        add(
            (String) fields.get(0),
            kind,
            kind == Kind.LOGS
                ? LogCriteria.parse((Map<String, @Nullable Object>) fields.get(2))
                : null,
            fields.get(3),
            (Long) fields.get(4),
            (Instant) fields.get(5));
        count(kind, 1);
      } catch (RpcError | RuntimeException failure) {
        LOG.warn("a filter ends: {}", failure.toString());
      }
    }
  }

  private Journal<?> journal(Kind kind) {
    return kind == Kind.TRANSACTIONS ? events.transactions() : events.heads();
  }

  /** Removes the filters that were not polled for too long. */
  synchronized void expire() {
    Instant limit = clock.instant().minus(LIFE);
    for (Iterator<Filter> all = filters.values().iterator(); all.hasNext(); ) {
      Filter filter = all.next();
      if (!filter.used.isBefore(limit)) {
        return;
      }
      all.remove();
      ended(filter);
    }
  }

  private void ended(Filter filter) {
    ClientQuota.release(filter.shares);
    count(filter.kind, -1);
  }

  private synchronized Filter find(String id) throws RpcError {
    expire();
    Filter filter = filters.get(id);
    if (filter == null) {
      throw notFound();
    }
    filter.used = clock.instant();
    return filter;
  }

  private static RpcError notFound() {
    return new RpcError(RpcError.SERVER_ERROR, "filter not found");
  }

  private synchronized boolean remove(String id) {
    Filter filter = filters.remove(id);
    if (filter != null) {
      ended(filter);
    }
    return filter != null;
  }

  /** Removes all filters. */
  synchronized void clear() {
    List.copyOf(filters.keySet()).forEach(this::remove);
  }

  /** Returns the number of filters; takes no lock. */
  int count() {
    return count.get();
  }

  /** Returns whether a filter reads pending transactions; takes no lock. */
  boolean readsTransactions() {
    return ofTransactions.get() > 0;
  }

  private Object all(Filter filter, RpcSession session) throws RpcError {
    if (filter.criteria == null) {
      throw notFound();
    }
    return logs.search(filter.criteria, session.logLimits());
  }

  private Object changes(Filter filter) throws RpcError {
    if (filter.kind != Kind.TRANSACTIONS) {
      gap.catchUp();
    }
    long from = filter.position.get();
    List<Object> out = new ArrayList<>();
    if (filter.kind == Kind.TRANSACTIONS) {
      List<Transaction> added = since(filter, events.transactions(), from);
      added.forEach(transaction -> out.add(transaction.hash().toString()));
      return filter.report(from, from + added.size(), out);
    }
    List<HeadChange> heads = since(filter, events.heads(), from);
    LiveLogs live = filter.live;
    if (live != null) {
      if (heads.size() > QUICK_BLOCKS) {
        return (RpcExpensive) () -> look(filter, live, heads, from).report();
      }
      Poll poll = look(filter, live, heads, from);
      return poll.found.isHeld() ? poll.report() : (RpcExpensive) poll::report;
    }
    heads.stream().filter(c -> !c.removed()).forEach(c -> out.add(c.hash().toString()));
    return filter.report(from, from + heads.size(), out);
  }

  private <E> List<E> since(Filter filter, Journal<E> journal, long position) throws RpcError {
    List<E> found = journal.since(position, Integer.MAX_VALUE);
    if (found == null) {
      remove(filter.id);
      throw notFound();
    }
    return found;
  }

  /**
   * The outcome of a poll for logs.
   *
   * @param from position of the first event that was looked at
   * @param next position after the last one
   */
  private record Poll(Filter filter, long from, long next, FoundLogs found) {
    Object report() {
      return filter.report(from, next, found.result());
    }
  }

  /** Looks for the logs of the first blocks; the next poll goes on after them. */
  private Poll look(Filter filter, LiveLogs live, List<HeadChange> heads, long from)
      throws RpcError {
    FoundLogs found =
        new FoundLogs(live.query(), (hash, removed) -> required(filter, hash, removed));
    long next = from;
    for (HeadChange change : heads) {
      Deadline.check();
      if (live.mayMatch(change.header())) {
        found.add(required(filter, change.hash(), change.removed()));
      }
      next++;
      if (found.length() > MAX_LENGTH) {
        break;
      }
    }
    return new Poll(filter, from, next, found);
  }

  private BlockLogs required(Filter filter, Hash hash, boolean removed) throws RpcError {
    BlockLogs found;
    try {
      found = logs.logsOf(hash, removed);
    } catch (PrunedException pruned) {
      found = null;
    }
    if (found == null) {
      remove(filter.id);
      throw notFound();
    }
    return found;
  }
}
