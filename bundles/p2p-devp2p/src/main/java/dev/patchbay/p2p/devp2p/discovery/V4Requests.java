// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The requests of version 4 that wait for a response. A node has at most one request of a kind; it
 * is identified by node id and IP address, because the port may change behind a NAT.
 *
 * @param <T> type of the response
 */
final class V4Requests<T> {
  /** Time limit of a response (geth's value). */
  static final long TIMEOUT_MILLIS = 500;

  /** Requests of a kind that wait, to all nodes; another one is not sent. */
  static final int MAX_PENDING = 512;

  private final Timers timers;
  private final Map<Key, Pending> pending = new HashMap<>();

  private record Key(Hash id, InetAddress address) {}

  /** A request that waits. */
  final class Pending {
    private final Key key;
    private final Hash packetHash;
    private final List<Consumer<RequestResult<T>>> callbacks = new ArrayList<>();
    private final Timers.Timer timeout;
    private @Nullable T partial;

    private Pending(Key key, Hash packetHash) {
      this.key = key;
      this.packetHash = packetHash;
      this.timeout = timers.schedule(TIMEOUT_MILLIS, () -> complete(partial));
    }

    /** Returns the hash of the packet of the request. */
    Hash packetHash() {
      return packetHash;
    }

    /** Returns the part of the response that has arrived; null when there is none. */
    @Nullable T partial() {
      return partial;
    }

    /** Sets the part of the response that has arrived; it is the response when the time is over. */
    void setPartial(T value) {
      partial = value;
    }

    /** Ends the request; null for no response. */
    void complete(@Nullable T response) {
      if (pending.remove(key, this)) {
        timeout.cancel();
        RequestResult<T> result = new RequestResult<>(true, response);
        callbacks.forEach(callback -> callback.accept(result));
      }
    }
  }

  V4Requests(Timers timers) {
    this.timers = timers;
  }

  /**
   * Adds a request, or joins the one that waits.
   *
   * @param send sends the packet and returns its hash, or null when it cannot be sent; not called
   *     when a request waits
   * @param done gets the result
   */
  void add(
      Hash id,
      InetAddress address,
      Supplier<@Nullable Hash> send,
      Consumer<RequestResult<T>> done) {
    Key key = new Key(id, address);
    Pending waiting = pending.get(key);
    if (waiting == null) {
      Hash packetHash = pending.size() < MAX_PENDING ? send.get() : null;
      if (packetHash == null) {
        done.accept(RequestResult.notSent());
        return;
      }
      waiting = new Pending(key, packetHash);
      pending.put(key, waiting);
    }
    waiting.callbacks.add(done);
  }

  /** Returns the request that waits for a response of a node; null when there is none. */
  @Nullable Pending get(Hash id, InetAddress address) {
    return pending.get(new Key(id, address));
  }

  /** Returns the number of requests that wait. */
  int size() {
    return pending.size();
  }
}
