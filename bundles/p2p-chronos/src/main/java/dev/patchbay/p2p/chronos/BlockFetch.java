// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Gets headers and bodies of a peer's chain as Chronos has them: confirmed blocks by PULL_BLOCK,
 * those above by GET_BLOCK from the head of the peer down to them. Blocks come whole; their bodies
 * are kept for the requests that follow.
 *
 * <p>Threading: any thread; the calls do not wait.
 */
final class BlockFetch {
  private final LocalChain chain;
  private final BlockCache cache;
  private final Windows windows = new Windows();

  BlockFetch(LocalChain chain, BlockCache cache) {
    this.chain = chain;
    this.cache = cache;
  }

  /** Commands find peers by their ids: each one has an id. */
  private static PeerId id(Connection peer) {
    return Objects.requireNonNull(peer.id());
  }

  private Block keep(Connection peer, ReceivedBlock received) {
    windows.received(id(peer), received.bytes());
    cache.add(received);
    return received.block();
  }

  // ---- headers

  /** Returns consecutive headers of the peer's chain from a number on; fewer than requested. */
  CompletableFuture<List<BlockHeader>> headers(Connection peer, long start, int count) {
    int window = windows.size(id(peer), count);
    List<CompletableFuture<@Nullable ReceivedBlock>> pulls = new ArrayList<>();
    Shakehand stated = peer.stated();
    long last = Math.max(start, stated == null ? start : stated.height());
    for (long number = start; number <= last && pulls.size() < window; number++) {
      ReceivedBlock here = cache.takeNew(id(peer), number);
      pulls.add(here == null ? peer.pull(number) : CompletableFuture.completedFuture(here));
    }
    return CompletableFuture.allOf(pulls.toArray(CompletableFuture[]::new))
        .handle((all, failure) -> linked(peer, pulls, failure))
        .thenCompose(
            headers ->
                headers.isEmpty()
                    ? fromHead(peer, start, count)
                    : CompletableFuture.completedFuture(headers));
  }

  /** Returns the headers up to the first one that is missing or continues another branch. */
  private List<BlockHeader> linked(
      Connection peer,
      List<CompletableFuture<@Nullable ReceivedBlock>> pulls,
      @Nullable Throwable failure) {
    List<BlockHeader> out = new ArrayList<>();
    Hash parent = null;
    if (failure != null) {
      windows.failed(id(peer));
    }
    for (CompletableFuture<@Nullable ReceivedBlock> pull : pulls) {
      ReceivedBlock received = pull.isCompletedExceptionally() ? null : pull.getNow(null);
      if (received == null
          || parent != null && !received.block().header().parentHash().equals(parent)) {
        if (out.isEmpty() && failure != null && pull.isCompletedExceptionally()) {
          throw failure instanceof CompletionException known
              ? known
              : new CompletionException(failure);
        }
        break;
      }
      Block block = keep(peer, received);
      out.add(block.header());
      parent = block.hash();
    }
    return out;
  }

  /** Goes from the head of the peer down to a number that is not confirmed. */
  private CompletableFuture<List<BlockHeader>> fromHead(Connection peer, long start, int count) {
    ChainHead head = peer.head();
    Long number = head == null ? null : head.number();
    if (head == null || number == null || number < start || number - start >= Limits.MAX_DEPTH) {
      return CompletableFuture.completedFuture(List.of());
    }
    return down(peer, head.hash(), number, start, new ArrayDeque<>())
        .thenApply(headers -> headers.stream().limit(Math.min(count, Windows.MAX_BLOCKS)).toList());
  }

  private CompletableFuture<Deque<BlockHeader>> down(
      Connection peer, Hash hash, long number, long start, Deque<BlockHeader> found) {
    if (number < start) {
      return CompletableFuture.completedFuture(found);
    }
    BlockHeader own = chain.header(hash);
    ReceivedBlock kept = own == null ? cache.get(hash) : null;
    BlockHeader here = kept == null ? own : kept.block().header();
    if (here != null) {
      return below(peer, here, number, start, found);
    }
    return peer.get(hash)
        .thenCompose(
            block -> {
              if (block == null) {
                return CompletableFuture.completedFuture(new ArrayDeque<>());
              }
              return below(peer, keep(peer, block).header(), number, start, found);
            });
  }

  private CompletableFuture<Deque<BlockHeader>> below(
      Connection peer, BlockHeader header, long number, long start, Deque<BlockHeader> found) {
    if (header.number() != number) {
      return CompletableFuture.completedFuture(new ArrayDeque<>()); // not what the peer stated
    }
    found.addFirst(header);
    return down(peer, header.parentHash(), number - 1, start, found);
  }

  /** Returns the header of a block of any branch; none when the peer does not have it. */
  CompletableFuture<List<BlockHeader>> header(Connection peer, Hash hash) {
    return peer.get(hash)
        .thenApply(
            block -> {
              if (block == null) {
                return List.of();
              }
              return List.of(keep(peer, block).header());
            });
  }

  // ---- bodies

  /** Returns bodies in the order of the hashes; those that the peer does not have are left out. */
  CompletableFuture<List<BlockBody>> bodies(Connection peer, List<Hash> hashes) {
    List<CompletableFuture<@Nullable ReceivedBlock>> blocks = new ArrayList<>();
    int requested = 0;
    int window = windows.size(id(peer), hashes.size());
    for (Hash hash : hashes) {
      ReceivedBlock kept = cache.take(hash);
      if (kept != null) {
        blocks.add(CompletableFuture.completedFuture(kept));
      } else if (requested < window) {
        requested++;
        blocks.add(
            request(peer, hash).whenComplete((block, failure) -> note(peer, block, failure)));
      } else {
        break;
      }
    }
    return CompletableFuture.allOf(blocks.toArray(CompletableFuture[]::new))
        .thenApply(
            all -> {
              List<BlockBody> out = new ArrayList<>();
              for (CompletableFuture<@Nullable ReceivedBlock> one : blocks) {
                ReceivedBlock received = one.getNow(null);
                if (received != null) {
                  Block block = received.block();
                  out.add(new BlockBody(block.transactions(), block.ommers(), block.withdrawals()));
                }
              }
              return out;
            });
  }

  private void note(Connection peer, @Nullable ReceivedBlock block, @Nullable Throwable failure) {
    if (failure != null) {
      windows.failed(id(peer));
    } else if (block != null) {
      windows.received(id(peer), block.bytes());
    }
  }

  private CompletableFuture<@Nullable ReceivedBlock> request(Connection peer, Hash hash) {
    Long number = cache.number(hash);
    if (number == null) {
      return peer.get(hash);
    }
    return peer.pull(number)
        .thenCompose(
            block ->
                block != null && block.block().hash().equals(hash)
                    ? CompletableFuture.completedFuture(block)
                    : peer.get(hash));
  }
}
