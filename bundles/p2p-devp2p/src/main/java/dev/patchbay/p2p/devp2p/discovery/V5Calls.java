// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The requests of version 5 that wait. A node gets one request at a time: the first one may need a
 * handshake, on which the others would fail.
 */
final class V5Calls {
  /** Time limit of a response, and again of one after a handshake (geth's value). */
  static final long TIMEOUT_MILLIS = 700;

  /** Requests that wait for a node, the active one included. */
  static final int MAX_PER_NODE = 8;

  /** Requests that wait, in total. */
  static final int MAX_CALLS = 512;

  private final Timers timers;
  private final Consumer<Call> send;
  private final Map<Hash, Deque<Call>> byNode = new HashMap<>();
  private final Map<Bytes, Call> byNonce = new HashMap<>();
  private int total;

  /** Handles the messages of a response. */
  interface ResponseHandler {
    /**
     * Handles a message with the right request id from the right endpoint.
     *
     * @return whether the response is complete
     */
    boolean accept(V5Message.Response message) throws MalformedPacketException;

    /**
     * Is called once: the response is complete, the time limit has passed, or the request was not
     * sent.
     */
    void end(boolean sent);
  }

  /** A request. */
  final class Call {
    private final Contact contact;
    private final V5Message request;
    private final ResponseHandler handler;
    private @Nullable Bytes nonce;
    private Timers.@Nullable Timer timeout;
    private boolean handshakeSent;

    private Call(Contact contact, V5Message request, ResponseHandler handler) {
      this.contact = contact;
      this.request = request;
      this.handler = handler;
    }

    Contact contact() {
      return contact;
    }

    InetSocketAddress endpoint() {
      return contact.node().udpEndpoint();
    }

    V5Message request() {
      return request;
    }

    ResponseHandler handler() {
      return handler;
    }

    /** Records that a packet with the request is about to be sent, and starts the time limit. */
    void sent(Bytes withNonce) {
      stopWaiting();
      nonce = withNonce;
      byNonce.put(withNonce, this);
      timeout = timers.schedule(TIMEOUT_MILLIS, this::end);
    }

    /** Records that a handshake is sent; returns false when one was sent before. */
    boolean startHandshake() {
      boolean first = !handshakeSent;
      handshakeSent = true;
      return first;
    }

    /** Ends the request, and sends the next one to this node. */
    void end() {
      end(true);
    }

    /** Ends the request because its packet could not be sent. */
    void notSent() {
      end(false);
    }

    private void end(boolean sent) {
      Deque<Call> queue = byNode.get(contact.id());
      if (queue == null || !queue.remove(this)) {
        return;
      }
      total--;
      stopWaiting();
      if (queue.isEmpty()) {
        byNode.remove(contact.id());
      }
      handler.end(sent);
      Call next = queue.peek();
      if (next != null && next.nonce == null) {
        send.accept(next);
      }
    }

    private void stopWaiting() {
      if (nonce != null) {
        byNonce.remove(nonce, this);
      }
      if (timeout != null) {
        timeout.cancel();
      }
    }
  }

  /**
   * Creates an empty queue.
   *
   * @param send calls {@link Call#sent}, and sends a request
   */
  V5Calls(Timers timers, Consumer<Call> send) {
    this.timers = timers;
    this.send = send;
  }

  /** Adds a request. It ends at once, and is not sent, when too many wait. */
  void add(Contact contact, V5Message request, ResponseHandler handler) {
    Deque<Call> queue = byNode.computeIfAbsent(contact.id(), id -> new ArrayDeque<>());
    if (total >= MAX_CALLS || queue.size() >= MAX_PER_NODE) {
      if (queue.isEmpty()) {
        byNode.remove(contact.id());
      }
      handler.end(false);
      return;
    }
    Call call = new Call(contact, request, handler);
    queue.add(call);
    total++;
    if (queue.size() == 1) {
      send.accept(call);
    }
  }

  /** Returns the request that a packet with this nonce carried; null when there is none. */
  @Nullable Call byNonce(Bytes nonce) {
    return byNonce.get(nonce);
  }

  /** Returns the request to which a node may respond now; null when there is none. */
  @Nullable Call active(Hash id) {
    Deque<Call> queue = byNode.get(id);
    return queue == null ? null : queue.peek();
  }

  /** Returns the number of requests that wait. */
  int size() {
    return total;
  }
}
