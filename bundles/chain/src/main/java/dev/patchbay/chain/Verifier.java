// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainVerifier;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.SnapshotExpiredException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs the steps of a verification, each over a snapshot of its own. A step begins again when its
 * snapshot expires, or the store is replaced by a migration.
 *
 * <p>Threading: any thread, one verification at a time.
 */
final class Verifier implements ChainVerifier, AutoCloseable {
  private static final int MAX_ATTEMPTS = 3;

  /** Time between two looks at what else the node does, and of a rest while it imports. */
  private static final long WORK_NANOS = 5_000_000L;

  private static final long REST_NANOS = 5_000_000L;

  /** Trie nodes that a verification keeps in memory: 2 to the power of this. */
  private static final int NODE_BITS = 14;

  private final Chain chain;
  private final BooleanSupplier importing;
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * Creates a verifier of the store of a chain.
   *
   * @param importing whether a block is imported now
   */
  Verifier(Chain chain, BooleanSupplier importing) {
    this.chain = chain;
    this.importing = importing;
  }

  /** Creates a step. */
  private interface Step {
    Check over(KeyReader reader, Findings findings, Runnable rest, DoubleConsumer progress);
  }

  private record Named(String name, Step step) {}

  /** Ends an attempt, after which the step begins again. */
  private static final class RestartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RestartException(String reason) {
      super(reason, null, false, false);
    }
  }

  /** Ends a verification: a stopped chain. */
  private static final class StoppedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    StoppedException() {
      super("the verification has ended: the chain is stopped");
    }
  }

  /** A key that the store cannot read. */
  private static final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Column column;
    private final transient byte[] key;

    UnreadableException(Column column, byte[] key, StorageException cause) {
      super("cannot be read: " + cause.getMessage(), cause);
      this.column = column;
      this.key = key;
    }
  }

  /** The reads of a snapshot, whose failures name column and key. */
  private record Reads(KeyReader snapshot) implements KeyReader {
    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      try {
        return snapshot.get(column, key);
      } catch (StorageException failure) {
        rethrowUnlessDamage(failure);
        throw new UnreadableException(column, key, failure);
      }
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      try {
        snapshot.scan(column, from, visitor);
      } catch (StorageException failure) {
        rethrowUnlessDamage(failure);
        throw new UnreadableException(column, from, failure);
      }
    }

    @Override
    public long count(Column column) {
      return snapshot.count(column);
    }
  }

  /**
   * Throws an exception again unless damaged content has caused it: an expired snapshot, a
   * cancelled verification, or a store that is not bound.
   */
  static void rethrowUnlessDamage(Exception failure) {
    if (failure instanceof RestartException
        || failure instanceof StoppedException
        || failure instanceof SnapshotExpiredException
        || failure instanceof CancellationException
        || failure instanceof StorageUnavailableException) {
      throw (RuntimeException) failure;
    }
  }

  @Override
  public Report verify(int unwind, Consumer<Progress> progress, BooleanSupplier cancelled) {
    if (!running.compareAndSet(false, true)) {
      throw new IllegalStateException("another verification is under way");
    }
    try (TrieWorkers workers = new TrieWorkers(0, NODE_BITS)) {
      ExecutionRules rules = chain.rules();
      List<Named> steps =
          List.of(
              new Named(
                  "canonical chain",
                  (reader, findings, rest, done) ->
                      new CanonicalCheck(
                          reader, findings, rest, done, chain.genesis(), chain.genesisConfig())),
              new Named(
                  "blocks and receipts",
                  (reader, findings, rest, done) ->
                      new BlockCheck(reader, findings, rest, done, chain.config(), rules)),
              new Named("side blocks", SideBlockCheck::new),
              new Named(
                  "blocks ahead of the chain",
                  (reader, findings, rest, done) ->
                      new StagedCheck(reader, findings, rest, done, chain.config(), rules)),
              new Named("change sets", HistoryCheck::new),
              new Named(
                  "state and tries",
                  (reader, findings, rest, done) ->
                      new StateCheck(reader, findings, rest, done, workers, unwind)));
      Findings findings = new Findings();
      for (int i = 0; i < steps.size(); i++) {
        int number = i + 1;
        Named step = steps.get(i);
        findings.addAll(
            run(
                step,
                done -> progress.accept(new Progress(number, steps.size(), step.name, done)),
                cancelled));
      }
      return findings.report();
    } finally {
      running.set(false);
    }
  }

  private Findings run(Named step, DoubleConsumer progress, BooleanSupplier cancelled) {
    String reason = "";
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        return attempt(step, progress, cancelled);
      } catch (SnapshotExpiredException | RestartException again) {
        reason = String.valueOf(again.getMessage());
      }
    }
    throw new StorageException(
        "the step '"
            + step.name
            + "' began "
            + MAX_ATTEMPTS
            + " times and could not end: "
            + reason
            + ". Stop the node, and verify the data directory without blocks that come in");
  }

  private Findings attempt(Named step, DoubleConsumer progress, BooleanSupplier cancelled) {
    Findings findings = new Findings();
    try (StoreLease lease = chain.storage().lease();
        Snapshot snapshot = lease.get().snapshot()) {
      KeyValueStore store = lease.get();
      long[] rested = {System.nanoTime()};
      Runnable rest =
          () -> {
            if (System.nanoTime() - rested[0] > WORK_NANOS) {
              rest(store, cancelled);
              rested[0] = System.nanoTime();
            }
          };
      KeyReader reader = new Reads(snapshot);
      try {
        step.step.over(reader, findings, rest, progress).run();
      } catch (UnreadableException damaged) {
        rest(store, cancelled); // a store that was closed is not damaged
        findings.add(
            damaged.column,
            damaged.key,
            damaged.getMessage() + "; the rest of the step '" + step.name + "' was not verified");
      }
    }
    return findings;
  }

  private void rest(KeyValueStore store, BooleanSupplier cancelled) {
    if (cancelled.getAsBoolean()) {
      throw new CancellationException("the verification was cancelled");
    }
    if (closed) {
      throw new StoppedException();
    }
    try (StoreLease now = chain.storage().lease()) {
      if (now.get() != store) {
        throw new RestartException("the store was replaced");
      }
    }
    if (importing.getAsBoolean()) {
      LockSupport.parkNanos(REST_NANOS);
    }
  }

  /** Ends a verification that is under way, at its next entry. */
  @Override
  public void close() {
    closed = true;
  }
}
