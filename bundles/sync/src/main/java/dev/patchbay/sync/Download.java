// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.List;
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
 * Downloads what the chain of one peer, the leader, has beyond the common ancestor: headers from
 * the leader, 512 at a time, which are verified as they come; bodies from all peers, which belong
 * to a header by the roots in it; and imports the blocks in their order behind that.
 *
 * <p>Threading: {@link #run} works in the thread of its caller. Replies and results of imports come
 * in other threads, and go through a mailbox.
 */
final class Download implements Extent {
  private static final Logger LOG = LoggerFactory.getLogger(Download.class);

  /** Headers in a request; peers serve at least so many. */
  static final int MAX_HEADERS = 512;

  /** Headers that are verified and whose blocks are not imported. */
  private static final int MAX_AHEAD = 2 * MAX_HEADERS;

  /** Blocks that a branch may replace; as geth. */
  private static final long MAX_REORG = 90_000;

  /** Time of replies over which a leader gives at least so many headers that are new here. */
  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final int MIN_NEW_IN_WINDOW = 128;

  /** Time of the replies in which a leader names the common ancestor. */
  private static final long ANCESTOR_NANOS = TimeUnit.SECONDS.toNanos(30);

  private static final long MAIL_MILLIS = 100;

  private final ChainReader chain;
  private final BlockImporter importer;
  private final SyncPeers peers;
  private final ImportQueue imports;
  private final PeerInfo leader;
  private final LongSupplier nanos;
  private final BooleanSupplier cancelled;
  private final AheadHeaders ahead;

  private final BlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();

  // ---- of the thread that runs the download
  private final Bodies bodies;
  private final BodyFetch fetch;
  private final PendingBlocks pending;

  private boolean headersRequested;
  private boolean headersComplete;
  private boolean ended;
  private boolean anyBecameHead;
  private boolean waitsForTheFuture;
  private boolean isOwnFault;

  /** Whether the leader is slow while another peer may have a better chain. */
  private boolean holdsUpOthers;

  private final UselessReplies uselessHeaders = new UselessReplies();

  /** How long the replies about the common ancestor took. */
  private long ancestorNanos;

  /** How long the replies of the latest window took, and what they had that was new. */
  private long windowNanos;

  private int newInWindow;
  private @Nullable String complaint;

  /** The last header that is verified, or that the chain has. */
  private BlockHeader last;

  private Hash lastHash;
  private volatile long verified;

  /** Headers that were not canonical here. */
  private int newHeaders;

  /** Whether these are a whole batch. */
  private volatile boolean isWholeBatch;

  /**
   * Creates a download.
   *
   * @param leader has a chain that may be better
   * @param nanos monotonic time in nanoseconds
   * @param cancelled whether to return soon
   */
  Download(
      ChainReader chain,
      BlockImporter importer,
      SyncPeers peers,
      ImportQueue imports,
      ExecutorService workers,
      PeerInfo leader,
      LongSupplier nanos,
      BooleanSupplier cancelled) {
    this.chain = chain;
    this.importer = importer;
    this.peers = peers;
    this.imports = imports;
    this.leader = leader;
    this.nanos = nanos;
    this.cancelled = cancelled;
    ahead = new AheadHeaders(chain);
    bodies = new Bodies(chain.config());
    pending = new PendingBlocks(imports, workers, mailbox::add, this::done, this::notStored);
    fetch = new BodyFetch(bodies, peers, workers, nanos, mailbox::add, this::failed, this::fetched);
    Block head = chain.head();
    last = head.header();
    lastHash = head.hash();
    verified = head.number();
  }

  @Override
  public boolean isLong() {
    return verified - chain.head().number() >= MIN_LONG;
  }

  /** What the leader states counts only when it has given a whole batch of new headers. */
  @Override
  public long highest() {
    return isWholeBatch ? Math.max(verified, SyncPeers.number(leader)) : verified;
  }

  /** How a download ended. */
  enum Result {
    /** Blocks became the head: there may be more. */
    PROGRESS,
    /** There is nothing, or not now. */
    NOTHING,
    /** A fault of this node, such as a full disk, which its peers cannot help. */
    OWN_FAULT
  }

  /** Runs to the end. A leader rests that there is a complaint of, or whose chain is not better. */
  Result run() throws InterruptedException {
    try {
      if (findAncestor()) {
        while (!ended && !cancelled.getAsBoolean()) {
          step();
        }
      }
      if (isOwnFault) {
        return Result.OWN_FAULT;
      }
      if (waitsForTheFuture) {
        return Result.NOTHING;
      }
      if (anyBecameHead && !holdsUpOthers) { // then it rests for a moment at most
        peers.wasOfUse(leader.id());
      }
      if ((!anyBecameHead || complaint != null) && !cancelled.getAsBoolean()) {
        peers.rest(leader.id(), complaint == null ? "its chain is not better" : complaint);
      }
      return anyBecameHead ? Result.PROGRESS : Result.NOTHING;
    } finally {
      imports.clear();
    }
  }

  private void step() throws InterruptedException {
    requestHeaders();
    if (!pending.proceed(fetch)) {
      end("no peer has the bodies of its blocks");
    }
    if (headersComplete && pending.size() == 0) {
      ended = true;
      return;
    }
    Runnable mail = mailbox.poll(MAIL_MILLIS, TimeUnit.MILLISECONDS);
    while (mail != null && !ended) {
      mail.run();
      mail = mailbox.poll();
    }
  }

  /** Ends the download; the leader rests. */
  private void end(String reason) {
    complaint = reason;
    ended = true;
  }

  /**
   * Ends the download of a leader that is slow when another peer may have a better chain. Otherwise
   * the blocks whose headers it has given are imported first: a node whose only peer is slow gets
   * on with them.
   */
  private void endSlow(String reason) {
    UInt256 total = chain.totalDifficulty(chain.head().hash());
    if (total != null && peers.hasBetter(chain, total, leader.id())) {
      holdsUpOthers = true;
      end(reason);
    } else if (!headersComplete && !ended) {
      complaint = reason;
      headersComplete = true;
    }
  }

  /**
   * Ends the download. Without room to store a block the next leader's cannot be stored either; its
   * branch may begin where this one is too far below the head.
   */
  private void notStored(Block block, Throwable failure) {
    end("block " + block + " is not stored: " + failure.getMessage());
    isOwnFault = failure instanceof StorageException && !(failure instanceof SettledException);
  }

  /** Notes that a peer has given bodies; the leader has to give a better chain. */
  private void fetched(PeerId peer, List<Block> blocks) {
    if (!peer.equals(leader.id())) {
      peers.wasOfUse(peer);
    }
  }

  // ---- the common ancestor

  /** Goes down from the head in steps that double, then halves between the last two. */
  private boolean findAncestor() throws InterruptedException {
    long above = last.number() + 1;
    long common = last.number();
    for (long step = 1; !isCommon(common); step *= 2) {
      if (ended) {
        return false;
      }
      above = common;
      common = Math.max(0, common - step);
      if (common == 0) {
        break; // the genesis block, which the handshake has compared
      }
    }
    while (common + 1 < above && !ended) {
      long middle = (common + above) >>> 1;
      if (isCommon(middle)) {
        common = middle;
      } else {
        above = middle;
      }
    }
    Hash hash = chain.canonicalHash(common);
    BlockHeader ancestor = hash == null ? null : chain.header(hash);
    if (ended || hash == null || ancestor == null) {
      return false;
    }
    if (last.number() - common > MAX_REORG) {
      end("its branch begins at block " + common + ", more than " + MAX_REORG + " below the head");
      return false;
    }
    if (chain.retention().isPruned(common + 1)) { // what the head would be unwound with
      end("its branch begins at block " + common + ", and the blocks after it have been pruned");
      return false;
    }
    last = ancestor;
    lastHash = hash;
    return true;
  }

  /** Returns whether the leader has the block of this node at a number. */
  private boolean isCommon(long number) throws InterruptedException {
    Hash own = chain.canonicalHash(number);
    boolean[] isCommon = {false};
    boolean[] replied = {false};
    long start = nanos.getAsLong();
    peers
        .headers(
            new PeerCommand.GetBlockHeaders(
                leader.id(), new HeaderStart.ByNumber(number), 1, 0, false))
        .whenComplete(
            (headers, failure) -> {
              long took = nanos.getAsLong() - start;
              mailbox.add(
                  () -> {
                    replied[0] = true;
                    ancestorNanos += took;
                    if (headers == null) {
                      failed(leader.id(), failure);
                    } else {
                      isCommon[0] = !headers.isEmpty() && headers.get(0).computeHash().equals(own);
                    }
                  });
            });
    while (!replied[0] && !ended) {
      Runnable mail = mailbox.poll(MAIL_MILLIS, TimeUnit.MILLISECONDS);
      if (mail != null) {
        mail.run();
      } else if (cancelled.getAsBoolean()) {
        ended = true;
      }
    }
    if (ancestorNanos > ANCESTOR_NANOS) {
      end("it is slow");
    }
    return isCommon[0];
  }

  private void failed(PeerId peer, Throwable failure) {
    if (peer.equals(leader.id())) {
      peers.banForBreach(peer, failure);
      end(String.valueOf(failure.getMessage()));
    } else {
      peers.failed(peer, failure);
    }
  }

  // ---- headers

  private void requestHeaders() {
    if (headersRequested || headersComplete || pending.size() > MAX_AHEAD - MAX_HEADERS) {
      return;
    }
    headersRequested = true;
    long start = nanos.getAsLong();
    peers
        .headers(new PeerCommand.GetBlockHeaders(leader.id(), last.number() + 1, MAX_HEADERS))
        .whenComplete(
            (headers, failure) -> {
              long took = Math.max(1, nanos.getAsLong() - start);
              mailbox.add(
                  () -> {
                    headersRequested = false;
                    if (headers == null) {
                      failed(leader.id(), failure);
                    } else {
                      int before = newHeaders;
                      take(headers);
                      note(headers.size(), took);
                      noteWindow(newHeaders - before, took);
                    }
                  });
            });
  }

  private void note(int count, long took) {
    int some = Math.max(1, count); // none is how the chain ends
    uselessHeaders.note(leader.id(), some, some * UselessReplies.HEADER_BYTES, false, took);
    if (!uselessHeaders.isOfUse(leader.id())) {
      endSlow("it is slow");
    }
  }

  /**
   * Notes what was new in a reply. A leader whose replies are fast, or have many headers, may be of
   * no use: with what is canonical here, or a header at a time, it keeps better ones waiting.
   */
  private void noteWindow(int count, long took) {
    newInWindow += count;
    windowNanos += took;
    if (windowNanos < WINDOW_NANOS) {
      return;
    }
    if (newInWindow < MIN_NEW_IN_WINDOW && !headersComplete && !ended) {
      endSlow("it gives few headers that are new");
    }
    newInWindow = 0;
    windowNanos = 0;
  }

  private void take(List<BlockHeader> headers) {
    for (BlockHeader header : headers) {
      if (!header.parentHash().equals(lastHash)) {
        end("its head is on another branch now");
        return;
      }
      Hash hash = header.computeHash();
      if (chain.header(hash) == null) {
        if (!verify(header)) {
          return;
        }
        ahead.add(hash, header);
        pending.add(new PendingBlock(header, hash, bodies.emptyBlock(header)));
        newHeaders++;
      } else if (!hash.equals(chain.canonicalHash(header.number()))) {
        // an earlier download has got so far, or the head was here: the branch may be heavier
        pending.add(new PendingBlock(header, hash, chain::block));
        newHeaders++;
      }
      last = header;
      lastHash = hash;
      verified = header.number();
    }
    isWholeBatch |= newHeaders >= MAX_HEADERS;
    long stated = SyncPeers.number(leader);
    headersComplete =
        headers.isEmpty() || headers.size() < MAX_HEADERS && stated > 0 && last.number() >= stated;
  }

  private boolean verify(BlockHeader header) {
    try {
      importer.verifyHeader(header, last, ahead);
      return true;
    } catch (FutureBlockException early) {
      // its seal is valid: it is no fault of the peer, and what comes before it is imported
      headersComplete = true;
      if (early.isDueSoon()) {
        waitsForTheFuture = true;
      } else {
        complaint = "header " + header.number() + ": " + early.getMessage();
        LOG.warn("{}; compare the clock of this machine with that of the signers", complaint);
      }
    } catch (InvalidBlockException invalid) {
      String reason = "header " + header.number() + " is invalid: " + invalid.getMessage();
      peers.ban(leader.id(), reason);
      end(reason);
    }
    return false;
  }

  // ---- the import

  private void done(Block block, ImportResult result) {
    ahead.imported(block.hash());
    if (result instanceof ImportResult.Imported imported) {
      anyBecameHead |= imported.becameHead();
    } else if (result instanceof ImportResult.Invalid invalid) {
      // its header, seal and body were valid: the fault may be one of this node, after an update
      String reason = SyncPeers.shortened("block " + block + " is invalid: " + invalid.reason());
      LOG.warn("{} (of peer {})", reason, leader.id().shortText());
      end(reason);
    } else if (!(result instanceof ImportResult.Known)) {
      LOG.debug("block {}: {}", block, result);
      end("block " + block + " cannot be imported now");
    }
  }
}
