// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the open connections of a listener, whether they have sent a request or not.
 *
 * <p>A connection <em>idles</em> while the node has nothing to do for it: its next request is not
 * complete, or its client has not read the response. It idles since it was opened, or since its
 * latest response. When a connection above the limit is opened, the one that has idled longest is
 * closed: a client that begins requests, and does not end them, gets no advantage. It belongs to
 * the client with the most idle connections, so that one client cannot keep the others out.
 *
 * <p>An idle connection has a deadline. The first byte of a request extends it to the whole idle
 * time, once; later ones do not. A client that sends a byte now and then is closed like one that
 * sends none.
 *
 * <p>Threading: any thread. Connections are closed without a lock held.
 */
final class Connections {
  /** The client of all connections where clients cannot be told apart. */
  static final Object ONE_CLIENT = "";

  private static final Logger LOG = LoggerFactory.getLogger(Connections.class);

  /**
   * Bytes a second that a client must send of a body and read of a response, beyond the idle time.
   */
  private static final long MIN_BYTES_PER_SECOND = 16_384;

  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final long LOG_EVERY_NANOS = 60 * NANOS_PER_SECOND;

  private final int limit;
  private final long idleNanos;
  private final LongSupplier clock;
  private final Set<Entry> open = new HashSet<>();

  /** Idle connections by client, of each client the one that idles longest first. */
  private final Map<Object, Set<Entry>> idle = new HashMap<>();

  /** Connections with a request whose body has been read, and whose response has not been sent. */
  private int working;

  private long evicted;
  private long lastLog;

  /**
   * Creates a count of no connections.
   *
   * @param limit connections that may be open at a time
   * @param idle time that an idle connection has for its next request
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  Connections(int limit, Duration idle, LongSupplier clock) {
    this.limit = limit;
    this.idleNanos = idle.toNanos();
    this.clock = clock;
    lastLog = clock.getAsLong() - LOG_EVERY_NANOS;
  }

  /**
   * Creates a connection that is not counted before {@link Entry#open}.
   *
   * @param client what connections of the same client have in common
   * @param close closes the connection; it must lead to {@link Entry#closed}
   */
  Entry entry(Object client, Runnable close) {
    return new Entry(client, close);
  }

  /** Returns the connection to close; there is one, since the newest is idle. */
  private Entry longestIdle() {
    Set<Entry> most = Set.of();
    for (Set<Entry> ofClient : idle.values()) {
      if (ofClient.size() > most.size()) {
        most = ofClient;
      }
    }
    return most.iterator().next();
  }

  private void report() {
    evicted++;
    long now = clock.getAsLong();
    if (now - lastLog >= LOG_EVERY_NANOS) {
      lastLog = now;
      LOG.warn(
          "{} connections are open, which is the limit: {} idle connections were closed for new ones",
          limit,
          evicted);
    }
  }

  /** Returns the number of open connections. */
  synchronized int count() {
    return open.size();
  }

