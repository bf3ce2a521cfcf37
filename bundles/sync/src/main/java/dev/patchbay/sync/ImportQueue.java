// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import java.util.Deque;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Imports blocks in their order, in a thread of its own, while the next ones are downloaded. A
 * block that meets a bundle which is being replaced waits for it.
 *
 * <p>Threading: blocks are added by one thread.
 */
final class ImportQueue implements AutoCloseable {
  private static final int MAX_BLOCKS = 256;
  private static final int MAX_TRANSACTIONS = 20_000;

  /** A body has at most a byte for each 4 gas. */
  private static final long MAX_GAS = 500_000_000;

  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long TAKE_MILLIS = 100;

  /** Is notified of each import, in the importing thread. */
  interface Listener {
    /** Called after an import that has a result. */
    void imported(Block block, ImportResult result);

    /** Called when the import fails for a reason that is not in the block, such as a full disk. */
    void failed(Block block, Throwable failure);
  }

  private record Entry(Block block, Future<?> senders, Listener listener) {}

  private final Function<Block, ImportResult> importer;
  private final BlockingQueue<Entry> waiting = new LinkedBlockingQueue<>();
  private final AtomicInteger transactions = new AtomicInteger();
  private final AtomicLong gas = new AtomicLong();
  private final Loop loop;

  private final Failures storing;

  /**
   * Creates a queue whose thread is not started.
   *
   * @param importer imports a block
   * @param failures records the failures of the thread
   * @param storing records the failures of the store: it fails for one block as for the next
   */
  ImportQueue(Function<Block, ImportResult> importer, Failures failures, Failures storing) {
    this.importer = importer;
    this.storing = storing;
    loop = new Loop("sync-import-0", failures, this::step);
  }

  void start() {
    loop.start();
  }

  @Nullable String failure() {
    return loop.failure();
  }

  /** Returns whether there is room for another block. */
  boolean hasRoom() {
    return waiting.size() < MAX_BLOCKS
        && transactions.get() < MAX_TRANSACTIONS
        && gas.get() < MAX_GAS;
  }

  /**
   * Adds a block, which is imported after those before it.
   *
   * @param senders what is done before the import
   */
  void add(Block block, Future<?> senders, Listener listener) {
    transactions.addAndGet(block.transactions().size());
    gas.addAndGet(block.header().gasUsed());
    waiting.add(new Entry(block, senders, listener));
  }

  /**
   * Moves blocks whose bodies are fetched from a download, as long as there is room.
   *
   * @param pending the blocks of the download, in order; it ends at the first without a body
   * @param workers where the senders of transactions are recovered
   * @return how many were moved
   */
  int addFrom(Deque<PendingBlock> pending, ExecutorService workers, Listener listener) {
    int moved = 0;
    while (hasRoom()) {
      PendingBlock next = pending.peek();
      Block block = next == null ? null : next.read();
      if (block == null) {
        break;
      }
      pending.remove();
      add(block, workers.submit(block::recoverSenders), listener);
      moved++;
    }
    return moved;
  }

  /** Drops the blocks that wait. */
  void clear() {
    for (Entry entry = waiting.poll(); entry != null; entry = waiting.poll()) {
      removed(entry);
    }
  }

  private void removed(Entry entry) {
    transactions.addAndGet(-entry.block.transactions().size());
    gas.addAndGet(-entry.block.header().gasUsed());
  }

  private long step() throws Exception {
    Entry next = waiting.poll(TAKE_MILLIS, TimeUnit.MILLISECONDS);
    if (next == null) {
      return 0;
    }
    removed(next);
    try {
      next.senders.get();
      while (!loop.isClosed()) {
        try {
          ImportResult result = importer.apply(next.block);
          storing.succeeded();
          next.listener.imported(next.block, result);
          return 0;
        } catch (NotReadyException | StorageUnavailableException missing) {
          LockSupport.parkNanos(RETRY_NANOS); // a bundle is being replaced
        }
      }
    } catch (SettledException settled) { // the store is well
      next.listener.failed(next.block, settled);
    } catch (StorageException failure) { // the store reports its health itself
      storing.failed(failure);
      next.listener.failed(next.block, failure);
    } catch (Throwable failure) {
      next.listener.failed(next.block, failure); // so that the download ends
      throw failure;
    }
    return 0;
  }

  @Override
  public void close() {
    loop.close();
    clear();
  }
}
