// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The networks, and those that execute commands for their peers. Threading: any thread. */
final class NetworkPeers implements Peers, BlockBroadcaster {
  private final List<Network> networks = new CopyOnWriteArrayList<>();
  private final List<PeerCommandHandler> handlers = new CopyOnWriteArrayList<>();

  void add(Network network) {
    networks.add(network);
  }

  void remove(Network network) {
    networks.removeIf(one -> one == network);
  }

  void add(PeerCommandHandler handler) {
    handlers.add(handler);
  }

  void remove(PeerCommandHandler handler) {
    handlers.removeIf(one -> one == handler);
  }

  @Override
  public int count() {
    return list().size();
  }

  @Override
  public List<PeerInfo> list() {
    return networks.stream().flatMap(network -> network.peers().stream()).toList();
  }

  @Override
  public List<String> pending() {
    return networks.stream().flatMap(network -> network.pending().stream()).toList();
  }

  @Override
  public boolean isListening() {
    return networks.stream().anyMatch(Network::isListening);
  }

  @Override
  public @Nullable Network network(String name) {
    return networks.stream().filter(one -> one.name().equals(name)).findFirst().orElse(null);
  }

  @Override
  public Map<String, Long> disconnects() {
    Map<String, Long> sum = new TreeMap<>();
    for (Network network : networks) {
      network.disconnects().forEach((end, count) -> sum.merge(end, count, Long::sum));
    }
    return sum;
  }

  @Override
  public CompletableFuture<Integer> broadcast(Block block) {
    return execute(new PeerCommand.BroadcastBlock(block.hash(), block.number()));
  }

  @Override
  public CompletableFuture<Integer> execute(PeerCommand command) {
    if (command instanceof PeerCommand.Request request) {
      return request(request.peer(), handler -> handler.execute(command));
    }
    CompletableFuture<Integer> sum = CompletableFuture.completedFuture(0);
    for (PeerCommandHandler handler : handlers) {
      sum = sum.thenCombine(call(handler, one -> one.execute(command)), Integer::sum);
    }
    return sum;
  }

  @Override
  public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
    return request(request.peer(), handler -> handler.headers(request));
  }

  @Override
  public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
    return request(request.peer(), handler -> handler.bodies(request));
  }

  private <R> CompletableFuture<R> request(
      PeerId peer, Function<PeerCommandHandler, CompletableFuture<R>> request) {
    for (PeerCommandHandler handler : handlers) {
      if (handler.canRequest(peer)) {
        return call(handler, request);
      }
    }
    return CompletableFuture.failedFuture(
        new RequestFailedException("peer " + peer.shortText() + " is not connected"));
  }

  private static <R> CompletableFuture<R> call(
      PeerCommandHandler handler, Function<PeerCommandHandler, CompletableFuture<R>> call) {
    try {
      return call.apply(handler);
    } catch (RuntimeException failure) { // of a third party; the others go on
      return CompletableFuture.failedFuture(failure);
    }
  }
}
