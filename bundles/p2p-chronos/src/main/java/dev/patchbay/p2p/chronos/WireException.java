// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.Map;

/** A peer has sent what this node cannot accept: what the peer is sent, and what follows. */
final class WireException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;
  private final boolean closes;
  private final transient Map<String, Object> details;

  private WireException(String code, String message, boolean closes, Map<String, Object> details) {
    super(message, null, false, false);
    this.code = code;
    this.closes = closes;
    this.details = Map.copyOf(details);
  }

  /** Creates one that ends the connection. */
  static WireException closing(String code, String message) {
    return new WireException(code, message, true, Map.of());
  }

  /** Creates one after which the connection goes on. */
  static WireException of(String code, String message) {
    return new WireException(code, message, false, Map.of());
  }

  /** Creates one after which the connection goes on: a block is not available. */
  static WireException notFound(String key, Object value) {
    return new WireException(
        "not_found", "no block with " + key + " " + value, false, Map.of(key, value));
  }

  /** Returns the code of the error on the wire. */
  String code() {
    return code;
  }

  /** Returns whether the connection ends. */
  boolean closes() {
    return closes;
  }

  /** Returns members of the error other than code and message. */
  Map<String, Object> details() {
    return details == null ? Map.of() : details;
  }

  /** Returns why, in one line. */
  String reason() {
    return String.valueOf(getMessage());
  }
}
