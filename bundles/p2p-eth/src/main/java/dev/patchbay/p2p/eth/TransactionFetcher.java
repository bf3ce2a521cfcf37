// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.eth.NewPooledTransactionHashes.Announced;
import dev.patchbay.p2p.eth.TransactionImporter.Outcome;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.TransactionType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Requests the transactions that peers announce: each from one peer at a time, half a second after
 * its first announcement, because most arrive by themselves; one request at a time from each peer.
 * When a peer does not deliver, another one that has announced the transaction is asked.
 *
 * <p>Threading: any thread. Neither peers nor the importer are called under the lock.
 */
final class TransactionFetcher {
  /** Milliseconds between the first announcement of a transaction and the request for it. */
  static final long ARRIVAL_MILLIS = 500;

  /** Transactions in a request. */
  static final int MAX_REQUESTED = 256;

  /** Bytes that a request asks for, by what was announced; a larger transaction comes alone. */
  static final long MAX_REQUESTED_BYTES = 128 * 1024;

  /** Announced transactions of one peer that wait; more are ignored. */
  static final int MAX_ANNOUNCED = 4_096;

  private final Predicate<Hash> isUnwanted;
  private final Importers importers;
  private final LongSupplier millis;

  /** What is wanted; announcements of peers are of nothing else. */
  private final Map<Hash, Wanted> wanted = new HashMap<>();

  private final Map<TransactionSource, Announcements> peers = new LinkedHashMap<>();

  /** Takes transactions that have arrived, see {@link TransactionImporter#offer}. */
  interface Importers {
    boolean offer(TransactionSource source, BlobSidecar.Pooled pooled, Consumer<Outcome> done);
  }

  /** A transaction that is not in the pool. */
  private static final class Wanted {
    private long dueMillis;

    /** How many peers have it among their announcements. */
    private int announcers;

    /** Whom it was requested from, until it is settled; null when no request is under way. */
    private @Nullable TransactionSource requested;

    /** Whether it has arrived, and is being added to the pool. */
    private boolean arrived;

    Wanted(long dueMillis) {
      this.dueMillis = dueMillis;
    }
  }

  private static final class Announcements {
    private final Map<Hash, Announced> transactions = new LinkedHashMap<>();
    private boolean busy;
  }

  private record Request(TransactionSource peer, Map<Hash, Announced> transactions) {
    List<Hash> hashes() {
      return List.copyOf(transactions.keySet());
    }
  }

  /**
   * Creates a fetcher.
   *
   * @param isUnwanted whether a transaction is in the pool, or was rejected recently
   * @param millis monotonic time in milliseconds
   */
  TransactionFetcher(Predicate<Hash> isUnwanted, Importers importers, LongSupplier millis) {
    this.isUnwanted = isUnwanted;
    this.importers = importers;
    this.millis = millis;
  }

  /** Takes an announcement of a peer; transactions of types that no pool takes are ignored. */
  void announced(TransactionSource peer, List<Announced> transactions) {
    List<Announced> news =
        transactions.stream()
            .filter(one -> isOfPool(one.type()) && !isUnwanted.test(one.hash()))
            .toList();
    synchronized (this) {
      Announcements own = peers.computeIfAbsent(peer, key -> new Announcements());
      for (Announced one : news) {
        if (own.transactions.size() < MAX_ANNOUNCED
            && own.transactions.putIfAbsent(one.hash(), one) == null) {
          long due = millis.getAsLong() + ARRIVAL_MILLIS;
          wanted.computeIfAbsent(one.hash(), hash -> new Wanted(due)).announcers++;
        }
      }
    }
  }

  private static boolean isOfPool(int type) {
    TransactionType known = TransactionType.ofCode(type);
    return known != null && known != TransactionType.DEPOSIT;
  }

  /** Notes that a transaction has arrived by itself. */
  synchronized void arrived(Hash hash) {
    drop(hash);
  }

  /** Removes a transaction, and all announcements of it. */
  private void drop(Hash hash) {
    if (wanted.remove(hash) != null) {
      peers.values().forEach(own -> own.transactions.remove(hash));
    }
  }

  /** Removes a peer that has disconnected. */
  synchronized void remove(TransactionSource peer) {
    Announcements own = peers.remove(peer);
    if (own != null) {
      own.transactions.keySet().forEach(hash -> withdraw(peer, hash));
    }
  }

  /** Sends the requests that are due; called every now and then. */
  void schedule() {
    for (Request request : plan()) {
      request
          .peer()
          .requestTransactions(request.hashes())
          .whenComplete(
              (transactions, failure) -> {
                if (transactions == null) {
                  failed(request);
                } else {
                  delivered(request, transactions);
                }
              });
    }
  }

