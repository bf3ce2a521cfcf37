// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides which node is dialed when. A node is dialed at most once in 35 seconds, and of those that
 * are due the one that was not dialed for the longest time comes first. Exempt are nodes that the
 * operator has named: after a connection that was established has ended, they are dialed after 1,
 * 1, 2, 2, 4, 4, 8, 16 and 32 seconds: while a bundle of theirs is replaced, they refuse for some
 * seconds, and accept again soon after. Bundles may be replaced one after the other, but a node
 * that ends each connection soon is not dialed each second without end: after 20 connections in a
 * row of less than a minute these quick attempts do not begin anew. A node that is full is dialed
 * after 5 minutes, and so is one that has no use for this node and was not named by the operator.
 *
 * <p>Threading: any thread.
 */
final class DialSchedule {
  /** Time between two attempts; longer than the interval after which nodes accept (30 s). */
  static final Duration INTERVAL = Duration.ofSeconds(35);

  /** Time after a refusal that will last. */
  static final Duration LONG_INTERVAL = Duration.ofMinutes(5);

  /** Duration of a connection after which it is not a short one. */
  static final Duration STABLE = Duration.ofMinutes(1);

  /** Short connections in a row that begin the quick attempts anew. */
  static final int MAX_SHORT_CONNECTIONS = 20;

  /** Time after which a node is dialed again that was discovered and never reached. */
  static final Duration MAX_INTERVAL = Duration.ofMinutes(30);

  private static final int MAX_DOUBLINGS = 10;

  /** Attempts at a time; as geth. */
  static final int MAX_ACTIVE = 16;

  /**
   * Nodes in total; a candidate above them evicts the one that has failed most often of those that
   * are neither configured nor being dialed, and of equal ones the one that would be dialed last.
   */
  private static final int MAX_CANDIDATES = 1_000;

  /** Seconds before each attempt after a connection has ended. */
  private static final int[] QUICK_SECONDS = {1, 1, 2, 2, 4, 4, 8, 16, 32};

  private static final Set<DisconnectReason> LASTING =
      EnumSet.of(
          DisconnectReason.TOO_MANY_PEERS,
          DisconnectReason.USELESS_PEER,
          DisconnectReason.INCOMPATIBLE_VERSION);

  private final InstantSource clock;

  /** Guarded by this. */
  private final Map<NodeId, Entry> entries = new LinkedHashMap<>();

  private static final class Entry {
    NodeUrl url;
    boolean configured;
    boolean dialing;
    Instant nextAttempt;

    /** How many quick attempts have been made; all when attempts are not quick. */
    int quickAttempts = QUICK_SECONDS.length;

    /** Attempts without success since the last success. */
    int failures;

    /** When the node became a peer, the latest time. */
    Instant connectedAt;

    /** Established connections in a row that have lasted for less than {@link #STABLE}. */
    int shortConnections;

    Entry(NodeUrl url, boolean configured, Instant nextAttempt) {
      this.url = url;
      this.configured = configured;
      this.nextAttempt = nextAttempt;
      this.connectedAt = nextAttempt;
    }
  }

