// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A peer has sent what this node cannot accept: what the peer is sent, and what follows. */
final class WireException extends Exception {
  /** Code of the error that a peer gets which an operator has banned. */
  static final String BANNED = "banned";

  private static final long serialVersionUID = 1L;

  /** What a code is counted as that the specification does not have. */
  private static final String OTHER = "other";

  /** The codes of errors after which a connection ends. */
  private static final Set<String> CLOSING =
      Set.of(
          "unknown_code",
          "bad_data",
          "malformed",
          "too_large",
          "handshake",
          "incomplete_shakehand",
          "unsupported_version",
          "wrong_chain",
          "invalid_block",
          "rate",
          "timeout",
          "busy",
          BANNED);

  private final String code;
  private final boolean closes;
  private final transient Map<String, Object> details;

  private WireException(String code, String message, boolean closes, Map<String, Object> details) {
    super(message, null, false, false);
    this.code = code;
    this.closes = closes;
    this.details = Map.copyOf(details);
  }

  /** Returns a code of a peer when the specification has it, otherwise {@code other}. */
  static String counted(@Nullable Object code) {
    return code instanceof String text && CLOSING.contains(text) ? text : OTHER;
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
    return notFound("no block with " + key + " " + value, key, value);
  }

  /** Creates the same one for a block that this node has, and the protocol cannot carry. */
  static WireException notCarried(String key, Object value) {
    return notFound(
        "the block with "
            + key
            + " "
            + value
            + " has ommers, or its message exceeds 8 MiB: devp2p has it",
        key,
        value);
  }

  private static WireException notFound(String message, String key, Object value) {
    return new WireException("not_found", message, false, Map.of(key, value));
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
