// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Executes commands for the peers of a sub-protocol or a network that exchanges blocks and
 * transactions; a whiteboard service. Threading: any thread; the calls do not wait.
 */
@ConsumerType
public interface PeerCommandHandler {
  /** Returns whether it can send requests to a peer now. */
  boolean canRequest(PeerId peer);

  /** Executes a command for its own peers, see {@link Peers#execute}. */
  CompletableFuture<Integer> execute(PeerCommand command);

  /**
   * Requests headers, once: a reply may have fewer than requested, or none.
   *
   * @return the headers. They have the requested positions; consecutive ones are linked by their
   *     parent hashes. It fails as {@link Peers#execute} does, and completes in a thread of a
   *     network: what depends on it must return soon.
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
