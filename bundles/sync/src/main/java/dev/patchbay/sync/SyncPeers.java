// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.binding.Threads;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which peers to download from. A peer that was of no use rests: one second at first, twice as long
 * each time, ten minutes at most, until it has given what was needed. One that has sent what is
 * invalid is banned.
 *
 * <p>Threading: any thread.
 */
final class SyncPeers {
  private static final Logger LOG = LoggerFactory.getLogger(SyncPeers.class);
  private static final Duration BAN = Duration.ofMinutes(10);
  private static final long MIN_REST_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long MAX_REST_NANOS = TimeUnit.MINUTES.toNanos(10);

  /** A peer may hang up before it is banned. */
  private static final int MAX_URLS = 1_000;

  /** More than any network takes for a reply or a failure. */
  private static final Duration REPLY_LIMIT = Duration.ofSeconds(30);

  /** Bodies in a request. */
  private static final int MAX_BODIES = 128;

  private static final int FIRST_BODIES = 16;

  /** Characters of a reason that are kept: it may hold what a peer has sent, at any length. */
  private static final int MAX_REASON = 200;

  private record Rest(long nanos, long until) {}

  private final Peers peers;
  private final LongSupplier nanos;

  private final ReplySpeeds headerSpeeds =
      new ReplySpeeds(Download.MAX_HEADERS, Download.MAX_HEADERS);
  private final ReplySpeeds bodySpeeds = new ReplySpeeds(FIRST_BODIES, MAX_BODIES);

  /** Peers that were of no use, and since when they rest; guarded by this. */
  private final Map<PeerId, Rest> rests = new HashMap<>();

