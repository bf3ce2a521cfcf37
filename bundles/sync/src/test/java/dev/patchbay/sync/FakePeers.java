// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Peers with chains of their own, which reply in another thread. */
final class FakePeers implements Peers, Network, BlockBroadcaster, AutoCloseable {
  /** A peer, which replies as its functions say. */
  static final class FakePeer {
    final PeerId id;
    final ModelChain chain;
    volatile @Nullable ChainHead head;
    volatile boolean silent;

    /** Which requests it never replies to, so that they are open for the time of a test. */
    volatile Predicate<PeerCommand.Request> hangs = request -> false;

    /** Which requests it does not reply to in time. */
    volatile Predicate<PeerCommand.Request> stalls = request -> false;

    volatile UnaryOperator<List<BlockHeader>> headers = UnaryOperator.identity();
    volatile UnaryOperator<List<BlockBody>> bodies = UnaryOperator.identity();

    /** What it was asked for, in order. */
    final List<PeerCommand.Request> requests = new CopyOnWriteArrayList<>();

    FakePeer(String id, ModelChain chain) {
      this.id = new PeerId("fake", id);
      this.chain = chain;
      statesHead();
    }

    /** States its head as eth/69 does. */
    FakePeer statesHead() {
      head = new ChainHead(chain.head().hash(), chain.head().number(), null);
      return this;
    }

    /** States its head as eth/68 does. */
    FakePeer statesTotalDifficulty() {
      Hash hash = chain.head().hash();
      head = new ChainHead(hash, null, chain.totalDifficulty(hash));
      return this;
    }

    <T extends PeerCommand.Request> List<T> requests(Class<T> type) {
      return requests.stream().filter(type::isInstance).map(type::cast).toList();
    }

    private List<BlockHeader> serve(PeerCommand.GetBlockHeaders request) {
      List<BlockHeader> out = new ArrayList<>();
      Block first =
          request.start() instanceof HeaderStart.ByHash byHash
              ? chain.block(byHash.hash())
              : chain.block(((HeaderStart.ByNumber) request.start()).number());
      for (Block at = first; at != null && out.size() < request.count(); ) {
        out.add(at.header());
        at =
            request.reverse()
                ? chain.block(at.header().parentHash())
                : chain.block(at.number() + 1);
      }
      return headers.apply(out);
    }

    private List<BlockBody> serve(PeerCommand.GetBlockBodies request) {
      return bodies.apply(
          request.hashes().stream()
              .map(chain::block)
              .filter(Objects::nonNull)
              .map(b -> new BlockBody(b.transactions(), b.ommers(), b.withdrawals()))
              .toList());
    }
  }

  private final Map<PeerId, FakePeer> peers = new ConcurrentHashMap<>();
  private final ExecutorService replies = Executors.newSingleThreadExecutor();

  /** URLs of peers that were banned. */
  final BlockingQueue<String> banned = new LinkedBlockingQueue<>();

  /** Why the last of them was banned. */
  volatile @Nullable String banReason;

  /** Blocks that were announced. */
  final BlockingQueue<Block> announced = new LinkedBlockingQueue<>();

  FakePeer add(String id, ModelChain chain) {
    FakePeer peer = new FakePeer(id, chain);
    add(peer);
    return peer;
  }

  /** Adds a peer that may have been changed: a running download asks it at once. */
  void add(FakePeer peer) {
    peers.put(peer.id, peer);
  }

  void remove(FakePeer peer) {
    peers.remove(peer.id);
  }

  private <R> CompletableFuture<R> reply(PeerCommand.Request request, Function<FakePeer, R> work) {
    FakePeer peer = peers.get(request.peer());
    if (peer == null) {
      return CompletableFuture.failedFuture(new RequestFailedException("not connected"));
    }
    peer.requests.add(request);
    CompletableFuture<R> out = new CompletableFuture<>();
    replies.execute(
        () -> {
          if (peer.hangs.test(request)) {
            return;
          }
          if (peer.silent || peer.stalls.test(request)) {
            out.completeExceptionally(new RequestFailedException("timeout"));
          } else {
            out.complete(work.apply(peer));
          }
        });
    return out;
  }

  @Override
  public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
    return reply(request, peer -> peer.serve(request));
  }

  @Override
  public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
    return reply(request, peer -> peer.serve(request));
  }

  @Override
  public List<PeerInfo> list() {
    return peers();
  }

  @Override
  public List<PeerInfo> peers() {
    InetSocketAddress address = InetSocketAddress.createUnresolved("peer", 1);
    return peers.values().stream()
        .map(
            peer ->
                new PeerInfo(
                    peer.id,
                    peer.id.value(),
                    "test",
                    List.of(),
                    address,
                    address,
                    true,
                    false,
                    false,
                    peer.head,
                    Map.of()))
        .toList();
  }

  @Override
  public void ban(String url, Duration duration) {
    peers.values().removeIf(peer -> peer.id.value().equals(url));
    banned.add(url);
  }

  @Override
  public void ban(String url, Duration duration, String reason) {
    banReason = reason;
    ban(url, duration);
  }

  /** Waits for a ban, and returns who is banned. */
  String awaitBan() throws InterruptedException {
    return Objects.requireNonNull(banned.poll(30, TimeUnit.SECONDS), "a ban");
  }

  @Override
  public CompletableFuture<Integer> broadcast(Block block) {
    announced.add(block);
    return CompletableFuture.completedFuture(peers.size());
  }

  @Override
  public void close() {
    replies.shutdownNow();
  }

  @Override
  public int count() {
    return peers.size();
  }

  @Override
  public List<String> pending() {
    return List.of();
  }

  @Override
  public boolean isListening() {
    return true;
  }

  @Override
  public @Nullable Network network(String name) {
    return name.equals("fake") ? this : null;
  }

  @Override
  public Map<String, Long> disconnects() {
    return Map.of();
  }

  @Override
  public CompletableFuture<Integer> execute(PeerCommand command) {
    throw new UnsupportedOperationException();
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public LocalNode localNode() {
    throw new UnsupportedOperationException();
  }

  @Override
  public int maxPeers() {
    return 50;
  }

  @Override
  public boolean addPeer(String url) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean removePeer(String url) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean addTrustedPeer(String url) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean removeTrustedPeer(String url) {
    throw new UnsupportedOperationException();
  }
}