  private synchronized List<Request> plan() {
    List<Request> requests = new ArrayList<>();
    if (wanted.isEmpty()) {
      return requests;
    }
    long now = millis.getAsLong();
    peers.forEach(
        (peer, own) -> {
          if (!own.busy) {
            Map<Hash, Announced> due = takeDue(peer, own, now);
            if (!due.isEmpty()) {
              own.busy = true;
              requests.add(new Request(peer, due));
            }
          }
        });
    return requests;
  }

  /** Marks what is due as requested from a peer. */
  private Map<Hash, Announced> takeDue(TransactionSource peer, Announcements own, long now) {
    Map<Hash, Announced> due = new LinkedHashMap<>();
    long bytes = 0;
    for (Announced one : own.transactions.values()) {
      Wanted state = wanted.get(one.hash());
      if (state != null && state.requested == null && now >= state.dueMillis) {
        long size = one.size() < 0 ? Long.MAX_VALUE : one.size();
        boolean fits = size <= MAX_REQUESTED_BYTES - bytes;
        if (due.size() == MAX_REQUESTED || (!fits && !due.isEmpty())) {
          break;
        }
        due.put(one.hash(), one);
        state.requested = peer;
        bytes = fits ? bytes + size : MAX_REQUESTED_BYTES;
      }
    }
    return due;
  }

  private void failed(Request request) {
    synchronized (this) {
      finish(request, request.transactions().keySet());
    }
  }

  private void delivered(Request request, List<BlobSidecar.Pooled> transactions) {
    try {
      for (BlobSidecar.Pooled pooled : transactions) {
        Announced announced = request.transactions().get(pooled.transaction().hash());
        if (announced != null) { // always: the reply was checked against the request
          TransactionChecks.checkRequested(pooled, announced);
        }
      }
    } catch (PeerBreachException breach) {
      remove(request.peer());
      request.peer().end(breach);
      return;
    }
    accept(request, transactions);
    for (BlobSidecar.Pooled pooled : transactions) {
      Hash hash = pooled.transaction().hash();
      if (!importers.offer(request.peer(), pooled, outcome -> settled(hash, outcome))) {
        postpone(request.peer(), hash);
      }
    }
  }

  /**
   * Notes which transactions have arrived. Those before the last one of them are not in the pool of
   * the peer; those after it may have been cut off, and are requested again.
   */
  private synchronized void accept(Request request, List<BlobSidecar.Pooled> transactions) {
    Set<Hash> arrived = new HashSet<>();
    transactions.forEach(pooled -> arrived.add(pooled.transaction().hash()));
    Set<Hash> missing = new HashSet<>();
    List<Hash> since = new ArrayList<>();
    for (Hash hash : request.transactions().keySet()) {
      if (arrived.contains(hash)) {
        missing.addAll(since);
        since.clear();
        Wanted state = wanted.get(hash);
        if (state != null) {
          state.arrived = true;
        }
      } else {
        since.add(hash);
      }
    }
    if (arrived.isEmpty()) {
      missing.addAll(since);
      since.clear();
    }
    finish(request, missing);
    for (Hash hash : since) {
      release(request.peer(), hash);
    }
  }

  /** Ends a request; the peer does not have the missing ones. */
  private void finish(Request request, Set<Hash> missing) {
    Announcements own = peers.get(request.peer());
    if (own != null) {
      own.busy = false;
      for (Hash hash : missing) {
        if (own.transactions.remove(hash) != null) {
          withdraw(request.peer(), hash);
        }
      }
    }
  }

  /** Takes one announcement of a transaction back. */
  private void withdraw(TransactionSource peer, Hash hash) {
    release(peer, hash);
    Wanted state = wanted.get(hash);
    if (state != null && --state.announcers == 0 && !state.arrived) {
      wanted.remove(hash);
    }
  }

  /** Lets other peers be asked for a transaction that was requested from one. */
  private void release(TransactionSource peer, Hash hash) {
    Wanted state = wanted.get(hash);
    if (state != null && state.requested == peer && !state.arrived) {
      state.requested = null;
    }
  }

  private synchronized void settled(Hash hash, Outcome outcome) {
    Wanted state = wanted.get(hash);
    if (state == null) {
      return;
    }
    if (outcome == Outcome.SETTLED || state.announcers == 0) {
      drop(hash);
    } else { // the peer that sent it is disconnected, and what it announced is withdrawn then
      state.arrived = false;
      state.requested = null;
    }
  }

  /**
   * Has a transaction requested again that found no room to wait for the pool: half a second later,
   * and from another peer if there is one. The room of this peer may be full with its other
   * transactions.
   */
  private synchronized void postpone(TransactionSource peer, Hash hash) {
    Wanted state = wanted.get(hash);
    if (state == null) {
      return;
    }
    if (state.announcers == 0) {
      drop(hash);
      return;
    }
    state.arrived = false;
    state.requested = null;
    state.dueMillis = millis.getAsLong() + ARRIVAL_MILLIS;
    Announcements own = peers.get(peer);
    if (state.announcers > 1 && own != null && own.transactions.remove(hash) != null) {
      state.announcers--;
    }
  }
}
