// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Bytes;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What a {@link WireProtocol} does with one peer.
 *
 * <p>Threading: {@link #messageReceived} and {@link #disconnected} are called one at a time, in
 * order, by a thread that no other peer waits for; {@link #head} and {@link #info} by any thread.
 */
@ConsumerType
public interface ProtocolHandler {
  /**
   * Called with each message of the peer. The next one waits until the call returns, and until the
   * peer has read most of what was sent to it.
   *
   * @param message number of the message, from 0 to {@link WireProtocol#messageCount} - 1
   * @param payload its RLP, decompressed, at most 10 MiB
   * @throws PeerBreachException when the connection must end
   * @throws dev.patchbay.primitives.rlp.RlpException when the payload is not well-formed; the
   *     connection ends with {@link DisconnectReason#PROTOCOL_BREACH}
   */
  void messageReceived(int message, Bytes payload) throws PeerBreachException;

  /** Called once, after the last message: the connection has ended. */
  void disconnected();

  /**
   * Returns the head of the peer's chain; null when the sub-protocol has none, or it is unknown.
   */
  default @Nullable ChainHead head() {
    return null;
  }

  /** Returns what {@code admin_peers} shows of the sub-protocol: JSON-neutral values. */
  Map<String, Object> info();
}
