// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.BlockStage.Linked;
import dev.patchbay.api.chain.BlockStage.Staged;
import dev.patchbay.api.chain.BlockStage.Wanted;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Downloads what lies between the chain and the head that a consensus client has named: headers
 * from that head down, 512 at a time, each of which is known by the hash in the header above it;
 * then bodies from all peers, while the blocks are imported upwards behind them. The chain stages
 * what is fetched, where the next download finds it. While headers between the chain and the head
 * are missing, the blocks before an earlier head go on being imported.
 *
 * <p>Threading: {@link #run} works in the thread of its caller. Replies and results of imports come
 * in other threads, and go through a mailbox.
 */
final class NamedHeadDownload implements Extent {
  private static final Logger LOG = LoggerFactory.getLogger(NamedHeadDownload.class);

  /** Headers a second of a peer that need not be compared with others. */
  private static final double FAST_HEADERS = 1_000;

  /** Blocks that are read from the stage and not imported. */
  private static final int MAX_AHEAD = 1_024;

  private static final int MAX_READ = 128;
  private static final long MAIL_MILLIS = 100;

  /** When peers are asked again for a header that none of them has had. */
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final BlockStage stage;
  private final SyncPeers peers;
  private final ImportQueue imports;
  private final LongSupplier nanos;
  private final BooleanSupplier cancelled;
  private final Bodies bodies;
  private final BodyFetch fetch;
  private final PendingBlocks pending;
  private final BlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();

  // ---- of the thread that runs the download

  /** Peers that are asked for headers now. */
  private final Set<PeerId> headersAsked = new HashSet<>();

  /** What the last of them was asked for, and when. */
  private @Nullable Hash headersAskedFor;

  private long headersAskedNanos;
  private final UselessReplies headerReplies = new UselessReplies();

  /** Since when no peer has the header that is needed next; null when one may have it. */
  private @Nullable Long headerMissing;

  private boolean ended;

  /** The last block that was read from the stage; null when none was. */
  private @Nullable BlockHeader last;

  private @Nullable Hash lastHash;
  private volatile Wanted wanted;

  /** Whether that were many blocks at some time: their branch may begin far below the head. */
  private volatile boolean isLong;

  /** Number of the highest block that can be imported; 0 when there is none. */
  private volatile long importable;

  /**
   * Creates a download.
   *
   * @param wanted what is needed now
   * @param bodies puts headers and bodies of the chain together
   * @param imports imports blocks of the stage
   * @param nanos monotonic time in nanoseconds
   * @param cancelled whether to return soon
   */
  NamedHeadDownload(
      BlockStage stage,
      Wanted wanted,
      Bodies bodies,
      SyncPeers peers,
      ImportQueue imports,
      ExecutorService workers,
      LongSupplier nanos,
      BooleanSupplier cancelled) {
    this.stage = stage;
    this.wanted = wanted;
    this.peers = peers;
    this.imports = imports;
    this.nanos = nanos;
    this.cancelled = cancelled;
    this.bodies = bodies;
    pending =
        new PendingBlocks(
            imports, workers, mailbox::add, this::done, (block, failure) -> ended = true);
    fetch =
        new BodyFetch(
            bodies,
            peers,
            workers,
            nanos,
            mailbox::add,
            peers::failed,
            (peer, blocks) -> {
              peers.wasOfUse(peer);
              stage.addBodies(blocks);
            });
  }

  @Override
  public boolean isLong() {
    return isLong;
  }

  /** The head that most peers are beyond counts while the header of the named one is missing. */
  @Override
  public long highest() {
    return isEstimated() ? Math.max(importable, peers.medianHead()) : wanted.highest();
  }

  @Override
  public boolean isEstimated() {
    return wanted.highest() == 0;
  }

  /** Returns the head that it goes to. */
  Hash head() {
    return wanted.head();
  }

  /** Returns the number of the lowest block whose header is staged; 0 when all of them are. */
  long lowestHeader() {
    Wanted now = wanted;
    return now.missing() == null ? 0 : now.lowest();
  }

  /** Runs until nothing is wanted, or nothing can be done now. */
  void run() throws InterruptedException {
    try {
      for (Wanted now = stage.wanted(); now != null; now = stage.wanted()) {
        Hash before = wanted.head();
        wanted = now;
        isLong |= now.highest() - now.lowest() + 1 >= MIN_LONG;
        if (!now.head().equals(before) && !continues()) {
          return;
        }
        step(now);
        if (ended || cancelled.getAsBoolean()) {
          return;
        }
      }
    } finally {
      imports.clear();
    }
  }

  /** Returns whether the blocks that were read belong to the branch of a head, too. */
  private boolean continues() {
    if (last == null) {
      return true;
    }
    List<Staged> staged = stage.linked() == null ? List.of() : stage.blocks(last.number(), 1);
    return !staged.isEmpty() && staged.get(0).header().computeHash().equals(lastHash);
  }

  private void step(Wanted now) throws InterruptedException {
    stage.deleteObsolete();
    Linked linked = stage.linked();
    importable = linked == null ? 0 : linked.highest();
    boolean goesOn = linked != null && importLinked(linked);
    if (now.missing() != null) {
      goesOn |= requestHeaders(now.missing());
    }
    if (!goesOn && (linked != null || now.missing() != null)) {
      ended = true;
      return;
    }
    Runnable mail = mailbox.poll(MAIL_MILLIS, TimeUnit.MILLISECONDS);
    while (mail != null && !ended) {
      mail.run();
      mail = mailbox.poll();
    }
  }

  // ---- headers, downwards

  /**
   * Requests the next headers: of one peer, and of another one each time that the reply is late.
   *
   * @return whether a peer may have them
   */
  private boolean requestHeaders(Hash missing) {
    long start = nanos.getAsLong();
    if (!headersAsked.isEmpty()
        && missing.equals(headersAskedFor)
        && start - headersAskedNanos <= ReplySpeeds.LATE_NANOS) {
      return true;
    }
    PeerId peer =
        peers.available().stream()
            .filter(candidate -> headerReplies.isOfUse(candidate.id()))
            .filter(candidate -> !headersAsked.contains(candidate.id()))
            .max(
                Comparator.comparing(this::rate)
                    .thenComparing(
                        (a, b) -> Long.compareUnsigned(SyncPeers.number(a), SyncPeers.number(b))))
            .map(PeerInfo::id)
            .orElse(null);
    if (peer == null) {
      if (headersAsked.isEmpty()) {
        awaitHeader(missing);
      }
      return !headersAsked.isEmpty();
    }
    headerMissing = null;
    headersAsked.add(peer);
    headersAskedFor = missing;
    headersAskedNanos = start;
    int count = peers.headerSpeeds().size(peer);
    peers
        .headers(
            new PeerCommand.GetBlockHeaders(peer, new HeaderStart.ByHash(missing), count, 0, true))
        .whenComplete(
            (headers, failure) -> {
              long took = Math.max(1, nanos.getAsLong() - start);
              mailbox.add(
                  () -> {
                    headersAsked.remove(peer);
                    if (headers == null) {
                      peers.headerSpeeds().failed(peer);
                      peers.failed(peer, failure);
                    } else {
                      peers.headerSpeeds().replied(peer, headers.size(), took);
                      boolean complete = take(peer, missing, headers);
                      long bytes = headers.size() * UselessReplies.HEADER_BYTES;
                      headerReplies.note(peer, headers.size(), bytes, complete, took);
                    }
                  });
            });
    return true;
  }

  /** Has the peers asked again after a while for a header that none of them has. */
  private void awaitHeader(Hash missing) {
    long now = nanos.getAsLong();
    if (headerMissing == null) {
      LOG.debug("no peer has the header of block {}", missing);
      headerMissing = now;
    } else if (now - headerMissing >= RETRY_NANOS) {
      headerMissing = null;
      headerReplies.clear();
    }
  }

  /**
   * Returns how many headers a second a peer gives. One that is fast comes before one that was not
   * asked: requests are made one after the other, and each can be left without a reply.
   */
  private double rate(PeerInfo peer) {
    return peers.headerSpeeds().rate(peer.id(), FAST_HEADERS);
  }

  /** Takes headers; returns whether no more are needed. */
  private boolean take(PeerId peer, Hash missing, List<BlockHeader> headers) {
    Hash expected = missing;
    for (BlockHeader header : headers) {
      if (!header.computeHash().equals(expected)) {
        peers.failed(
            peer,
            new PeerBreachException(
                DisconnectReason.PROTOCOL_BREACH,
                "header " + header.number() + " is not the one that was requested"));
        return false;
      }
      expected = header.parentHash();
    }
    stage.addHeaders(headers);
    if (!headers.isEmpty()) {
      peers.wasOfUse(peer);
    }
    Wanted now = stage.wanted();
    return now == null || now.missing() == null;
  }

  // ---- bodies and imports, upwards

  /** Imports what is linked; returns false when no peer has the bodies that are needed next. */
  private boolean importLinked(Linked linked) {
    read(linked);
    if (!pending.proceed(fetch)) {
      LOG.debug("no peer has the bodies of blocks from {} on", pending.firstNumber());
      return false;
    }
    return true;
  }

  private void read(Linked linked) {
    if (pending.size() == 0) {
      last = null; // the client may have named another head in between
    }
    while (pending.size() < MAX_AHEAD) {
      long next = last == null ? linked.lowest() : last.number() + 1;
      List<Staged> staged = next > linked.highest() ? List.of() : stage.blocks(next, MAX_READ);
      for (Staged one : staged) {
        if (last != null && !one.header().parentHash().equals(lastHash)) {
          return; // another branch has taken its place
        }
        Hash hash = one.header().computeHash();
        pending.add(new PendingBlock(one.header(), hash, block(one)));
        last = one.header();
        lastHash = hash;
      }
      if (staged.size() < MAX_READ) {
        return;
      }
    }
  }

  /** Returns the whole block; null when its body has to be fetched, also as it is damaged. */
  private @Nullable Block block(Staged staged) {
    Block block = staged.block();
    return block == null || !bodies.belongTogether(block)
        ? bodies.emptyBlock(staged.header())
        : block;
  }

  private void done(Block block, ImportResult result) {
    if (result instanceof ImportResult.Invalid invalid) {
      LOG.warn(
          "block {} before the head that the consensus client has named is refused: {}",
          block,
          invalid.reason());
      ended = true;
    } else if (!(result instanceof ImportResult.Imported)
        && !(result instanceof ImportResult.Known && isPassed(block))) {
      LOG.debug("block {}: {}", block, result);
      ended = true;
    }
  }

  /** Returns whether the stage is beyond a block, which another thread may have imported. */
  private boolean isPassed(Block block) {
    if (stage.wanted() == null) {
      return true;
    }
    Linked linked = stage.linked();
    return linked != null && linked.lowest() > block.number();
  }
}
