// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request or a batch on its way to its response. A request that meets an absent part can go on
 * later: what of a batch is answered by then stays answered.
 *
 * <p>Threading: one thread at a time.
 */
final class Message {
  private static final int MAX_FIRST_BUFFER = 1 << 20;

  private final int bytes;
  private final boolean batch;
  private final List<?> requests;
  private final Terms terms;
  private final RpcSession session;
  private final Exchange exchange;
  private final Reply reply;
  private final List<byte[]> responses = new ArrayList<>();

  /** Index of the request that is answered next. */
  private int next;

  /** Bytes of a batch of the responses so far. */
  private long size = 2;

  private @Nullable Long deadline;

  /** Answers one request. */
  interface Caller {
    /**
     * Returns the response, or null when there is nothing to answer or when all of it was written
     * to the exchange.
     *
     * @throws AbsentException when the request needs an absent part, and had no effect
     */
    byte @Nullable [] call(
        @Nullable Object request, Terms terms, RpcSession session, Exchange exchange)
        throws AbsentException;

    /** Returns the response to a request whose batch has too long a response. */
    byte[] tooLarge(@Nullable Object request, Terms terms);
  }

  /**
   * Creates a message of which nothing is answered.
   *
   * @param bytes its length
   * @param request the parsed message: a list is a batch
   */
  Message(
      int bytes,
      @Nullable Object request,
      Terms terms,
      RpcSession session,
      Exchange exchange,
      Reply reply) {
    this.bytes = bytes;
    this.batch = request instanceof List;
    this.requests = request instanceof List<?> list ? list : Collections.singletonList(request);
    this.terms = terms;
    this.session = session;
    this.exchange = batch ? exchange.held() : exchange;
    this.reply = reply;
  }

  /** Returns the length of the message. */
  int bytes() {
    return bytes;
  }

  /** Returns how the listener serves. */
  Terms terms() {
    return terms;
  }

  /** Returns what takes the outcome. */
  Reply reply() {
    return reply;
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
   *     next time, unless {@link #refuse} answers it
   */
  void proceed(Caller caller) throws AbsentException {
    while (next < requests.size()) {
      Object request = requests.get(next);
      boolean full = batch && size > terms.limits().responseBytes();
      answered(
          full ? caller.tooLarge(request, terms) : caller.call(request, terms, session, exchange));
    }
  }

  /**
   * Answers the next request, which does not wait.
   *
   * @param response null for a notification
   */
  void refuse(byte @Nullable [] response) {
    answered(response);
  }

  /** Returns the requests that are not answered. */
  List<?> unanswered() {
    return new ArrayList<>(requests.subList(next, requests.size()));
  }

  private void answered(byte @Nullable [] response) {
    next++;
    if (response != null) {
      size += response.length + 1;
      responses.add(response);
    }
  }

  /** Returns the response when all requests are answered; null when there is nothing to answer. */
  byte @Nullable [] response() {
    if (responses.isEmpty()) {
      return null;
    }
    if (!batch) {
      return responses.get(0);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream((int) Math.min(size, MAX_FIRST_BUFFER));
    out.write('[');
    for (int i = 0; i < responses.size(); i++) {
      if (i > 0) {
        out.write(',');
      }
      out.writeBytes(responses.get(i));
    }
    out.write(']');
    return out.toByteArray();
  }

  /** Returns the id of a request; null when it has none. */
  static @Nullable Object id(@Nullable Object request) {
    return request instanceof Map<?, ?> map ? map.get("id") : null;
  }
}
