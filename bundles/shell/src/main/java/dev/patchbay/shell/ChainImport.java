// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Threads;
import dev.patchbay.primitives.Block;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Imports a chain file block by block, with progress. While one block is executed, the senders of
 * the next ones are recovered on other threads.
 */
final class ChainImport {
  /** Blocks, and transactions of them, that are decoded ahead. */
  private static final int AHEAD_BLOCKS = 64;

  private static final int AHEAD_TRANSACTIONS = 10_000;
  private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long a block waits for a bundle that is being exchanged. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private static final long RETRY_MILLIS = 50;

  private final ChainReader chain;
  private final BlockImporter importer;
  private final PrintStream out;

  private long blocks;
  private long known;
  private long gas;
  private long transactions;
  private long reportedGas;
  private long reportedBlocks;
  private long reportedAt;
  private long last;

  ChainImport(ChainReader chain, BlockImporter importer, PrintStream out) {
    this.chain = chain;
    this.importer = importer;
    this.out = out;
  }

  private record Prepared(Block block, Future<?> senders) {}

  /**
   * Imports all of a file.
   *
   * @throws IOException when the file is not valid, or a block is not; what came before it is kept
   */
  void run(Path file) throws IOException, InterruptedException {
    ExecutorService workers =
        Executors.newFixedThreadPool(
            Math.max(1, Runtime.getRuntime().availableProcessors() - 1),
            Threads.factory("shell-senders"));
    long start = System.nanoTime();
    reportedAt = start;
    try (ChainFile in = new ChainFile(file)) {
      long size = Files.size(file);
      Deque<Prepared> ahead = new ArrayDeque<>();
      int waiting = 0;
      boolean more = true;
      IOException broken = null;
      while (more || !ahead.isEmpty()) {
        while (more && ahead.size() < AHEAD_BLOCKS && waiting < AHEAD_TRANSACTIONS) {
          Block block = null;
          try {
            block = in.next();
          } catch (IOException end) { // what was read before it is imported first
            broken = end;
          }
          if (block == null) {
            more = false;
          } else {
            Block read = block;
            ahead.add(new Prepared(read, workers.submit(read::recoverSenders)));
            waiting += read.transactions().size();
          }
        }
        Prepared next = ahead.poll();
        if (next != null) {
          waiting -= next.block.transactions().size();
          await(next.senders);
          insert(next.block);
          report(in.position(), size, start);
        }
      }
      if (broken != null) {
        throw new IOException(
            broken.getMessage() + ". The blocks before are kept; the last one was " + last, broken);
      }
    } finally {
      workers.shutdownNow();
      workers.awaitTermination(5, TimeUnit.SECONDS);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    out.printf(
        "imported %,d blocks, %,d transactions, %.1f Mgas in %.1f s: %.1f Mgas/s; %,d blocks were known%n",
        blocks, transactions, gas / 1e6, seconds, gas / 1e6 / seconds, known);
    Block head = chain.head();
    out.printf("head %d %s%n", head.number(), head.hash());
  }

  private static void await(Future<?> done) throws InterruptedException {
    try {
      done.get();
    } catch (ExecutionException failed) {
      throw new IllegalStateException(failed.getCause());
    }
  }

  private void insert(Block block) throws IOException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted; what was imported is kept");
    }
    if (block.number() == 0) {
      if (!block.hash().equals(chain.genesis().hash())) {
        throw new IOException(
            "the file begins with genesis "
                + block.hash()
                + ", this chain with "
                + chain.genesis().hash());
      }
      known++;
      return;
    }
    String refusal = refusal(importWhenReady(block), block);
    if (refusal != null) {
      throw new IOException(
          "block "
              + block.number()
              + " "
              + block.hash()
              + " is refused: "
              + refusal
              + ". The blocks before it are kept; the last one was "
              + last);
    }
    last = block.number();
  }

  /** Imports a block; one that meets a bundle that is being exchanged is tried again. */
  private ImportResult importWhenReady(Block block) throws IOException, InterruptedException {
    long limit = System.nanoTime() + PATIENCE_NANOS;
    boolean told = false;
    while (true) {
      try {
        return importer.importBlock(block);
      } catch (NotReadyException | StorageUnavailableException missing) {
        if (System.nanoTime() > limit) {
          throw new IOException(
              missing.getMessage()
                  + ". The blocks before "
                  + block.number()
                  + " are kept; import the file again when it is there",
              missing);
        }
        if (!told) {
          out.printf("block %,d waits: %s%n", block.number(), missing.getMessage());
          told = true;
        }
      }
      Thread.sleep(RETRY_MILLIS);
    }
  }

  private @Nullable String refusal(ImportResult result, Block block) {
    if (result instanceof ImportResult.Invalid invalid) {
      return invalid.reason();
    }
    if (result instanceof ImportResult.UnknownParent) {
      return "its parent " + block.header().parentHash() + " is not there";
    }
    if (result instanceof ImportResult.TooEarly early) {
      return "its timestamp "
          + early.timestamp()
          + " is ahead of the clock of this machine; import the file again when it has passed";
    }
    if (result instanceof ImportResult.Known) {
      known++;
    } else {
      blocks++;
      gas += block.header().gasUsed();
      transactions += block.transactions().size();
    }
    return null;
  }

  /** Formats seconds for a line of progress. */
  static String duration(double seconds) {
    return seconds < 90 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
  }

  private void report(long position, long size, long start) throws InterruptedException {
    long now = System.nanoTime();
    if (now - reportedAt < REPORT_NANOS) {
      return;
    }
    double seconds = (now - reportedAt) / 1e9;
    double left = (now - start) / 1e9 * (size - position) / Math.max(1, position);
    out.printf(
        "block %,d: %.0f blocks/s, %.1f Mgas/s, %d %%, %s left%n",
        last,
        (blocks - reportedBlocks) / seconds,
        (gas - reportedGas) / 1e6 / seconds,
        100 * position / Math.max(1, size),
        duration(left));
    if (out.checkError()) {
      throw new InterruptedException("nobody listens any more; what was imported is kept");
    }
    reportedAt = now;
    reportedBlocks = blocks;
    reportedGas = gas;
  }
}
