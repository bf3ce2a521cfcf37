// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession.LogLimits;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
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
import org.jspecify.annotations.Nullable;

/**
 * Filters that clients poll. An id is random; a filter that is not asked for five minutes is
 * dropped.
 */
final class Filters {
  private static final Duration LIFE = Duration.ofMinutes(5);
  private static final int MAX_FILTERS = 10_000;
  private static final int MAX_PENDING = 10_000;

  private final LogSearch logs;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final Map<String, Filter> filters = new LinkedHashMap<>();

  private enum Kind {
    LOGS,
    BLOCKS,
    TRANSACTIONS
  }

  private static final class Filter {
    final Kind kind;
    final Map<String, @Nullable Object> criteria;
    final LogSearch.@Nullable Query query;
    List<Object> changes = new ArrayList<>();
    Instant used;

    Filter(
        Kind kind,
        Map<String, @Nullable Object> criteria,
        LogSearch.@Nullable Query query,
        Instant used) {
      this.kind = kind;
      this.criteria = criteria;
      this.query = query;
      this.used = used;
    }

    void add(Object change) {
      if (changes.size() < MAX_PENDING) {
        changes.add(change);
      }
    }
  }

  Filters(LogSearch logs, InstantSource clock) {
    this.logs = logs;
    this.clock = clock;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_newFilter", (p, s) -> newLogFilter(new Params(p).object(0)));
    m.put("eth_newBlockFilter", (p, s) -> install(Kind.BLOCKS, Map.of(), null));
    m.put("eth_newPendingTransactionFilter", (p, s) -> install(Kind.TRANSACTIONS, Map.of(), null));
    m.put("eth_getFilterChanges", (p, s) -> changes(id(p)));
    m.put("eth_getFilterLogs", (p, s) -> all(id(p), s.logLimits()));
    m.put("eth_uninstallFilter", (p, s) -> uninstall(id(p)));
    return m;
  }

  private static String id(List<@Nullable Object> p) throws RpcError {
    Object value = new Params(p).optional(0);
    if (!(value instanceof String id)) {
      throw RpcError.invalidParams("missing value for required argument 0");
    }
    return id;
  }

  private String newLogFilter(Map<String, @Nullable Object> criteria) throws RpcError {
    return install(Kind.LOGS, criteria, LogSearch.Query.parse(criteria));
  }

  private synchronized String install(
      Kind kind, Map<String, @Nullable Object> criteria, LogSearch.@Nullable Query query)
      throws RpcError {
    expire();
    if (filters.size() >= MAX_FILTERS) {
      throw new RpcError(RpcError.Kind.LIMIT, "too many filters, at most " + MAX_FILTERS);
    }
    String id = "0x" + new BigInteger(127, random).setBit(127).toString(16);
    filters.put(id, new Filter(kind, criteria, query, clock.instant()));
    return id;
  }

  private void expire() {
    Instant limit = clock.instant().minus(LIFE);
    for (Iterator<Filter> all = filters.values().iterator(); all.hasNext(); ) {
      if (all.next().used.isBefore(limit)) {
        all.remove();
      }
    }
  }

  private Filter find(String id) throws RpcError {
    expire();
    Filter filter = filters.get(id);
    if (filter == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "filter not found");
    }
    filter.used = clock.instant();
    return filter;
  }

  private synchronized List<Object> changes(String id) throws RpcError {
    Filter filter = find(id);
    List<Object> out = filter.changes;
    filter.changes = new ArrayList<>();
    return out;
  }

  private Object all(String id, LogLimits limits) throws RpcError {
    Filter filter;
    synchronized (this) {
      filter = find(id);
    }
    if (filter.kind != Kind.LOGS) {
      throw new RpcError(RpcError.SERVER_ERROR, "filter not found");
    }
    return logs.search(filter.criteria, limits);
  }

  private synchronized boolean uninstall(String id) {
    return filters.remove(id) != null;
  }

  synchronized void headChanged(List<Block> removed, List<Block> added) {
    for (Filter filter : filters.values()) {
      LogSearch.Query query = filter.query;
      if (query != null) {
        List<Object> found = new ArrayList<>();
        removed.forEach(block -> logs.collect(block, query, true, found));
        added.forEach(block -> logs.collect(block, query, false, found));
        found.forEach(filter::add);
      } else if (filter.kind == Kind.BLOCKS) {
        added.forEach(block -> filter.add(block.hash().toString()));
      }
    }
  }

  synchronized void transactionPending(Transaction transaction) {
    for (Filter filter : filters.values()) {
      if (filter.kind == Kind.TRANSACTIONS) {
        filter.add(transaction.hash().toString());
      }
    }
  }
}
