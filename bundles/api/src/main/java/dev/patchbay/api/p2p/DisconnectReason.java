// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import org.jspecify.annotations.Nullable;

/** Why a connection ends (devp2p, section "Disconnect"). */
public enum DisconnectReason {
  REQUESTED(0x00, "disconnect requested"),
  TCP_ERROR(0x01, "network error"),
  PROTOCOL_BREACH(0x02, "breach of protocol"),
  USELESS_PEER(0x03, "useless peer"),
  TOO_MANY_PEERS(0x04, "too many peers"),
  ALREADY_CONNECTED(0x05, "already connected"),
  INCOMPATIBLE_VERSION(0x06, "incompatible p2p protocol version"),
  NULL_IDENTITY(0x07, "invalid node identity"),
  CLIENT_QUITTING(0x08, "client quitting"),
  UNEXPECTED_IDENTITY(0x09, "unexpected identity"),
  SELF(0x0a, "connected to self"),
  PING_TIMEOUT(0x0b, "read timeout"),
  SUBPROTOCOL_ERROR(0x10, "subprotocol error");

  private final int code;
  private final String text;

  DisconnectReason(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** Returns the number on the wire, one byte. */
  public int code() {
    return code;
  }

  /** Returns the reason with a number; null when devp2p has no such number. */
  public static @Nullable DisconnectReason of(int code) {
    for (DisconnectReason reason : values()) {
      if (reason.code == code) {
        return reason;
      }
    }
    return null;
  }

  /** Returns the reason in words. */
  @Override
  public String toString() {
    return text;
  }
}
