// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Executes commands for the peers of the network. Transactions are not exchanged. */
final class ChronosCommands implements PeerCommandHandler {
  private final Function<PeerId, @Nullable Connection> peers;
  private final LocalChain chain;
  private final BlockFetch fetch;
  private final BlockSender sender;

  /**
   * Creates a handler.
   *
   * @param peers finds a peer
   */
  ChronosCommands(
      Function<PeerId, @Nullable Connection> peers,
      LocalChain chain,
      BlockFetch fetch,
      BlockSender sender) {
    this.peers = peers;
    this.chain = chain;
    this.fetch = fetch;
    this.sender = sender;
  }

  @Override
  public boolean canRequest(PeerId peer) {
    return peers.apply(peer) != null && !chain.isDriven();
  }

  @Override
  public CompletableFuture<Integer> execute(PeerCommand command) {
    if (command instanceof PeerCommand.BroadcastBlock block) {
      return CompletableFuture.completedFuture(sender.send(block.hash()));
    }
    if (command instanceof PeerCommand.GetBlockHeaders request) {
      return headers(request).thenApply(List::size);
    }
    if (command instanceof PeerCommand.GetBlockBodies request) {
      return bodies(request).thenApply(List::size);
    }
    return CompletableFuture.completedFuture(0);
  }

  @Override
  public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
    Connection peer = peers.apply(request.peer());
    if (peer == null) {
      return notConnected(request.peer());
    }
    if (request.start() instanceof HeaderStart.ByNumber first
        && (request.count() == 1 || !request.reverse() && request.skip() == 0)) {
      return fetch.headers(peer, first.number(), request.count());
    }
    if (request.start() instanceof HeaderStart.ByHash first && request.count() == 1) {
      return fetch.header(peer, first.hash());
    }
    return CompletableFuture.failedFuture(
        new RequestFailedException("Chronos has consecutive headers in ascending order only"));
  }

  @Override
  public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
    Connection peer = peers.apply(request.peer());
    return peer == null ? notConnected(request.peer()) : fetch.bodies(peer, request.hashes());
  }

  private static <R> CompletableFuture<R> notConnected(PeerId peer) {
    return CompletableFuture.failedFuture(
        new RequestFailedException("peer " + peer.shortText() + " is not connected"));
  }
}
