// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.discovery.Addresses;
import dev.patchbay.p2p.devp2p.discovery.Subnets;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
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
import java.util.function.ToIntFunction;
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
 * <p>Of the nodes that the operator has not named, few are of one subnet, and none is dialed while
 * as many peers of its subnet are dialed as may be. Private networks are exempt.
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

  /**
   * Candidates of one subnet, as in the table of discovery; a further one evicts one of these, by
   * the same rule.
   */
  static final int MAX_CANDIDATES_PER_SUBNET = 10;

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

    /** The subnet of the address; null when it is not limited: a private network, or a name. */
    @Nullable Bytes subnet;

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
      this.subnet = subnetOf(url);
      this.configured = configured;
      this.nextAttempt = nextAttempt;
      this.connectedAt = nextAttempt;
    }

    void setUrl(NodeUrl url) {
      this.url = url;
      subnet = subnetOf(url);
    }

    boolean isCandidateOf(@Nullable Bytes subnet) {
      return !configured && subnet != null && subnet.equals(this.subnet);
    }
  }

  DialSchedule(InstantSource clock) {
    this.clock = clock;
  }

  private static @Nullable Bytes subnetOf(NodeUrl url) {
    InetAddress address = url.literalAddress();
    return address == null || Addresses.isLan(address) ? null : Subnets.prefix(address);
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
    known.setUrl(url);
    return added;
  }

  /**
   * Adds a node that was discovered; when it is known by discovery only, its address is replaced.
   *
   * @return false when it was known, cannot be dialed, or there are too many nodes, also of its
   *     subnet
   */
  synchronized boolean candidate(NodeUrl url) {
    if (!url.isDialable()) {
      return false;
    }
    Bytes subnet = subnetOf(url);
    boolean isSubnetFull = isFull(subnet);
    Entry known = entries.get(url.id());
    if (known != null) {
      boolean mayMove = !isSubnetFull || known.isCandidateOf(subnet);
      if (mayMove && !known.configured && !known.dialing) {
        known.setUrl(url);
      }
      return false;
    }
    boolean isFull = isSubnetFull || entries.size() >= MAX_CANDIDATES;
    if (isFull && !evict(entry -> !isSubnetFull || entry.isCandidateOf(subnet))) {
      return false;
    }
    entries.put(url.id(), new Entry(url, false, clock.instant()));
    return true;
  }

  private boolean isFull(@Nullable Bytes subnet) {
    return count(entry -> entry.isCandidateOf(subnet)) >= MAX_CANDIDATES_PER_SUBNET;
  }

  private long count(Predicate<Entry> which) {
    return entries.values().stream().filter(which).count();
  }

  private boolean evict(Predicate<Entry> which) {
    Entry worst = null;
    for (Entry entry : entries.values()) {
      boolean isIdle = !entry.configured && !entry.dialing;
      if (isIdle && which.test(entry) && (worst == null || entry.failures >= worst.failures)) {
        worst = entry;
      }
    }
    return worst != null && entries.remove(worst.url.id()) != null;
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
   * @param peersOf how many peers of a subnet were dialed that are not configured
   */
  synchronized List<NodeUrl> due(
      int candidates, Predicate<NodeId> excluded, ToIntFunction<Bytes> peersOf) {
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
      if (mayDial
          && active < MAX_ACTIVE
          && isDue(entry, now, excluded)
          && hasPlace(entry, peersOf)) {
        free -= entry.configured ? 0 : 1;
        active++;
        entry.dialing = true;
        chosen.add(entry);
      }
    }
    chosen.forEach(entry -> begin(entry, now));
    return chosen.stream().map(entry -> entry.url).toList();
  }

  /** Returns whether a peer more of the subnet of a node would be admitted. */
  private boolean hasPlace(Entry entry, ToIntFunction<Bytes> peersOf) {
    Bytes subnet = entry.subnet;
    if (entry.configured || subnet == null) {
      return true;
    }
    long dialing = count(other -> other.dialing && other.isCandidateOf(subnet));
    return dialing + peersOf.applyAsInt(subnet) < PeerManager.MAX_DIALED_PER_SUBNET;
  }

  /** Plans the attempt after one that begins; all other nodes come before it next time. */
  private void begin(Entry entry, Instant now) {
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

  /** Records that an attempt has succeeded: the sub-protocols of the peer are established. */
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
