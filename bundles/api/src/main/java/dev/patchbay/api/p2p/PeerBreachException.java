// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

/**
 * A peer has violated a protocol. The connection ends with the reason; the message says what the
 * peer sent, bounded in length, and is logged at debug level.
 */
public final class PeerBreachException extends Exception {
  private static final long serialVersionUID = 1L;

  private final DisconnectReason reason;

  /** Makes one without a stack trace: hostile peers cause many. */
  public PeerBreachException(DisconnectReason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  /** Returns what the peer is sent. */
  public DisconnectReason reason() {
    return reason;
  }
}
