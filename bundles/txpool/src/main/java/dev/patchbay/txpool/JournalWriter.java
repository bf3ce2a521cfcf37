// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the journal of a pool: brings its transactions back when the chain is there, writes those
 * of clients as they come and go, and all of them at the end. A thread reads, and replaces the file
 * where it has grown or a write has failed.
 *
 * <p>Threading: any thread.
 */
final class JournalWriter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(JournalWriter.class);

  private final Path file;
  private final ChainReader chain;
  private final PooledTransactions transactions;
  private final Adder adder;
  private final Failures failures = new Failures("the pool's journal", LOG::warn, LOG::info);
  private final Loop loop = new Loop("txpool-journal-0", failures, this::step);

  /** The journal; null until its transactions are back in the pool. */
  private volatile @Nullable PoolJournal journal;

  /** Adds a transaction to the pool. */
  interface Adder {
    AddResult add(Transaction transaction, @Nullable BlobSidecar sidecar, Origin origin);
  }

  JournalWriter(Path file, ChainReader chain, PooledTransactions transactions, Adder adder) {
    this.file = file;
    this.chain = chain;
    this.transactions = transactions;
    this.adder = adder;
  }

  void start() {
    loop.start();
  }

  /** Returns the latest failure as one line; null when there is none. */
  @Nullable String failure() {
    return failures.latest();
  }

  /**
   * Writes which transactions have left the pool, and one that was added.
   *
   * @param added null for none
   */
  void update(PoolJournal.@Nullable Entry added) {
    Set<Hash> left = transactions.drainLeft();
    PoolJournal current = journal;
    if (current == null) {
      return;
    }
    try {
      current.removed(left);
      if (added != null && added.origin() == Origin.LOCAL) {
        current.added(added);
      }
    } catch (IOException failure) {
      failures.failed(failure); // the transaction is in the pool all the same
    }
    if (current.isToBeReplaced()) {
      loop.wake();
    }
  }

  /** Does what is due: reads the file at first, and replaces it where it must be. */
  long step() throws IOException {
    PoolJournal current = journal;
    if (current == null) {
      open();
    } else if (current.isToBeReplaced()) {
      current.replace(() -> transactions.entries(Origin.LOCAL));
    }
    return Loop.UNTIL_WOKEN;
  }

  private void open() throws IOException {
    Hash genesis = chain.canonicalHash(0);
    if (genesis == null) {
      throw new IllegalStateException("the chain has no genesis block");
    }
    PoolJournal opened = new PoolJournal(file, genesis);
    PoolJournal.Content content = opened.read();
    if (content.damage() != null) {
      Path copy = file.resolveSibling(file.getFileName() + ".damaged");
      Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      LOG.warn(
          "the pool's journal {} is read only in part: {}. It is kept as {}",
          file,
          content.damage(),
          copy.getFileName());
    }
    int back = 0;
    for (PoolJournal.Entry entry : content.entries()) {
      BlobSidecar.Pooled pooled = entry.pooled();
      AddResult result = adder.add(pooled.transaction(), pooled.sidecar(), entry.origin());
      back += result instanceof AddResult.Accepted ? 1 : 0;
    }
    journal = opened;
    opened.replace(() -> transactions.entries(Origin.LOCAL));
    if (!content.entries().isEmpty()) {
      LOG.info(
          "{} of {} transactions of the pool's journal are back", back, content.entries().size());
    }
  }

  /** Ends the thread and writes all transactions: a bundle that is updated has them again. */
  @Override
  public void close() {
    loop.close();
    PoolJournal current = journal;
    if (current == null) {
      return; // the file is as it was
    }
    try {
      current.replace(() -> transactions.entries(null));
      current.close();
    } catch (IOException failure) {
      failures.failed(failure);
    }
  }
}
