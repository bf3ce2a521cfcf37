// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What a peer is asked for and has not replied to: blocks by their numbers and by their hashes. The
 * block of a reply says which request it belongs to, so that a peer need not repeat an id.
 *
 * <p>Threading: any thread. Futures complete in the thread of the caller.
 */
final class Requests {
  private static final int MAX_OPEN = 256;

  private record Open(CompletableFuture<@Nullable ReceivedBlock> reply, long deadline) {}

  private final LongSupplier millis;

  /** By a number or a hash; guarded by this. */
  private final Map<Object, Open> open = new HashMap<>();

  /** Guarded by this. */
  private boolean closed;

  /**
   * Creates an empty set.
   *
   * @param millis monotonic time in milliseconds
   */
  Requests(LongSupplier millis) {
    this.millis = millis;
  }

  /**
   * Adds a request.
   *
   * @param key number or hash of the block
   * @param send sends it; not called when the block is requested already
   * @return the block; null when the peer does not have it
   */
  CompletableFuture<@Nullable ReceivedBlock> add(Object key, Runnable send) {
    Open added;
    synchronized (this) {
      Open before = open.get(key);
      if (before != null) {
        return before.reply;
      }
      if (closed || open.size() >= MAX_OPEN) {
        return CompletableFuture.failedFuture(
            new RequestFailedException(
                closed ? "the peer is not connected" : "the peer has enough requests"));
      }
      added = new Open(new CompletableFuture<>(), millis.getAsLong() + Limits.REPLY.toMillis());
      open.put(key, added);
    }
    send.run();
    return added.reply;
  }

  /**
   * Completes a request.
   *
   * @param block null when the peer does not have it
   * @return false when there is no such request
   */
  boolean complete(Object key, @Nullable ReceivedBlock block) {
    Open found;
    synchronized (this) {
      found = open.remove(key);
    }
    return found != null && found.reply.complete(block);
  }

  /** Returns whether a block is requested by its hash. */
  synchronized boolean isRequested(Hash hash) {
    return open.containsKey(hash);
  }

  /** Fails the requests to which the peer has not replied in time; called often. */
  void expire() {
    long now = millis.getAsLong();
    fail(true, now, "no reply in " + Limits.REPLY.toSeconds() + " s");
  }

  /** Fails all requests, and those that come: the connection has ended. */
  void close() {
    synchronized (this) {
      closed = true;
    }
    fail(false, 0, "the connection has ended");
  }

  private void fail(boolean onlyLate, long now, String reason) {
    List<Open> failed = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Open> all = open.values().iterator(); all.hasNext(); ) {
        Open next = all.next();
        if (!onlyLate || now - next.deadline >= 0) {
          all.remove();
          failed.add(next);
        }
      }
    }
    failed.forEach(one -> one.reply.completeExceptionally(new RequestFailedException(reason)));
  }
}
