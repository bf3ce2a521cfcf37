// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import org.jspecify.annotations.Nullable;

/**
 * The result of a request to a node. A request that was not sent says nothing about the node: only
 * {@link #isTimeout} counts against it.
 *
 * @param <T> type of the response
 * @param sent whether the request was sent; false when too many requests wait
 * @param response null when there is none
 */
record RequestResult<T>(boolean sent, @Nullable T response) {
  /** Returns the result of a request that has a response. */
  static <T> RequestResult<T> of(T response) {
    return new RequestResult<>(true, response);
  }

  /** Returns the result of a request to which the node has not responded in time. */
  static <T> RequestResult<T> timeout() {
    return new RequestResult<>(true, null);
  }

  /** Returns the result of a request that was not sent. */
  static <T> RequestResult<T> notSent() {
    return new RequestResult<>(false, null);
  }

  /** Returns the result of a request that needed the one of this result, which has no response. */
  <R> RequestResult<R> withoutResponse() {
    return new RequestResult<>(sent, null);
  }

  /** Returns whether the node was asked and has not responded, or has responded wrongly. */
  boolean isTimeout() {
    return sent && response == null;
  }
}
