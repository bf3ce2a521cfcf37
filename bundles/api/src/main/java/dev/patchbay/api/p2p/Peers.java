// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The peers of all networks together. Networks may come and go. Threading: any thread; the calls do
 * not wait.
 */
@ProviderType
public interface Peers {
  /** Returns the number of peers of all networks, those only whose handshakes have succeeded. */
  int count();

  /** Returns the peers of all networks. */
  List<PeerInfo> list();

  /** Returns the remote ends of dials and handshakes under way; they do not count as peers. */
  List<String> pending();

  /** Returns whether a network accepts connections. */
  boolean isListening();

  /** Returns a network by its name; null when it is not registered. */
  @Nullable Network network(String name);

  /**
   * Returns how connections have ended so far, of all networks that are registered; see {@link
   * Network#disconnects}.
   */
  Map<String, Long> disconnects();

  /**
   * Executes a command.
   *
   * @return the result of the command, see {@link PeerCommand.Broadcast} and {@link
   *     PeerCommand.Request}. It completes after the events of the command were published, in a
   *     thread of a network: what depends on it must return soon. It fails with a {@link
   *     RequestFailedException} when the peer does not reply, with a {@link PeerBreachException} or
   *     a {@link dev.patchbay.primitives.rlp.RlpException} when the reply is a breach, which ends
   *     the connection, and with an {@link IllegalArgumentException} when a transaction is
   *     malformed.
   */
  CompletableFuture<Integer> execute(PeerCommand command);

  /**
   * Requests headers, once: a reply may have fewer than requested, or none.
   *
   * @return the headers. They have the requested positions; consecutive ones are linked by their
   *     parent hashes. It fails as {@link #execute} does, and completes in a thread of a network:
   *     what depends on it must return soon.
   */
  CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request);

  /**
   * Requests bodies, once: a reply may have fewer than requested, or none.
   *
   * @return the bodies, in the order of the request; a peer leaves out those that it does not have.
   *     Whether a body belongs to a block is not checked. Fails and completes as {@link #headers}.
   */
  CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request);
}