  /** URLs of the latest peers; guarded by this. */
  private final Map<PeerId, String> urls =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PeerId, String> eldest) {
          return size() > MAX_URLS;
        }
      };

  /**
   * Creates the choice.
   *
   * @param nanos monotonic time in nanoseconds
   */
  SyncPeers(Peers peers, LongSupplier nanos) {
    this.peers = peers;
    this.nanos = nanos;
  }

  /** Requests headers, see {@link Peers#headers}. */
  CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
    return Threads.orTimeout(peers.headers(request), REPLY_LIMIT);
  }

  /** Requests bodies, see {@link Peers#bodies}. */
  CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
    return Threads.orTimeout(peers.bodies(request), REPLY_LIMIT);
  }

  /** Returns how fast peers give headers downwards, from a hash on. */
  ReplySpeeds headerSpeeds() {
    return headerSpeeds;
  }

  /** Returns how fast peers give bodies. */
  ReplySpeeds bodySpeeds() {
    return bodySpeeds;
  }

  /** Returns the peers that can be asked now: they have stated a head and do not rest. */
  List<PeerInfo> available() {
    List<PeerInfo> connected = connected();
    long now = nanos.getAsLong();
    Set<PeerId> ids = connected.stream().map(PeerInfo::id).collect(Collectors.toSet());
    headerSpeeds.retain(ids);
    bodySpeeds.retain(ids);
    synchronized (this) {
      rests.entrySet().removeIf(e -> e.getValue().until - now <= 0 && !ids.contains(e.getKey()));
      return connected.stream()
          .filter(peer -> peer.head() != null && !rests(peer.id(), now))
          .toList();
    }
  }

  /** Returns the peers, and notes their URLs. */
  private List<PeerInfo> connected() {
    List<PeerInfo> connected = peers.list();
    synchronized (this) {
      connected.forEach(peer -> urls.put(peer.id(), peer.url()));
    }
    return connected;
  }

  private boolean rests(PeerId peer, long now) {
    Rest rest = rests.get(peer);
    return rest != null && rest.until - now > 0;
  }

  /**
   * Returns the peer with the best chain: the most total difficulty of those that state it, else
   * the longest. Its head is not known here, and it does not state less total difficulty than
   * {@code totalDifficulty}; or it is known to have more, such as a branch that an operator or the
   * end of the process took the head from. Its number does not matter: a shorter branch may have
   * more.
   *
   * @return null when there is none
   */
  @Nullable PeerInfo best(HeaderReader chain, UInt256 totalDifficulty) {
    return available().stream()
        .filter(peer -> mayBeBetter(peer, chain, totalDifficulty))
        .max(
            Comparator.comparing((PeerInfo peer) -> difficulty(peer))
                .thenComparing((a, b) -> Long.compareUnsigned(number(a), number(b))))
        .orElse(null);
  }

  /** Returns whether another peer than one may have a better chain, see {@link #best}. */
  boolean hasBetter(HeaderReader chain, UInt256 totalDifficulty, PeerId one) {
    return available().stream()
        .anyMatch(peer -> !peer.id().equals(one) && mayBeBetter(peer, chain, totalDifficulty));
  }

  private static boolean mayBeBetter(PeerInfo peer, HeaderReader chain, UInt256 ours) {
    ChainHead stated = peer.head();
    if (stated == null) {
      return false;
    }
    BlockHeader header = chain.header(stated.hash());
    if (header != null) {
      UInt256 known = chain.totalDifficulty(stated.hash());
      return known != null
          && known.compareTo(ours) > 0
          && !isCanonical(header, chain); // else the head has moved to it meanwhile
    }
    UInt256 theirs = stated.totalDifficulty();
    return theirs == null || theirs.compareTo(ours) >= 0;
  }

  private static boolean isCanonical(BlockHeader header, HeaderReader chain) {
    BlockHeader canonical = chain.header(header.number());
    return canonical != null && canonical.computeHash().equals(header.computeHash());
  }

  private static UInt256 difficulty(PeerInfo peer) {
    ChainHead head = peer.head();
    return head == null || head.totalDifficulty() == null ? UInt256.ZERO : head.totalDifficulty();
  }

  /** Returns the number of the block that a peer has as its head; 0 when it has not stated it. */
  static long number(PeerInfo peer) {
    ChainHead head = peer.head();
    return head == null || head.number() == null ? 0 : head.number();
  }

  /**
   * Returns the lower median of the heads that peers state; 0 when none states one. Less than half
   * of the peers cannot move it as they like.
   */
  long medianHead() {
    List<Long> heads =
        available().stream().map(SyncPeers::number).filter(number -> number > 0).sorted().toList();
    return heads.isEmpty() ? 0 : heads.get((heads.size() - 1) / 2);
  }

  /** Has a peer rest that was of no use: twice as long as the last time. */
  void rest(PeerId peer, String reason) {
    long now = nanos.getAsLong();
    Rest rest;
    synchronized (this) {
      rest =
          rests.compute(
              peer,
              (id, last) -> {
                long time =
                    last == null ? MIN_REST_NANOS : Math.min(MAX_REST_NANOS, 2 * last.nanos);
                return new Rest(time, now + time);
              });
    }
    LOG.debug(
        "peer {} rests for {} s: {}",
        peer.shortText(),
        TimeUnit.NANOSECONDS.toSeconds(rest.nanos),
        shortened(reason));
  }

  /** Notes that a peer has given what was needed. */
  synchronized void wasOfUse(PeerId peer) {
    rests.remove(peer);
  }

  /** Disconnects from a peer that has sent what is invalid, and refuses it for a while. */
  void ban(PeerId peer, String fullReason) {
    String reason = shortened(fullReason);
    rest(peer, reason);
    connected();
    String url;
    synchronized (this) {
      url = urls.get(peer);
    }
    Network network = peers.network(peer.network());
    if (network != null && url != null) {
      network.ban(url, BAN, reason);
      LOG.warn("peer {} is banned for {} minutes: {}", peer.shortText(), BAN.toMinutes(), reason);
    }
  }

  /** Returns a reason without what is beyond the limit. */
  static String shortened(String reason) {
    return reason.length() <= MAX_REASON ? reason : reason.substring(0, MAX_REASON) + "...";
  }

  private static Throwable cause(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  /** Has a peer rest whose reply did not come, or bans it when the reply violates the protocol. */
  void failed(PeerId peer, Throwable failure) {
    if (!banForBreach(peer, failure)) {
      rest(peer, String.valueOf(cause(failure).getMessage()));
    }
  }

  /** Bans a peer whose reply violates the protocol; returns whether it does. */
  boolean banForBreach(PeerId peer, Throwable failure) {
    Throwable cause = cause(failure);
    boolean isBreach = cause instanceof PeerBreachException || cause instanceof RlpException;
    if (isBreach) {
      ban(peer, String.valueOf(cause.getMessage()));
    }
    return isBreach;
  }
}
