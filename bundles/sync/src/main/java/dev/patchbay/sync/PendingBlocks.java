// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.primitives.Block;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * The blocks of a download in the order of their import, from the header to the end of the import.
 *
 * <p>Threading: of the download; results of imports come in another thread, and go through its
 * mailbox.
 */
final class PendingBlocks {
  private final Deque<PendingBlock> pending = new ArrayDeque<>();
  private final ImportQueue imports;
  private final ExecutorService workers;
  private final ImportQueue.Listener listener;
  private int importing;

  /**
   * Creates an empty list.
   *
   * @param workers where the senders of transactions are recovered
   * @param mailbox runs tasks in the thread of the download
   * @param imported takes a block, and how its import ended
   * @param failed takes a block, and why it was not imported
   */
  PendingBlocks(
      ImportQueue imports,
      ExecutorService workers,
      Consumer<Runnable> mailbox,
      BiConsumer<Block, ImportResult> imported,
      BiConsumer<Block, Throwable> failed) {
    this.imports = imports;
    this.workers = workers;
    listener =
        new ImportQueue.Listener() {
          @Override
          public void imported(Block block, ImportResult result) {
            mailbox.accept(
                () -> {
                  importing--;
                  imported.accept(block, result);
                });
          }

          @Override
          public void failed(Block block, Throwable failure) {
            mailbox.accept(() -> failed.accept(block, failure));
          }
        };
  }

  void add(PendingBlock block) {
    pending.add(block);
  }

  /** Returns how many blocks are not imported. */
  int size() {
    return pending.size() + importing;
  }

  /**
   * Imports what is whole, and requests what is missing, see {@link BodyFetch#request}.
   *
   * @return false when nothing can be done: no peer has the next bodies, and nothing is imported
   */
  boolean proceed(BodyFetch fetch) {
    importing += imports.addFrom(pending, workers, listener);
    return fetch.request(pending) || importing > 0;
  }

  /** Returns the number of the first block whose import has not begun. */
  long firstNumber() {
    return pending.element().header.number();
  }
}
