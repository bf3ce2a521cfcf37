// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request or a batch on its way to its response. A request that meets an absent part can go on
 * later: what of a batch is answered by then stays answered.
 *
 * <p>Threading: one thread at a time.
 */
final class Message {
  private static final Logger LOG = LoggerFactory.getLogger(Message.class);

  /** The namespace whose methods change the head of the chain, or give what a change began. */
  private static final String ORDERED = "engine";

  private final boolean batch;
  private final List<?> requests;
  private final Terms terms;
  private final RpcSession session;
  private final Exchange exchange;
  private final Reply reply;
  private final List<Answer> responses = new ArrayList<>();

  /** Index of the request that is answered next. */
  private int next;

  /** Bytes of a batch of the responses so far. */
  private long size = 2;

  private @Nullable Long deadline;
  private final AtomicBoolean completed = new AtomicBoolean();

  /** Whether the message takes a place among those that wait. */
  private boolean waits;

  /** What the next request lacked when it was last made. */
  private volatile @Nullable AbsentException lacking;

  /** Answers one request. */
  interface Caller {
    /**
     * Returns the response, or null when there is nothing to answer or when all of it was written
     * to the exchange.
     *
     * @throws AbsentException when the request needs an absent part, and had no effect
     */
    @Nullable Answer call(
        @Nullable Object request, Terms terms, RpcSession session, Exchange exchange)
        throws AbsentException;

    /**
     * Returns the response to a request whose batch has too long a response, or null for a
     * notification.
     */
    @Nullable Answer tooLarge(@Nullable Object request, Terms terms);

    /** Returns the response to a request that is refused, or null for a notification. */
    @Nullable Answer stopping(@Nullable Object request);
  }

  /**
   * Creates a message of which nothing is answered.
   *
   * @param request the parsed message: a list is a batch
   */
  Message(
      @Nullable Object request, Terms terms, RpcSession session, Exchange exchange, Reply reply) {
    this.batch = request instanceof List;
    this.requests = request instanceof List<?> list ? list : Collections.singletonList(request);
    this.terms = terms;
    this.session = session;
    this.exchange = batch ? exchange.held() : exchange;
    this.reply = reply;
  }

  /** Returns how the listener serves. */
  Terms terms() {
    return terms;
  }

  /** Returns whether messages like this one are answered in the order in which they came. */
  boolean isOrdered() {
    return terms.namespaces().contains(ORDERED)
        && requests.stream()
            .anyMatch(
                request ->
                    request instanceof Map<?, ?> map
                        && map.get("method") instanceof String method
                        && method.startsWith(ORDERED + "_"));
  }

  /** Returns whether its client has left; only for the thread that answers the message. */
  boolean isClientGone() {
    return session.isGone();
  }

  /** Takes a place among the messages that wait, unless it has one; returns false for none. */
  boolean entersWaiting() {
    if (!waits) {
      waits = terms.waiting().tryEnter();
    }
    return waits;
  }

  /** Notes what the next request lacks. */
  void lacks(AbsentException absent) {
    lacking = absent;
  }

  /** Returns what the next request lacked when it was last made; null when it was not made. */
  @Nullable AbsentException lacking() {
    return lacking;
  }

  /** Returns whether the next request lacked a part when it was last made. */
  boolean stillLacks(String part) {
    AbsentException absent = lacking;
    return absent != null && absent.part().equals(part);
  }

  /** Sends the response. */
  void complete() {
    Answer response;
    try {
      response = response();
    } catch (Throwable failure) { // no memory, say
      fail(failure);
      return;
    }
    if (ends()) {
      try {
        reply.answered(response);
      } catch (Throwable failure) { // the thread is that of others
        LOG.error("sending a response failed: {}", failure.toString(), failure);
      }
    }
  }

  /** Ends the message without a response. */
  void fail(Throwable failure) {
    if (ends()) {
      try {
        reply.failed(failure);
      } catch (Throwable second) { // the thread is that of others
        LOG.error("ending a message failed: {}", second.toString(), second);
      }
    }
  }

  /** Returns whether the outcome has not been sent. */
  private boolean ends() {
    if (!completed.compareAndSet(false, true)) {
      return false;
    }
    lacking = null;
    if (waits) {
      terms.waiting().leave();
    }
    return true;
  }

  /** Refuses the requests that are not answered, without making them. */
  void refuseAll(Caller caller) {
    AbsentException absent = lacking;
    if (absent != null) {
      answer(absent.refusal());
    }
    while (next < requests.size()) {
      answer(caller.stopping(requests.get(next)));
    }
    complete();
  }

  /**
   * Starts the time that the message may wait, unless it has started; returns its end.
   *
   * @param latest the end for a message that has not waited, as of {@link System#nanoTime}
   */
  long waitUntil(long latest) {
    Long known = deadline;
    if (known == null) {
      known = latest;
      deadline = known;
    }
    return known;
  }

  /**
   * Answers the requests that are not answered.
   *
   * @throws AbsentException when a request needs an absent part; {@link #proceed} begins there the
   *     next time, unless {@link #answer} has answered it
   */
  void proceed(Caller caller) throws AbsentException {
    lacking = null;
    while (next < requests.size()) {
      Object request = requests.get(next);
      boolean full = batch && size > terms.limits().responseBytes();
      answer(
          full ? caller.tooLarge(request, terms) : caller.call(request, terms, session, exchange));
    }
  }

  /**
   * Answers the next request.
   *
   * @param response null for a notification, or when it was written to the exchange
   */
  void answer(@Nullable Answer response) {
    next++;
    if (response != null) {
      size += response.length() + 1;
      responses.add(response);
    }
  }

  private @Nullable Answer response() {
    if (responses.isEmpty()) {
      return null;
    }
    return batch ? Answer.batch(responses) : responses.get(0);
  }

  /** Returns the id of a request; null when it has none. */
  static @Nullable Object id(@Nullable Object request) {
    return request instanceof Map<?, ?> map ? map.get("id") : null;
  }

  /** Returns whether a request has no id: no response to it is sent, not even an error. */
  static boolean isNotification(@Nullable Object request) {
    return request instanceof Map<?, ?> map && !map.containsKey("id");
  }
}
