// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

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
}
