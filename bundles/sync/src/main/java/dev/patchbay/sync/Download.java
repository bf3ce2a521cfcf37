// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Downloads what the chain of one peer has beyond the common ancestor: headers from that peer, 512
 * at a time, which are verified as they come; bodies from all peers, which belong to a header by
 * the roots in it; and imports the blocks in their order behind that.
 *
 * <p>Threading: {@link #run} works in the thread of its caller. Replies and results of imports come
 * in other threads, and go through a mailbox.
 */
final class Download {
  /** Headers in a request; peers serve at least so many. */
  static final int MAX_HEADERS = 512;

  /** Bodies in a request. */
  static final int MAX_BODIES = 128;

  /** Headers that are verified and whose blocks are not imported. */
  private static final int MAX_AHEAD = 2 * MAX_HEADERS;

  /** Replies that a peer may give in vain before it rests. */
  private static final int MAX_USELESS = 2;

  private static final long MAIL_MILLIS = 100;
  private static final long REPLY_SECONDS = 30;

  /** How a download has ended. */
  enum End {
    /** Everything that the peer has was imported. */
    COMPLETE,
    /** It is worth to begin again at once, with any peer: the chain of the peer has changed. */
    AGAIN,
    /** The peer, or the store, could not go on. */
    FAILED
  }

  /** A block of which the header is verified. */
  private static final class Pending {
    final BlockHeader header;
    final Hash hash;
    @Nullable Block block;
    boolean requested;

    Pending(BlockHeader header, Hash hash) {
      this.header = header;
      this.hash = hash;
      block = Bodies.emptyBlock(header);
    }
  }

  private final ChainReader chain;
  private final BlockImporter importer;
  private final SyncPeers peers;
  private final ImportQueue imports;
  private final ExecutorService workers;
  private final PeerInfo leader;
  private final BooleanSupplier cancelled;
  private final AheadHeaders ahead;

  private final BlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();
  private final Deque<Pending> pending = new ArrayDeque<>();
  private final Set<PeerId> asked = new HashSet<>();
  private final Map<PeerId, Integer> useless = new HashMap<>();
  private int importing;
  private boolean headersRequested;
  private boolean headersComplete;
  private @Nullable End end;

  /** The last header that was verified. */
  private BlockHeader last;

  private Hash lastHash;
  private volatile long highest;
  private boolean anyBecameHead;

  /**
   * Creates a download.
   *
   * @param leader has the better chain
   * @param cancelled whether to return soon
   */
  Download(
      ChainReader chain,
      BlockImporter importer,
      SyncPeers peers,
      ImportQueue imports,
      ExecutorService workers,
      PeerInfo leader,
      BooleanSupplier cancelled) {
    this.chain = chain;
    this.importer = importer;
    this.peers = peers;
    this.imports = imports;
    this.workers = workers;
    this.leader = leader;
    this.cancelled = cancelled;
    ahead = new AheadHeaders(chain);
    last = chain.head().header();
    lastHash = chain.head().hash();
    highest = Math.max(last.number(), SyncPeers.number(leader));
  }

  /** Returns the number of the last block that it goes to, as far as it is known. */
  long highest() {
    return highest;
  }

  /** Runs to the end. */
  End run() throws InterruptedException {
    try {
      if (!findAncestor()) {
        return End.FAILED;
      }
      while (end == null && !cancelled.getAsBoolean()) {
        step();
      }
      if (end == End.COMPLETE && !anyBecameHead) {
        peers.exhausted(leader);
      }
      return end == null ? End.FAILED : end;
    } finally {
      imports.clear();
    }
  }

  private void step() throws InterruptedException {
    requestHeaders();
    requestBodies();
    handOver();
    if (headersComplete && pending.isEmpty() && importing == 0) {
      end = End.COMPLETE;
      return;
    }
    Runnable mail = mailbox.poll(MAIL_MILLIS, TimeUnit.MILLISECONDS);
    while (mail != null && end == null) {
      mail.run();
      mail = mailbox.poll();
    }
  }

  // ---- the common ancestor

  private boolean findAncestor() throws InterruptedException {
    try {
      long low = 0; // the genesis block, which the handshake has compared
      long high = chain.head().number() + 1;
      BlockHeader top = probe(high - 1);
      if (top != null && isCanonical(top)) {
        return true;
      }
      high--;
      while (low + 1 < high) {
        long middle = (low + high) >>> 1;
        BlockHeader probed = probe(middle);
        if (probed != null && isCanonical(probed)) {
          low = middle;
        } else {
          high = middle;
        }
      }
      Hash hash = chain.canonicalHash(low);
      BlockHeader ancestor = hash == null ? null : chain.header(hash);
      if (hash == null || ancestor == null) {
        return false; // the head was set back meanwhile
      }
      last = ancestor;
      lastHash = hash;
      return true;
    } catch (CompletionException failed) {
      peers.failed(leader.id(), cause(failed));
      return false;
    }
  }

  private boolean isCanonical(BlockHeader header) {
    return header.computeHash().equals(chain.canonicalHash(header.number()));
  }

  /** Returns the header that the leader has at a number; null when it has none. */
  private @Nullable BlockHeader probe(long number) throws InterruptedException {
    CompletableFuture<List<BlockHeader>> reply =
        peers
            .peers()
            .headers(
                new PeerCommand.GetBlockHeaders(
                    leader.id(), new HeaderStart.ByNumber(number), 1, 0, false));
    try {
      List<BlockHeader> headers = reply.get(REPLY_SECONDS, TimeUnit.SECONDS);
      return headers.isEmpty() ? null : headers.get(0);
    } catch (ExecutionException failed) {
      throw new CompletionException(failed.getCause());
    } catch (TimeoutException late) {
      throw new CompletionException(new RequestFailedException("no reply"));
    }
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  // ---- headers

  private void requestHeaders() {
    if (headersRequested
        || headersComplete
        || pending.size() + importing > MAX_AHEAD - MAX_HEADERS) {
      return;
    }
    headersRequested = true;
    peers
        .peers()
        .headers(new PeerCommand.GetBlockHeaders(leader.id(), last.number() + 1, MAX_HEADERS))
        .whenComplete(
            (headers, failure) ->
                mailbox.add(
                    () -> {
                      headersRequested = false;
                      if (headers == null) {
                        fail(leader.id(), failure);
                      } else {
                        take(headers);
                      }
                    }));
  }

  private void fail(PeerId peer, Throwable failure) {
    peers.failed(peer, cause(failure));
    if (peer.equals(leader.id())) {
      end = End.FAILED;
    }
  }

  private void take(List<BlockHeader> headers) {
    if (headers.isEmpty()) {
      headersComplete = true;
      if (pending.isEmpty() && importing == 0 && !anyBecameHead) {
        peers.exhausted(leader); // it has stated a head that it does not have
      }
      return;
    }
    for (BlockHeader header : headers) {
      if (!header.parentHash().equals(lastHash)) {
        end = End.AGAIN; // the head of the peer is on another branch now
        return;
      }
      try {
        importer.verifyHeader(header, last, ahead);
      } catch (InvalidBlockException invalid) {
        peers.ban(
            leader.id(), "header " + header.number() + " is invalid: " + invalid.getMessage());
        end = End.FAILED;
        return;
      }
      Hash hash = header.computeHash();
      ahead.add(hash, header);
      pending.add(new Pending(header, hash));
      last = header;
      lastHash = hash;
    }
    highest = Math.max(highest, last.number());
    headersComplete = headers.size() < MAX_HEADERS && last.number() >= highest;
  }

  // ---- bodies

  private void requestBodies() {
    List<PeerInfo> available = null;
    while (true) {
      List<Pending> some = pending.stream().filter(Download::lacksBody).limit(MAX_BODIES).toList();
      if (some.isEmpty()) {
        return;
      }
      if (available == null) {
        available = peers.available();
      }
      PeerId peer = idle(available);
      if (peer == null) {
        if (asked.isEmpty()) {
          end = End.FAILED; // no peer is left
        }
        return;
      }
      request(peer, some);
    }
  }

  private static boolean lacksBody(Pending one) {
    return one.block == null && !one.requested;
  }

  private @Nullable PeerId idle(List<PeerInfo> available) {
    for (PeerInfo peer : available) {
      if (!asked.contains(peer.id()) && useless.getOrDefault(peer.id(), 0) < MAX_USELESS) {
        return peer.id();
      }
    }
    return null;
  }

  private void request(PeerId peer, List<Pending> some) {
    asked.add(peer);
    some.forEach(one -> one.requested = true);
    List<BlockHeader> headers = some.stream().map(one -> one.header).toList();
    List<Hash> hashes = some.stream().map(one -> one.hash).toList();
    peers
        .peers()
        .bodies(new PeerCommand.GetBlockBodies(peer, hashes))
        .thenApplyAsync(bodies -> matched(headers, bodies), workers)
        .whenComplete((blocks, failure) -> mailbox.add(() -> take(peer, some, blocks, failure)));
  }

  private static List<Block> matched(List<BlockHeader> headers, List<BlockBody> bodies) {
    List<Block> blocks = Bodies.match(headers, bodies);
    if (blocks == null) {
      throw new CompletionException(
          new PeerBreachException(
              DisconnectReason.PROTOCOL_BREACH,
              "a body belongs to none of the blocks that were requested"));
    }
    return blocks;
  }

  private void take(
      PeerId peer, List<Pending> some, @Nullable List<Block> blocks, @Nullable Throwable failure) {
    asked.remove(peer);
    some.forEach(one -> one.requested = false);
    if (blocks == null) {
      peers.failed(peer, cause(Objects.requireNonNull(failure)));
      return;
    }
    if (blocks.isEmpty() && useless.merge(peer, 1, Integer::sum) >= MAX_USELESS) {
      peers.rest(peer, "it has none of the bodies");
    }
    int next = 0;
    for (Block block : blocks) {
      while (some.get(next).header != block.header()) {
        next++;
      }
      some.get(next).block = block;
    }
  }

  // ---- the import

  private void handOver() {
    while (imports.hasRoom()) {
      Pending next = pending.peek();
      Block block = next == null ? null : next.block;
      if (block == null) {
        return;
      }
      pending.remove();
      importing++;
      imports.add(block, workers.submit(() -> Bodies.recoverSenders(block)), importListener());
    }
  }

  private ImportQueue.Listener importListener() {
    return new ImportQueue.Listener() {
      @Override
      public void imported(Block block, ImportResult result) {
        mailbox.add(() -> done(block, result));
      }

      @Override
      public void failed(Block block, StorageException failure) {
        mailbox.add(
            () -> {
              peers.rest(leader.id(), "block " + block + " is not stored: " + failure.getMessage());
              end = End.FAILED;
            });
      }
    };
  }

  private void done(Block block, ImportResult result) {
    importing--;
    ahead.imported(block.hash());
    if (result instanceof ImportResult.Invalid invalid) {
      peers.ban(leader.id(), "block " + block + " is invalid: " + invalid.reason());
      end = End.FAILED;
    } else if (result instanceof ImportResult.UnknownParent) {
      end = End.AGAIN;
    } else if (result instanceof ImportResult.Imported imported) {
      anyBecameHead |= imported.becameHead();
    }
  }
}
