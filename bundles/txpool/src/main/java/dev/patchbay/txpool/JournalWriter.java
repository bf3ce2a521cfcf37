// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.StorageUnavailableException;
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
import java.util.ArrayList;
import java.util.List;
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

  private static final long RETRY_MILLIS = 100;

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

  /** Writes in a while which transactions have left the pool. */
  void update() {
    loop.wake();
  }

  /** Writes that a client has sent a transaction, and which ones have left the pool. */
  void added(PoolJournal.Entry entry) {
    PoolJournal current = journal;
    if (current == null) {
      return; // the file is written anew when it has been read
    }
    try {
      write(current, entry);
    } catch (IOException failure) {
      failures.failed(failure); // the transaction is in the pool all the same
    }
    if (current.isToBeReplaced()) {
      loop.wake();
    }
  }

  /** Writes what has left before what was added: a transaction may leave and come back. */
  private synchronized void write(PoolJournal current, PoolJournal.@Nullable Entry added)
      throws IOException {
    current.removed(transactions.drainLeft());
    if (added != null && transactions.get(added.hash()) != null) {
      current.added(added);
    }
  }

  /** Does what is due: reads the file at first, and replaces it where it must be. */
  long step() throws IOException {
    PoolJournal current = journal;
    if (current == null) {
      transactions.drainLeft(); // the file is written anew when it has been read
      try {
        open();
      } catch (StorageUnavailableException | NotReadyException notYet) {
        return RETRY_MILLIS; // the store, or the rules, report their health themselves
      }
      return Loop.UNTIL_WOKEN;
    }
    write(current, null);
    if (current.isToBeReplaced()) {
      current.replace(() -> transactions.entries(false));
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
    String damage = content.damage();
    if (damage != null) {
      keepDamaged(damage);
    }
    List<PoolJournal.Entry> entries = new ArrayList<>(content.entries());
    entries.sort((a, b) -> Long.compareUnsigned(a.nonce(), b.nonce())); // blobs leave no gap
    int back = 0;
    for (PoolJournal.Entry entry : entries) {
      if (loop.isClosed()) {
        return; // the file is as it was
      }
      BlobSidecar.Pooled pooled = entry.pooled();
      AddResult result = adder.add(pooled.transaction(), pooled.sidecar(), entry.origin());
      back += result instanceof AddResult.Accepted ? 1 : 0;
    }
    journal = opened;
    opened.replace(() -> transactions.entries(false));
    if (!content.entries().isEmpty()) {
      LOG.info(
          "{} of {} transactions of the pool's journal are back", back, content.entries().size());
    }
  }

  /** Copies the file, which is replaced soon; without a copy the pool goes on, too. */
  private void keepDamaged(String damage) {
    Path copy = file.resolveSibling(file.getFileName() + ".damaged");
    String kept;
    try {
      Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      kept = "It is kept as " + copy.getFileName();
    } catch (IOException failure) {
      kept = "It is not kept: " + failure;
    }
    LOG.warn("the pool's journal {} is read only in part: {}. {}", file, damage, kept);
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
      current.replace(() -> transactions.entries(true));
      current.close();
    } catch (IOException failure) {
      failures.failed(failure);
    }
  }
}
