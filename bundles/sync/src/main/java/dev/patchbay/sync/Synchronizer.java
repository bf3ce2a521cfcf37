// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.BlockStage.Wanted;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.Threads;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the chain level with the network. On chains that seal themselves with the best of the
 * peers: whenever one of them has a better chain, what this node lacks of it is downloaded. On
 * others with what a consensus client names as the head.
 *
 * <p>Threading: any thread.
 */
final class Synchronizer implements SyncStatus, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Synchronizer.class);

  /** How often peers are looked at when no event of theirs wakes the thread. */
  private static final long IDLE_MILLIS = 1_000;

  private static final long RETRY_MILLIS = 200;

  /** Longest pause after faults of this node, each of which doubles it. */
  private static final long MAX_PAUSE_MILLIS = 30_000;

  private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(8);
  private static final long STOP_SECONDS = 5;

  private final ChainReader chain;
  private final BlockImporter importer;
  private final BlockStage stage;
  private final SyncPeers peers;
  private final LongSupplier nanos;
  private final ImportQueue imports;
  private final ExecutorService workers;
  private final Loop loop;

  private record Running(Extent extent, long start, long startNanos) {}

  private volatile @Nullable Running running;

  /** Pause after the next fault of this node; of the thread that downloads. */
  private long pauseMillis = RETRY_MILLIS;

  /** When progress was last reported; of the thread that downloads. */
  private long reportedNanos;

  private long reportedBlock;

  /** Blocks a second, as they were reported last; 0 before that. */
  private volatile double rate;

  Synchronizer(
      ChainReader chain,
      BlockImporter importer,
      BlockStage stage,
      SyncPeers peers,
      LongSupplier nanos) {
    this.chain = chain;
    this.importer = importer;
    this.stage = stage;
    this.peers = peers;
    this.nanos = nanos;
    imports =
        new ImportQueue(
            chain.config().isDriven() ? stage::importBlock : importer::importBlock,
            new Failures("importing blocks of peers", LOG::warn, LOG::info),
            new Failures("storing blocks of peers", (text, failure) -> LOG.warn(text), LOG::info));
    workers =
        Executors.newFixedThreadPool(
            Math.max(1, Runtime.getRuntime().availableProcessors() - 1),
            Threads.factory("sync-work"));
    loop =
        new Loop(
            "sync-download-0",
            new Failures("downloading the chain", LOG::warn, LOG::info),
            this::step);
  }

  void start() {
    imports.start();
    loop.start();
  }

  /** Has the peers looked at now. */
  void wake() {
    loop.wake();
  }

  /** Returns the latest failure of a thread as one line; null when all of them work. */
  @Nullable String failure() {
    String failure = loop.failure();
    return failure == null ? imports.failure() : failure;
  }

  /** Returns whether many blocks are missing: the head is an old block, which is not announced. */
  boolean isBehind() {
    return progress() != null;
  }

  @Override
  public @Nullable Progress progress() {
    Running now = running;
    if (now == null) {
      return null;
    }
    long head = chain.head().number();
    if (now.extent.isEstimated()) {
      return stage.wanted() == null
          ? null // the chain has it, which the download is about to notice
          : new Progress(now.start, head, Math.max(head + 1, now.extent.highest()));
    }
    // the head also moves by blocks that peers announce, when the download has nothing to give
    long highest = now.extent.highest();
    boolean isLong = now.extent.isLong() || head - now.start >= Extent.MIN_LONG && highest > head;
    return isLong ? new Progress(now.start, head, Math.max(head, highest)) : null;
  }

  @Override
  public @Nullable String describe() {
    Running now = running;
    return now == null || progress() == null
        ? null
        : describe(now.extent, chain.head().number(), rate(now));
  }

  /** Returns blocks a second as they were reported last; before that, since the beginning. */
  private double rate(Running current) {
    double reported = rate;
    long took = nanos.getAsLong() - current.startNanos;
    return reported > 0 || took <= 0
        ? reported
        : (chain.head().number() - current.start) * 1e9 / took;
  }

  private long step() throws InterruptedException {
    try {
      return chain.config().isDriven() ? downloadNamed() : download();
    } catch (NotReadyException | StorageUnavailableException missing) {
      return RETRY_MILLIS; // a bundle is being replaced; what is missing says so itself
    }
  }

  // ---- what a consensus client names

  private long downloadNamed() throws InterruptedException {
    Wanted wanted = stage.wanted();
    Running before = running;
    if (wanted == null) {
      running = null;
      return stage.deleteObsolete() ? 0 : Loop.UNTIL_WOKEN;
    }
    NamedHeadDownload download =
        new NamedHeadDownload(
            stage,
            wanted,
            new Bodies(chain.config()),
            peers,
            imports,
            workers,
            nanos,
            this::reportAndCheck);
    if (before == null) {
      Block head = chain.head();
      before = begin(download, head.number());
      if (peers.available().isEmpty()) {
        LOG.warn(
            "the consensus client names block {} as head, which the chain lacks, and no"
                + " peer is connected that could have it",
            wanted.head());
      }
    }
    running = new Running(download, before.start, before.startNanos);
    download.run();
    wanted = stage.wanted();
    if (wanted == null) {
      running = null;
      report(before);
      return 0;
    }
    return wanted.head().equals(download.head()) ? IDLE_MILLIS : 0;
  }

  // ---- the best of the peers

  private long download() throws InterruptedException {
    Block head = chain.head();
    UInt256 total = chain.totalDifficulty(head.hash());
    PeerInfo leader = total == null ? null : peers.best(chain, total);
    if (leader == null) {
      return IDLE_MILLIS;
    }
    Download download =
        new Download(chain, importer, peers, imports, workers, leader, nanos, this::reportAndCheck);
    Running current = begin(download, head.number());
    running = current;
    try {
      Download.Result result = download.run();
      report(current);
      return pause(result);
    } finally {
      running = null;
    }
  }

  private long pause(Download.Result result) {
    if (result == Download.Result.OWN_FAULT) {
      long pause = pauseMillis;
      pauseMillis = Math.min(MAX_PAUSE_MILLIS, 2 * pause);
      return pause;
    }
    pauseMillis = RETRY_MILLIS;
    return result == Download.Result.PROGRESS ? 0 : RETRY_MILLIS;
  }

  private Running begin(Extent extent, long head) {
    long start = nanos.getAsLong();
    reportedNanos = start;
    reportedBlock = head;
    rate = 0;
    return new Running(extent, head, start);
  }

  /** Reports progress now and then; returns whether the download must return. */
  private boolean reportAndCheck() {
    long now = nanos.getAsLong();
    Running current = running;
    if (current != null && now - reportedNanos >= REPORT_NANOS) {
      long block = chain.head().number();
      rate = (block - reportedBlock) * 1e9 / (now - reportedNanos);
      LOG.info("{}", describe(current.extent, block, rate));
      reportedNanos = now;
      reportedBlock = block;
    }
    return loop.isClosed();
  }

  /** Returns one line on a download: what is left of it, and how long that takes. */
  private static String describe(Extent extent, long block, double rate) {
    if (extent instanceof NamedHeadDownload named && named.isEstimated()) {
      return "block "
          + block
          + "; the header of the head that the consensus client names, "
          + named.head()
          + ", is requested";
    }
    if (extent instanceof NamedHeadDownload named && named.lowestHeader() > 0) {
      return "headers of blocks "
          + named.lowestHeader()
          + " to "
          + named.highest()
          + " are stored; they are needed down to block "
          + (block + 1);
    }
    long left = Math.max(0, extent.highest() - block);
    return "block "
        + block
        + " of "
        + extent.highest()
        + ", "
        + Math.round(rate)
        + " blocks a second, "
        + (rate < 1 ? "unknown time" : duration(left / rate))
        + " left";
  }

  private static String duration(double seconds) {
    return seconds < 90 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
  }

  private void report(Running ended) {
    long blocks = chain.head().number() - ended.start;
    if (blocks >= Extent.MIN_LONG) {
      double seconds = (nanos.getAsLong() - ended.startNanos) / 1e9;
      LOG.info(
          "{} blocks up to {} in {} s, {} a second",
          blocks,
          chain.head(),
          Math.round(seconds),
          Math.round(blocks / seconds));
    }
  }

  @Override
  public void close() {
    loop.close();
    imports.close();
    workers.shutdownNow();
    try {
      workers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
