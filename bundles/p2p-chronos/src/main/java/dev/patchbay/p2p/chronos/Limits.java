// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.time.Duration;

/** The limits of the protocol. */
final class Limits {
  /** Bytes of the first frame of a connection. */
  static final int MAX_FIRST_FRAME = 4 * 1024;

  /**
   * More bytes than a message with a block has for the names of all members, the fields of fixed
   * length of the header, and 256 withdrawals. A block has at most 16 of them, or none under
   * Clique.
   */
  private static final int MAX_FIXED_BYTES = 64 * 1024;

  /** Bytes of a frame with a block. */
  static final int MAX_BLOCK_FRAME = 8 * 1024 * 1024;

  /**
   * Bytes of the RLP of a block whose message is surely no longer than {@link #MAX_BLOCK_FRAME}.
   *
   * <p>A transaction of n bytes takes at most 2n + 5 in the message: two digits for each byte, the
   * prefix, the quotation marks and a comma. In the RLP of the block it takes n bytes at least, and
   * n is 10 at least: nine fields and the prefix of the list. So the message has at most five
   * halves of the bytes of the RLP, and {@link #MAX_FIXED_BYTES}.
   */
  static final int MAX_BLOCK_BYTES = (MAX_BLOCK_FRAME - MAX_FIXED_BYTES) / 5 * 2;

  /** Bytes of a frame without a block. */
  static final int MAX_FRAME = 64 * 1024;

  /** Bytes that wait to be sent to a peer; above, the connection ends. */
  static final int MAX_UNSENT_BYTES = 16 * 1024 * 1024;

  /** Bytes that wait to be sent to a peer; above, this node reads nothing from it. */
  static final int UNSENT_MARK = 4 * 1024 * 1024;

  /**
   * Connections whose handshake is not completed, of peers that the operator has not named. They
   * take no place of a peer.
   */
  static final int MAX_PENDING = 32;

  /** Of these, those of one subnet (IPv4 /24, IPv6 /64) outside of private networks. */
  static final int MAX_PENDING_PER_SUBNET = 8;

  /** Connections of one host, see {@link Sources#host}; those of this machine are not counted. */
  static final int MAX_PER_ADDRESS = 3;

  static final int MESSAGES_PER_SECOND = 50;
  static final int PULLS_PER_SECOND = 20;

  /** Bytes that a peer may send in {@link #BYTES_SECONDS} seconds. */
  static final int MAX_BYTES = 16 * 1024 * 1024;

  static final int BYTES_SECONDS = 10;

  /** New blocks that are on their way to a peer; it gets the hashes of others. */
  static final int MAX_NEW_BLOCKS = 4;

  /** Blocks of which this node remembers that a peer knows them. */
  static final int MAX_KNOWN = 1_024;

  /** How far below the head a block may be that is given by its hash. */
  static final int MAX_DEPTH = 128;

  /** Errors of a peer in {@link #ERRORS_PERIOD}, after which the connection ends. */
  static final int MAX_ERRORS = 10;

  static final Duration ERRORS_PERIOD = Duration.ofSeconds(60);

  /** Time until both sides have sent SHAKEHAND, TLS included. */
  static final Duration HANDSHAKE = Duration.ofSeconds(5);

  /** Time in which a frame must be complete. */
  static final Duration FRAME = Duration.ofSeconds(15);

  /** Time in which a peer must have read a message, from when it was queued. */
  static final Duration UNSENT = Duration.ofSeconds(30);

  /** Time after which a peer that sends nothing is disconnected. */
  static final Duration SILENCE = Duration.ofSeconds(30);

  static final Duration KEEP_ALIVE = Duration.ofSeconds(5);

  /** Time until a reply is no longer waited for. */
  static final Duration REPLY = Duration.ofSeconds(10);

  /** Difference of clocks that is worth a warning. */
  static final Duration MAX_SKEW = Duration.ofSeconds(15);

  static final Duration MIN_REDIAL = Duration.ofSeconds(1);
  static final Duration MAX_REDIAL = Duration.ofSeconds(60);

  private Limits() {}
}
