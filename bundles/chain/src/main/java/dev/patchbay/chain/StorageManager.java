// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.DrainResult;
import dev.patchbay.binding.Lease;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.binding.Slot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the stores that are present, holds the chosen one in a {@link Slot}, and moves the chain
 * between them. The choice is explicit: a store that appears changes nothing unless it is the
 * chosen one, and when that one goes nothing takes its place.
 *
 * <p>A migration: PREPARE, COPY from a snapshot while batches are journalled, CATCH_UP, FENCE
 * (imports wait), compare, persist the choice, REPLACE. A crash before the choice is persisted
 * leaves the old store, afterwards the new one; they are equal at that moment.
 */
final class StorageManager implements StorageControl {
  private static final Logger LOG = LoggerFactory.getLogger(StorageManager.class);
  private static final Duration DRAIN = Duration.ofSeconds(10);
  private static final int CHUNK_BYTES = 1 << 21;
  private static final int CATCH_UP_LEFT = 4;
  private static final byte[] INCOMPLETE =
      "migration-incomplete".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

  private final Map<String, KeyValueStore> present = new ConcurrentSkipListMap<>();
  private final Slot<KeyValueStore> slot = new Slot<>("storage");
  private final ChoiceFile choice;
  private final ReentrantLock imports;
  private final StageHook hook;
  private volatile String chosen;
  private volatile Progress progress;
  private final AtomicBoolean migrating = new AtomicBoolean();
  private volatile boolean cancelled;

  /** Batches written since the snapshot; guarded by {@link #imports}. */
  private @Nullable List<WriteBatch> journal;

  /**
   * Is called at the start of each stage of a migration: tests let stages fail, or the process die.
   */
  interface StageHook {
    void reached(Stage stage);
  }

  /**
   * Makes a manager.
   *
   * @param imports held by whoever writes to the store
   * @param fallback the store to choose when no choice was persisted
   */
  StorageManager(ChoiceFile choice, ReentrantLock imports, String fallback, StageHook hook) {
    this.choice = choice;
    this.imports = imports;
    this.hook = hook;
    this.chosen = choice.read(fallback);
    this.progress = new Progress(Stage.IDLE, chosen, "", 0, 0, 0, "");
  }

  // ---- stores come and go

  /** Takes note of a store; returns whether it is the chosen one and is bound now. */
  boolean add(KeyValueStore store) {
    present.put(store.id(), store);
    return store.id().equals(chosen);
  }

  /** Binds a store for all new leases. */
  void bind(KeyValueStore store) {
    slot.replace(store, DRAIN);
    LOG.info("storage {} is bound", store.id());
  }

  /** Takes note that a store has gone; leases on it are waited for. */
  void remove(KeyValueStore store) {
    present.remove(store.id(), store);
    if (slot.peek().filter(bound -> bound == store).isPresent()) {
      DrainResult drained = slot.release(store, DRAIN);
      LOG.info(
          "storage {} is gone; the node answers that storage is unavailable until it is back ({} leases left)",
          store.id(),
          drained.leasesLeft());
    }
  }

  Lease<KeyValueStore> lease() {
    try {
      return slot.lease();
    } catch (NotBoundException notBound) {
      throw new StorageUnavailableException(
          "storage unavailable: the chosen store '" + chosen + "' is not there");
    }
  }

  /** Returns how many leases on the bound store are open. */
  int leases() {
    return slot.leases();
  }

  boolean isBound() {
    return slot.peek().isPresent();
  }

  /** Writes a batch to the bound store; the caller holds the import lock. */
  void write(KeyValueStore store, WriteBatch batch) {
    store.write(batch);
    List<WriteBatch> pending = journal;
    if (pending != null) {
      pending.add(batch);
    }
  }

  // ---- control

  @Override
  public List<Store> stores() {
    List<Store> out = new ArrayList<>();
    KeyValueStore bound = slot.peek().orElse(null);
    present.forEach(
        (id, store) ->
            out.add(new Store(id, store == bound, store.isDurable(), store.sizeInBytes())));
    return out;
  }

