// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Block;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
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
      for (PeerCommandHandler handler : handlers) {
        if (handler.canRequest(request.peer())) {
          return execute(handler, command);
        }
      }
      return CompletableFuture.failedFuture(
          new RequestFailedException("peer " + request.peer() + " is not connected"));
    }
    CompletableFuture<Integer> sum = CompletableFuture.completedFuture(0);
    for (PeerCommandHandler handler : handlers) {
      sum = sum.thenCombine(execute(handler, command), Integer::sum);
    }
    return sum;
  }

  private static CompletableFuture<Integer> execute(
      PeerCommandHandler handler, PeerCommand command) {
    try {
      return handler.execute(command);
    } catch (RuntimeException failure) { // of a third party; the others go on
      return CompletableFuture.failedFuture(failure);
    }
  }
}