  /** Waits, for a limited time, until all requests that were read are answered. */
  synchronized void awaitRequests(Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    for (long left = time.toNanos(); working > 0 && left > 0; left = end - System.nanoTime()) {
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** Closes the connections whose deadline, or that of a transfer, has passed. */
  void closeLate() {
    List<Entry> late = new ArrayList<>();
    synchronized (this) {
      long now = clock.getAsLong();
      for (Entry entry : open) {
        if (entry.isLate(now)) {
          late.add(entry);
        }
      }
      late.forEach(Entry::remove);
    }
    late.forEach(entry -> entry.close.run());
  }

  /** One open connection. */
  final class Entry {
    private final Object client;
    private final Runnable close;
    private int requests;
    private int held;

    /** Whether the node works for a request, or sends its response. */
    private boolean works;

    private long deadline;

    /** Transfers under way. */
    private final Set<Transfer> transfers = new HashSet<>();

    /** Whether a byte of the next request has arrived. */
    private volatile boolean receiving;

    private Entry(Object client, Runnable close) {
      this.client = client;
      this.close = close;
      deadline = clock.getAsLong();
    }

    /**
     * Counts the connection. Above the limit an idle connection is closed, which is this one when
     * the node works for all others.
     */
    void open() {
      Entry victim = null;
      synchronized (Connections.this) {
        open.add(this);
        startIdling(idleNanos);
        if (open.size() > limit) {
          victim = longestIdle();
          victim.remove();
          report();
        }
      }
      if (victim != null) {
        victim.close.run();
      }
    }

    /** Notes that bytes have arrived: the first of a request start the idle time again. */
    void received() {
      if (receiving) {
        return;
      }
      synchronized (Connections.this) {
        receiving = true;
        if (requests == 0 && held == 0) {
          extend(idleNanos);
        }
      }
    }

    /**
     * Notes that the header of a request is complete.
     *
     * @param bytes length of the body
     */
    void begin(long bytes) {
      synchronized (Connections.this) {
        requests++;
        extend(idleNanos + nanosFor(bytes));
      }
    }

    /** Notes that the node works for the connection: it does not idle until it is released. */
    void hold() {
      synchronized (Connections.this) {
        held++;
        if (requests > 0 && !works && open.contains(this)) {
          works = true;
          working++;
        }
        stopIdling();
      }
    }

    /**
     * Takes back one {@link #hold}.
     *
     * @param bytes length of the response that the client has to read
     */
    void release(long bytes) {
      synchronized (Connections.this) {
        held--;
        startIdling(idleNanos + nanosFor(bytes));
      }
    }

    /** Notes that a request is complete, and its response sent. */
    void end() {
      synchronized (Connections.this) {
        requests--;
        if (requests == 0) {
          stopWorking();
          receiving = false;
          deadline = clock.getAsLong();
          startIdling(idleNanos);
        }
      }
    }

    /** Notes that the connection is closed. Further calls do nothing. */
    void closed() {
      synchronized (Connections.this) {
        remove();
      }
    }

    /** Creates a transfer that is not under way. */
    Transfer transfer() {
      return new Transfer(this);
    }

    private boolean isLate(long now) {
      return (held == 0 && now - deadline > 0)
          || transfers.stream().anyMatch(transfer -> now - transfer.deadline > 0);
    }

    /** Moves the deadline to a time from now, unless it is later. */
    private void extend(long nanos) {
      long next = clock.getAsLong() + nanos;
      if (next - deadline > 0) {
        deadline = next;
      }
    }

    /** Starts to idle anew; the deadline of other requests of the connection stays. */
    private void startIdling(long nanos) {
      extend(nanos);
      if (held == 0 && open.contains(this)) {
        Set<Entry> ofClient = idle.computeIfAbsent(client, key -> new LinkedHashSet<>());
        ofClient.remove(this);
        ofClient.add(this);
      }
    }

    private void remove() {
      open.remove(this);
      stopWorking();
      stopIdling();
    }

    private void stopWorking() {
      if (works) {
        works = false;
        working--;
        Connections.this.notifyAll();
      }
    }

    private void stopIdling() {
      Set<Entry> ofClient = idle.get(client);
      if (ofClient != null && ofClient.remove(this) && ofClient.isEmpty()) {
        idle.remove(client);
      }
    }
  }

  /**
   * A message that a client sends or a response that it reads. While it is under way it has a
   * deadline of its own: neither other messages of the connection nor a call that runs extend it.
   * The connection is closed when it has passed.
   */
  final class Transfer {
    private final Entry entry;
    private long deadline;

    private Transfer(Entry entry) {
      this.entry = entry;
    }

    /** Begins, or begins anew; the client has the idle time and the time for some bytes. */
    void begin(long bytes) {
      begin(Duration.ofNanos(nanosFor(bytes)));
    }

    /** Begins, or begins anew; the client has the idle time and some more. */
    void begin(Duration more) {
      synchronized (Connections.this) {
        deadline = clock.getAsLong() + idleNanos + more.toNanos();
        entry.transfers.add(this);
      }
    }

    /** Ends, if it is under way. */
    void end() {
      synchronized (Connections.this) {
        entry.transfers.remove(this);
      }
    }
  }

  private static long nanosFor(long bytes) {
    return Math.max(0, bytes) / MIN_BYTES_PER_SECOND * NANOS_PER_SECOND;
  }

  /** Returns what the connections of one client have in common, by the address they come from. */
  static Object client(@Nullable SocketAddress remote) {
    if (!(remote instanceof InetSocketAddress socket) || socket.getAddress() == null) {
      return ONE_CLIENT;
    }
    byte[] address = socket.getAddress().getAddress();
    // a client has the whole network of an IPv6 address
    return ByteBuffer.wrap(address, 0, Math.min(address.length, 8)).asReadOnlyBuffer();
  }
}
