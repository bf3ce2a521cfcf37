// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.execution.BlockLimits;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A transport with peers of its own, such as devp2p; a whiteboard service. Threading: any thread.
 */
@ConsumerType
public interface Network {
  /** Returns its name, in lower case; always the same one. */
  String name();

  /** Returns this node as peers of the network see it. */
  LocalNode localNode();

  /** Returns the peers, those only whose handshakes have succeeded. */
  List<PeerInfo> peers();

  /** Returns the remote ends of dials and handshakes under way; they do not count as peers. */
  List<String> pending();

  /** Returns the greatest number of peers, trusted ones aside. */
  int maxPeers();

  /**
   * Returns the most bytes that the RLP of a block may have so that peers of the network can be
   * sent it; always the same while its configuration and the chain are. No longer block is built
   * while the network is registered.
   */
  default long maxBlockBytes() {
    return BlockLimits.MAX_BYTES;
  }

  /** Returns whether the node accepts connections. */
  boolean isListening();

  /**
   * Returns how connections have ended so far, handshakes that failed included, such as {@code
   * "received: too many peers" -> 3}: {@code sent} or {@code received}, and the reason.
   */
  Map<String, Long> disconnects();

  /**
   * Connects to a peer, and dials it again whenever it is not connected. A ban of it ends.
   *
   * @param url what {@link PeerInfo#url} has
   * @return false when it was added before
   * @throws IllegalArgumentException when the URL is malformed; the message names it
   */
  boolean addPeer(String url);

  /**
   * Disconnects from a peer, and dials it no longer.
   *
   * @return false when it was neither added nor connected
   * @throws IllegalArgumentException as of {@link #addPeer}
   */
  boolean removePeer(String url);

  /**
   * Lets a peer connect even when there are too many peers.
   *
   * @return false when it was trusted before
   * @throws IllegalArgumentException as of {@link #addPeer}
   */
  boolean addTrustedPeer(String url);

  /**
   * Takes that back; a connection stays.
   *
   * @return false when it was not trusted
   * @throws IllegalArgumentException as of {@link #addPeer}
   */
  boolean removeTrustedPeer(String url);

  /**
   * Disconnects from a peer, and refuses it for a while.
   *
   * @param duration how long; at most a year
   * @throws IllegalArgumentException as of {@link #addPeer}
   */
  void ban(String url, Duration duration);

  /**
   * Does the same, and keeps the reason for {@link #bans} where the network can.
   *
   * @param reason why, as {@link PeerBan#reason} has it; other characters are replaced
   * @throws IllegalArgumentException as of {@link #ban(String, Duration)}
   */
  default void ban(String url, Duration duration, String reason) {
    ban(url, duration);
  }

  /** Returns the bans that have not ended, the one first that ends first. */
  default List<PeerBan> bans() {
    return List.of();
  }

  /**
   * Ends a ban.
   *
   * @return false when the peer is not banned
   * @throws IllegalArgumentException as of {@link #addPeer}
   */
  default boolean unban(String url) {
    return false;
  }
}
