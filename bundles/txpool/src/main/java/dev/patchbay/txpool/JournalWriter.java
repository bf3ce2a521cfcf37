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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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

  /** The journal, to which additions are written; null until it has been read. */
  private volatile @Nullable PoolJournal journal;

  /** The transactions that are not back in the pool yet; of the thread that reads. */
  private final Deque<PoolJournal.Entry> notBack = new ArrayDeque<>();

  /** Whether all transactions are back: until then the pool has fewer than the file. */
  private volatile boolean isBack;

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
      return; // when the file has been read, what the pool has is added to it
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
    try {
      PoolJournal current = journal;
      if (current == null) {
        transactions.drainLeft(); // what the pool has is added when the file has been read
        current = open();
      }
      write(current, null);
      if (!isBack) {
        bringBack(current);
      } else if (current.isToBeReplaced()) {
        current.replace(() -> transactions.entries(false));
      }
    } catch (StorageUnavailableException | NotReadyException notYet) {
      return RETRY_MILLIS; // the store, or the rules, report their health themselves
    }
    return Loop.UNTIL_WOKEN;
  }

  /** Reads the file. What clients send is written to it from then on, also if the node dies. */
  private PoolJournal open() throws IOException {
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
    if (opened.isToBeReplaced()) {
      try {
        opened.replace(content::entries);
      } catch (IOException failure) { // the disk is full, say: the transactions come back anyway
        failures.failed(failure);
      }
    }
    List<PoolJournal.Entry> entries = new ArrayList<>(content.entries());
    entries.sort((a, b) -> Long.compareUnsigned(a.nonce(), b.nonce())); // blobs leave no gap
    notBack.addAll(entries);
    journal = opened;
    for (PoolJournal.Entry entry : transactions.entries(false)) {
      opened.added(entry);
    }
    return opened;
  }

  private void bringBack(PoolJournal current) throws IOException {
    int count = notBack.size();
    int back = 0;
    for (PoolJournal.Entry entry = notBack.peek(); entry != null; entry = notBack.peek()) {
      if (loop.isClosed()) {
        return;
      }
      BlobSidecar.Pooled pooled = entry.pooled();
      AddResult result = adder.add(pooled.transaction(), pooled.sidecar(), entry.origin());
      back += result instanceof AddResult.Accepted ? 1 : 0;
      notBack.remove();
    }
    isBack = true;
    if (count > 0) {
      LOG.info("{} of {} transactions of the pool's journal are back", back, count);
    }
    current.replace(() -> transactions.entries(false));
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
      if (isBack) {
        current.replace(() -> transactions.entries(true));
      }
      current.close();
    } catch (IOException failure) {
      failures.failed(failure);
    }
  }
}
