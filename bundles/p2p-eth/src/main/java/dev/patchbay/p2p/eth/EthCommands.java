// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Executes commands for the peers of the eth sub-protocol. Requests are split: a reply may be
 * shorter than its request, and the rest is requested again, until a reply is empty.
 *
 * <p>Threading: any thread.
 */
final class EthCommands implements PeerCommandHandler {
  /** Headers in a request of this node; peers serve at least so many. */
  static final int MAX_HEADERS = 512;

  /** Bodies in a request of this node; as other clients. */
  static final int MAX_BODIES = 128;

  private final PeerSet peers;
  private final BlockSender blocks;
  private final TransactionGossip gossip;

  EthCommands(PeerSet peers, BlockSender blocks, TransactionGossip gossip) {
    this.peers = peers;
    this.blocks = blocks;
    this.gossip = gossip;
  }

  private @Nullable EthPeer find(PeerId id) {
    return peers.list().stream().filter(peer -> peer.id().equals(id)).findFirst().orElse(null);
  }

  @Override
  public boolean canRequest(PeerId peer) {
    return find(peer) != null;
  }

  @Override
  public CompletableFuture<Integer> execute(PeerCommand command) {
    if (command instanceof PeerCommand.BroadcastBlock block) {
      return CompletableFuture.completedFuture(blocks.send(block.hash(), block.number()));
    }
    if (command instanceof PeerCommand.BroadcastTransactions transactions) {
      return broadcast(transactions);
    }
    return request(
        ((PeerCommand.Request) command).peer(),
        peer ->
            command instanceof PeerCommand.GetBlockHeaders headers
                ? headers(peer, headers, origin(headers.start()), null, 0)
                : bodies(peer, ((PeerCommand.GetBlockBodies) command).hashes(), 0));
  }

  @Override
  public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
    int limit = Math.min(MAX_HEADERS, request.count());
    return request(
        request.peer(),
        peer ->
            peer.requests()
                .headers(origin(request.start()), limit, request.skip(), request.reverse()));
  }

  @Override
  public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
    List<Hash> hashes = request.hashes();
    List<Hash> some = hashes.subList(0, Math.min(hashes.size(), MAX_BODIES));
    return request(request.peer(), peer -> peer.requests().bodies(some));
  }

  private <R> CompletableFuture<R> request(
      PeerId id, Function<EthPeer, CompletableFuture<R>> request) {
    EthPeer peer = find(id);
    return peer == null
        ? CompletableFuture.failedFuture(
            new RequestFailedException("peer " + id.shortText() + " is not connected"))
        : request.apply(peer);
  }

  private CompletableFuture<Integer> broadcast(PeerCommand.BroadcastTransactions command) {
    try {
      List<Transaction> transactions =
          command.transactions().stream().map(tx -> Transaction.decode(tx.toArray())).toList();
      if (transactions.stream().anyMatch(tx -> tx.deposit() != null)) {
        throw new IllegalArgumentException("a deposit comes from L1, not from peers");
      }
      gossip.broadcast(transactions);
      return CompletableFuture.completedFuture(peers.list().size());
    } catch (RuntimeException malformed) {
      return CompletableFuture.failedFuture(
          new IllegalArgumentException(
              "a transaction cannot be sent: " + malformed.getMessage(), malformed));
    }
  }

  private static GetBlockHeaders.Origin origin(HeaderStart start) {
    return start instanceof HeaderStart.ByHash byHash
        ? new GetBlockHeaders.ByHash(byHash.hash())
        : new GetBlockHeaders.ByNumber(((HeaderStart.ByNumber) start).number());
  }

  /**
   * Requests the headers that have not arrived yet.
   *
   * @param last the last one that has arrived; null for none
   * @param arrived how many have arrived
   */
  private static CompletableFuture<Integer> headers(
      EthPeer peer,
      PeerCommand.GetBlockHeaders command,
      GetBlockHeaders.Origin origin,
      @Nullable BlockHeader last,
      int arrived) {
    int limit = Math.min(MAX_HEADERS, command.count() - arrived);
    return peer.requests()
        .headers(origin, limit, command.skip(), command.reverse())
        .thenCompose(
            reply -> {
              int total = arrived + reply.size();
              if (reply.isEmpty() || total == command.count() || !follows(command, last, reply)) {
                return CompletableFuture.completedFuture(total);
              }
              BlockHeader end = reply.get(reply.size() - 1);
              GetBlockHeaders.Origin next = next(command, end);
              return next == null
                  ? CompletableFuture.completedFuture(total)
                  : headers(peer, command, next, end, total);
            });
  }

  /** Returns whether a reply continues the one before; not so when the peer has had a reorg. */
  private static boolean follows(
      PeerCommand.GetBlockHeaders command, @Nullable BlockHeader last, List<BlockHeader> reply) {
    if (last == null || command.skip() > 0) {
      return true;
    }
    BlockHeader first = reply.get(0);
    return command.reverse()
        ? last.parentHash().equals(first.computeHash())
        : first.parentHash().equals(last.computeHash());
  }

  /** Returns where the next request starts; null when there are no such headers. */
  private static GetBlockHeaders.@Nullable Origin next(
      PeerCommand.GetBlockHeaders command, BlockHeader end) {
    long step = command.skip() + 1L;
    if (command.reverse()) {
      if (Long.compareUnsigned(end.number(), step) < 0) {
        return null;
      }
      return command.skip() == 0
          ? new GetBlockHeaders.ByHash(end.parentHash())
          : new GetBlockHeaders.ByNumber(end.number() - step);
    }
    long next = end.number() + step;
    return Long.compareUnsigned(next, step) < 0 ? null : new GetBlockHeaders.ByNumber(next);
  }

  private static CompletableFuture<Integer> bodies(EthPeer peer, List<Hash> hashes, int arrived) {
    List<Hash> some = hashes.subList(arrived, Math.min(hashes.size(), arrived + MAX_BODIES));
    if (some.isEmpty()) {
      return CompletableFuture.completedFuture(arrived);
    }
    return peer.requests()
        .bodies(some)
        .thenCompose(
            reply ->
                reply.isEmpty()
                    ? CompletableFuture.completedFuture(arrived)
                    : bodies(peer, hashes, arrived + reply.size()));
  }
}