  @Override
  public String chosen() {
    return chosen;
  }

  @Override
  public Progress progress() {
    return progress;
  }

  @Override
  public void cancel() {
    cancelled = true;
  }

  @Override
  public Progress migrate(String id) {
    KeyValueStore target = present.get(id);
    if (target == null) {
      throw new IllegalArgumentException(
          "there is no store '" + id + "'; present are " + present.keySet());
    }
    if (id.equals(chosen)) {
      throw new IllegalArgumentException("the chain is in '" + id + "' already");
    }
    if (!migrating.compareAndSet(false, true)) {
      throw new IllegalStateException("a migration is under way: " + progress);
    }
    cancelled = false;
    try (Lease<KeyValueStore> lease = lease()) {
      KeyValueStore source = lease.get();
      checkTarget(source, target); // outside of what clears the target on a failure
      try {
        move(source, target);
      } catch (RuntimeException failure) {
        giveUp(target, failure);
        throw failure instanceof StorageException
            ? failure
            : new StorageException(
                "migration to '"
                    + id
                    + "' failed, the chain stays in '"
                    + chosen
                    + "': "
                    + failure.getMessage(),
                failure);
      }
    } finally {
      migrating.set(false);
    }
    LOG.info(
        "migration {} -> {}: done, imports waited {} ms",
        progress.from(),
        progress.to(),
        progress.fenceNanos() / 1_000_000);
    return progress;
  }

  private void move(KeyValueStore source, KeyValueStore target) {
    String from = source.id();
    String to = target.id();
    enter(Stage.PREPARE, from, to, "checking the target");
    target.clear();
    target.write(marker(new byte[] {1}));
    long total = 0;
    Snapshot snapshot;
    imports.lock();
    try {
      snapshot = source.snapshot();
      journal = new ArrayList<>();
    } finally {
      imports.unlock();
    }
    try (snapshot) {
      for (Column column : Column.values()) {
        total += snapshot.count(column);
      }
      progress = new Progress(Stage.COPY, from, to, 0, total, 0, "copying");
      hook.reached(Stage.COPY);
      LOG.info("migration {} -> {}: copying {} entries", from, to, total);
      for (Column column : Column.values()) {
        compare(column, copy(snapshot, target, column), target);
      }
    }
    enter(Stage.CATCH_UP, from, to, "replaying batches");
    while (replay(target, CATCH_UP_LEFT)) {
      checkCancelled();
    }
    imports.lock();
    try {
      long start = System.nanoTime();
      enter(Stage.FENCE, from, to, "imports wait");
      replay(target, 0);
      journal = null;
      compare(source, target);
      target.write(marker(null));
      enter(Stage.REPLACE, from, to, "binding");
      choice.write(to);
      chosen = to;
      slot.replace(target, Duration.ZERO);
      long fence = System.nanoTime() - start;
      progress =
          new Progress(Stage.DONE, from, to, progress.copied(), progress.total(), fence, "moved");
    } finally {
      imports.unlock();
    }
    hook.reached(Stage.DONE);
  }

  /**
   * A target is empty, or the rest of a migration that broke off; anything else may be a chain, and
   * is not touched.
   */
  private static void checkTarget(KeyValueStore source, KeyValueStore target) {
    byte[] genesis = target.get(Column.META, Keys.GENESIS);
    boolean sameChain =
        genesis != null && Arrays.equals(genesis, source.get(Column.META, Keys.GENESIS));
    boolean partial = target.get(Column.META, INCOMPLETE) != null;
    if (!target.isEmpty(Column.META) && !sameChain && !partial) {
      throw new StorageException(
          "store '"
              + target.id()
              + "' holds another chain; clear it first, or use another data directory");
    }
  }

