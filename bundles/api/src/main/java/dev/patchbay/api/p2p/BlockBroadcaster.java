// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Block;
import java.util.concurrent.CompletableFuture;
import org.osgi.annotation.versioning.ProviderType;

/** Gives every network a new block. Threading: any thread; the call does not wait. */
@ProviderType
public interface BlockBroadcaster {
  /**
   * Sends a block of this node's chain to the peers of all networks, see {@link
   * PeerCommand.BroadcastBlock}.
   *
   * @return how many peers it is sent to
   */
  CompletableFuture<Integer> broadcast(Block block);
}