  DialSchedule(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * Adds a node that the operator has named; it is due at once.
   *
   * @return false when it was added before; a new address replaces the old one
   */
  synchronized boolean configure(NodeUrl url) {
    Entry known = entries.get(url.id());
    if (known == null) {
      entries.put(url.id(), new Entry(url, true, clock.instant()));
      return true;
    }
    boolean added = !known.configured;
    if ((added || !known.url.equals(url)) && !known.dialing) {
      known.nextAttempt = clock.instant();
    }
    known.configured = true;
    known.url = url;
    return added;
  }

  /**
   * Adds a node that was discovered; when it is known by discovery only, its address is replaced.
   *
   * @return false when it was known, cannot be dialed, or there are too many nodes
   */
  synchronized boolean candidate(NodeUrl url) {
    if (!url.isDialable()) {
      return false;
    }
    Entry known = entries.get(url.id());
    if (known != null) {
      known.url = known.configured || known.dialing ? known.url : url;
      return false;
    }
    if (entries.size() >= MAX_CANDIDATES) {
      evict();
    }
    if (entries.size() >= MAX_CANDIDATES) {
      return false;
    }
    entries.put(url.id(), new Entry(url, false, clock.instant()));
    return true;
  }

  private void evict() {
    Entry worst = null;
    for (Entry entry : entries.values()) {
      boolean isIdle = !entry.configured && !entry.dialing;
      if (isIdle && (worst == null || entry.failures >= worst.failures)) {
        worst = entry;
      }
    }
    if (worst != null) {
      entries.remove(worst.url.id());
    }
  }

  /** Removes a node; returns false when it was not configured. */
  synchronized boolean remove(NodeId id) {
    Entry removed = entries.remove(id);
    return removed != null && removed.configured;
  }

  /**
   * Returns the nodes to dial now. Each one must be followed by one {@link #succeeded} or {@link
   * #failed}.
   *
   * @param candidates how many nodes may be dialed that are not configured
   * @param excluded whether a node is not due: it is connected, for instance
   */
  synchronized List<NodeUrl> due(int candidates, Predicate<NodeId> excluded) {
    Instant now = clock.instant();
    int active = 0;
    int free = candidates;
    for (Entry entry : entries.values()) {
      if (entry.dialing) {
        active++;
        free -= entry.configured ? 0 : 1;
      }
    }
    List<Entry> chosen = new ArrayList<>();
    for (Entry entry : entries.values()) {
      boolean mayDial = entry.configured || free > 0;
      if (mayDial && active < MAX_ACTIVE && isDue(entry, now, excluded)) {
        free -= entry.configured ? 0 : 1;
        active++;
        chosen.add(entry);
      }
    }
    chosen.forEach(entry -> begin(entry, now));
    return chosen.stream().map(entry -> entry.url).toList();
  }

  /** Marks a node as being dialed; all others come before it next time. */
  private void begin(Entry entry, Instant now) {
    entry.dialing = true;
    entry.nextAttempt = now.plus(interval(entry));
    entries.remove(entry.url.id());
    entries.put(entry.url.id(), entry);
  }

  /**
   * Returns the time between two attempts: for a node that was discovered more with each failure.
   */
  private static Duration interval(Entry entry) {
    if (entry.configured) {
      return INTERVAL;
    }
    Duration longer = INTERVAL.multipliedBy(1L << Math.min(entry.failures, MAX_DOUBLINGS));
    return longer.compareTo(MAX_INTERVAL) < 0 ? longer : MAX_INTERVAL;
  }

  private static boolean isDue(Entry entry, Instant now, Predicate<NodeId> excluded) {
    return !entry.dialing
        && !now.isBefore(entry.nextAttempt)
        && entry.url.isDialable()
        && !excluded.test(entry.url.id());
  }

  /** Returns after how many milliseconds a node is due that is not now; at most a minute. */
  synchronized long millisUntilDue() {
    Instant now = clock.instant();
    long least = Duration.ofMinutes(1).toMillis();
    for (Entry entry : entries.values()) {
      if (!entry.dialing && now.isBefore(entry.nextAttempt)) {
        Duration left = Duration.between(now, entry.nextAttempt);
        least = Math.min(least, left.toMillis() + 1); // rounded up
      }
    }
    return least;
  }

  /** Records that an attempt has succeeded: the node is a peer. */
  synchronized void succeeded(NodeId id) {
    Entry entry = entries.get(id);
    if (entry != null) {
      entry.dialing = false;
      entry.failures = 0;
    }
  }

  /**
   * Records that an attempt has failed.
   *
   * @param byPeer whether the peer has ended the connection
   * @param reason the reason that was sent or received; null when there is none
   */
  synchronized void failed(NodeId id, boolean byPeer, @Nullable DisconnectReason reason) {
    Entry entry = entries.get(id);
    if (entry != null) {
      entry.dialing = false;
      boolean isReached = reason == DisconnectReason.ALREADY_CONNECTED; // the node has dialed, too
      entry.failures = isReached ? 0 : entry.failures + 1;
      plan(entry, byPeer, reason);
    }
  }

  /** Records that a node is a peer, dialed or not; {@link #disconnected} follows. */
  synchronized void connected(NodeId id) {
    Entry entry = entries.get(id);
    if (entry != null) {
      entry.connectedAt = clock.instant();
    }
  }

  /**
   * Records that a node is a peer no longer.
   *
   * @param established whether the sub-protocols had been established
   * @param byPeer whether the peer has ended the connection
   * @param reason the reason that was sent or received; null when there is none
   */
  synchronized void disconnected(
      NodeId id, boolean established, boolean byPeer, @Nullable DisconnectReason reason) {
    Entry entry = entries.get(id);
    if (entry != null) {
      if (established && entry.configured) {
        countShortConnections(entry);
        if (entry.shortConnections <= MAX_SHORT_CONNECTIONS) {
          entry.quickAttempts = 0;
        }
      }
      plan(entry, byPeer, reason);
    }
  }

  private void countShortConnections(Entry entry) {
    boolean isShort = clock.instant().isBefore(entry.connectedAt.plus(STABLE));
    entry.shortConnections = isShort ? entry.shortConnections + 1 : 0;
  }

  /** Decides when a node is dialed again that has not become a peer, or is one no longer. */
  private void plan(Entry entry, boolean byPeer, @Nullable DisconnectReason reason) {
    boolean isReplaced = !byPeer && !entry.configured && reason == DisconnectReason.TOO_MANY_PEERS;
    if (isReplaced || byPeer && reason != null && isLasting(entry, reason)) {
      entry.quickAttempts = QUICK_SECONDS.length;
      entry.nextAttempt = clock.instant().plus(LONG_INTERVAL);
    } else {
      planQuickAttempt(entry);
    }
  }

  private void planQuickAttempt(Entry entry) {
    if (entry.quickAttempts < QUICK_SECONDS.length) {
      int pause = QUICK_SECONDS[entry.quickAttempts++];
      entry.nextAttempt = clock.instant().plusSeconds(pause);
    }
  }

  /** Returns whether a refusal will last. Configured nodes are given more chances. */
  private static boolean isLasting(Entry entry, DisconnectReason reason) {
    return entry.configured ? reason == DisconnectReason.TOO_MANY_PEERS : LASTING.contains(reason);
  }

  /** Makes a node due after a second: this node has ended the connection to begin a new one. */
  synchronized void redial(NodeUrl url) {
    Entry entry = entries.computeIfAbsent(url.id(), id -> new Entry(url, false, clock.instant()));
    entry.quickAttempts = 0;
    planQuickAttempt(entry);
  }
}