  private static WriteBatch marker(byte @Nullable [] value) {
    WriteBatch batch = new WriteBatch();
    if (value == null) {
      batch.delete(Column.META, INCOMPLETE);
    } else {
      batch.put(Column.META, INCOMPLETE, value);
    }
    return batch;
  }

  /** Copies a column and returns the number of its entries. */
  private long copy(Snapshot snapshot, KeyValueStore target, Column column) {
    WriteBatch[] batch = {new WriteBatch()};
    long[] bytes = {0};
    long[] entries = {0};
    snapshot.scan(
        column,
        new byte[0],
        (key, value) -> {
          batch[0].put(column, key, value);
          entries[0]++;
          bytes[0] += key.length + value.length;
          if (bytes[0] >= CHUNK_BYTES) {
            flush(target, batch[0]);
            batch[0] = new WriteBatch();
            bytes[0] = 0;
          }
          return true;
        });
    flush(target, batch[0]);
    return entries[0];
  }

  private void flush(KeyValueStore target, WriteBatch batch) {
    checkCancelled();
    if (!batch.entries().isEmpty()) {
      target.write(batch);
      Progress p = progress;
      progress =
          new Progress(
              p.stage(),
              p.from(),
              p.to(),
              p.copied() + batch.entries().size(),
              p.total(),
              0,
              p.message());
    }
    Thread.yield();
  }

  /**
   * Replays what the journal holds; returns whether more than {@code enough} batches have come
   * meanwhile.
   */
  private boolean replay(KeyValueStore target, int enough) {
    List<WriteBatch> pending;
    imports.lock();
    try {
      pending = journal == null ? List.of() : journal;
      journal = new ArrayList<>();
    } finally {
      imports.unlock();
    }
    pending.forEach(target::write);
    return pending.size() > enough;
  }

  private static void compare(KeyValueStore source, KeyValueStore target) {
    byte[] head = source.get(Column.META, Keys.HEAD);
    if (!Arrays.equals(head, target.get(Column.META, Keys.HEAD))) {
      throw new StorageException("the stores disagree on the head after the copy");
    }
    byte[] root = source.get(Column.ACCOUNT_TRIE, new byte[0]);
    if (!Arrays.equals(root, target.get(Column.ACCOUNT_TRIE, new byte[0]))) {
      throw new StorageException("the stores disagree on the state root after the copy");
    }
  }

  /** Compares before later batches are replayed: only the copy writes to the target until then. */
  private static void compare(Column column, long expected, KeyValueStore target) {
    long marker = column == Column.META ? 1 : 0;
    long found = target.count(column) - marker;
    if (expected != found) {
      throw new StorageException(
          "the stores disagree on the entries of " + column + ": " + expected + " and " + found);
    }
  }

  private void giveUp(KeyValueStore target, RuntimeException failure) {
    imports.lock();
    try {
      journal = null;
    } finally {
      imports.unlock();
    }
    Stage end = cancelled ? Stage.CANCELLED : Stage.FAILED;
    Progress p = progress;
    progress =
        new Progress(
            end, p.from(), p.to(), p.copied(), p.total(), 0, String.valueOf(failure.getMessage()));
    LOG.warn(
        "migration {} -> {} ended at {}: {}", p.from(), p.to(), p.stage(), failure.getMessage());
    try {
      target.clear();
    } catch (RuntimeException gone) {
      LOG.warn("could not clear '{}' after the migration: {}", target.id(), gone.getMessage());
    }
  }

  private void enter(Stage stage, String from, String to, String message) {
    checkCancelled();
    Progress p = progress;
    boolean first = stage == Stage.PREPARE;
    progress =
        new Progress(stage, from, to, first ? 0 : p.copied(), first ? 0 : p.total(), 0, message);
    LOG.info("migration {} -> {}: {}", from, to, stage);
    hook.reached(stage);
  }

  private void checkCancelled() {
    if (cancelled) {
      throw new StorageException("cancelled; the chain stays in '" + chosen + "'");
    }
  }
}
