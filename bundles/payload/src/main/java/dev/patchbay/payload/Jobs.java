// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.Threads;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Payloads that a consensus client has asked for and has not fetched yet: each is there at once,
 * empty, and one thread builds it again as the pool changes.
 *
 * <p>Threading: any thread.
 */
final class Jobs {
  private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);

  /** A consensus client asks for the latest, and sometimes for one before; as geth. */
  private static final int KEPT = 10;

  /**
   * What blocks do is of use until they are inserted, and takes a megabyte for 1,000 of receipts.
   */
  private static final int KEPT_EFFECTS = 2;

  /** Building takes a processor: it has it half of the time at most. */
  private static final long MIN_PAUSE_NANOS = 500_000_000L;

  /** A slot: nobody asks for a payload after it (execution-apis, {@code paris.md}). */
  private static final long LIFE_SECONDS = 12;

  private final Work work;
  private final InstantSource clock;
  private final Map<Bytes, Job> jobs = new LinkedHashMap<>();

  /** Counts changes of the pool. */
  private long changes;

  /** Counts builds. */
  private long builds;

  /** Whether the latest build repeats one that failed. */
  private boolean repeated;

  private final Failures building = new Failures("building a payload", LOG::warn, LOG::info);
  private @Nullable Loop loop;
  private volatile boolean closed;

  /** Builds blocks. */
  interface Work {
    /** Builds a block without transactions but those that a sequencer asks for. */
    Payload empty(Block parent, PayloadAttributes attributes);

    /**
     * Builds a block out of what the pool holds.
     *
     * @throws Deadline.ExceededException when nobody wants it any more
     */
    Payload full(Block parent, PayloadAttributes attributes);
  }

  private static final class Job {
    final Block parent;
    final PayloadAttributes attributes;
    final long end;

    /** Whether more goes in than what a sequencer asks for. */
    final boolean grows;

    Payload best;

    /** Whether it is known what the best does, and not only what is told of it. */
    boolean hasEffects = true;

    /** Read while a block is built, without the lock. */
    volatile boolean ended;

    /**
     * The count of builds when the latest one failed, after which it is built again, also when the
     * pool is the same; -1 when it did not fail.
     */
    long failedAt = -1;

    /** How far the changes of the pool were counted when it was built last. */
    long built = -1;

    Job(Block parent, PayloadAttributes attributes, Payload empty, long now) {
      this.parent = parent;
      this.attributes = attributes;
      this.best = empty;
      PayloadAttributes.Rollup rollup = attributes.rollup();
      this.grows = rollup == null || !rollup.noTxPool();
      long slotEnd = TimeUnit.SECONDS.toMillis(attributes.timestamp() + LIFE_SECONDS);
      this.end = Math.max(slotEnd, now + TimeUnit.SECONDS.toMillis(LIFE_SECONDS));
    }

    void slim() {
      if (hasEffects) {
        best = best.withoutEffects();
        hasEffects = false;
      }
    }
  }

  Jobs(Work work, InstantSource clock) {
    this.work = work;
    this.clock = clock;
  }

  /**
   * Returns the id of a payload: eight bytes of a hash of all that it follows from, the first of
   * them the version of the attributes.
   */
  static Bytes id(Hash parent, PayloadAttributes a, Fork fork) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
    digest.update(parent.toArray());
    digest.update(ByteBuffer.allocate(8).putLong(a.timestamp()).array());
    digest.update(a.prevRandao().toArray());
    digest.update(a.feeRecipient().toArray());
    RlpWriter withdrawals = new RlpWriter();
    withdrawals.list(
        w -> {
          for (Withdrawal withdrawal : a.withdrawals()) {
            withdrawal.write(w);
          }
        });
    digest.update(withdrawals.toArray());
    int version = fork.includes(Fork.SHANGHAI) ? 2 : 1;
    if (fork.includes(Fork.CANCUN)) {
      version = 3;
      digest.update(a.parentBeaconBlockRoot().toArray());
    }
    if (fork.includes(Fork.AMSTERDAM)) {
      version = 4;
      for (Long number : Arrays.asList(a.slotNumber(), a.targetGasLimit())) {
        digest.update(ByteBuffer.allocate(8).putLong(number == null ? 0 : number).array());
      }
    }
    PayloadAttributes.Rollup rollup = a.rollup();
    if (rollup != null) {
      update(digest, rollup);
    }
    byte[] id = Arrays.copyOf(digest.digest(), 8);
    id[0] = (byte) version;
    return Bytes.wrap(id);
  }

  private static void update(MessageDigest digest, PayloadAttributes.Rollup rollup) {
    int count = rollup.transactions().size();
    if (rollup.noTxPool() || count > 0) {
      digest.update((byte) (rollup.noTxPool() ? 1 : 0));
      digest.update(ByteBuffer.allocate(8).putLong(count).array());
      rollup.transactions().forEach(transaction -> digest.update(transaction.hash().toArray()));
    }
    digest.update(ByteBuffer.allocate(8).putLong(rollup.gasLimit()).array());
    Bytes params = rollup.eip1559Params();
    if (params != null) {
      digest.update(params.toArray());
    }
    Long minBaseFee = rollup.minBaseFee();
    if (minBaseFee != null && minBaseFee != 0) {
      digest.update(ByteBuffer.allocate(8).putLong(minBaseFee).array());
    }
  }

  /** Starts a payload that is not there yet. */
  void start(Bytes id, Block parent, PayloadAttributes attributes) {
    synchronized (this) {
      if (jobs.containsKey(id)) {
        ensureLoop();
        return;
      }
    }
    Payload empty = work.empty(parent, attributes);
    synchronized (this) {
      if (closed || jobs.containsKey(id)) {
        return;
      }
      jobs.put(id, new Job(parent, attributes, empty, clock.millis()));
      if (jobs.size() > KEPT) {
        jobs.remove(jobs.keySet().iterator().next());
      }
      jobs.values().stream().limit(Math.max(0, jobs.size() - KEPT_EFFECTS)).forEach(Job::slim);
      ensureLoop();
      notifyAll();
    }
  }

  /** Starts the thread; without memory for it, payloads stay empty until the next attempt. */
  private void ensureLoop() {
    if (loop != null || closed) {
      return;
    }
    Loop next =
        new Loop(
            body -> Threads.create(() -> new Deadline.Worker(body, "payload-building-0", () -> {})),
            new Failures("the thread that builds payloads", LOG::warn, LOG::info),
            this::step);
    try {
      next.start();
    } catch (OutOfMemoryError failure) {
      building.failed(failure);
      return;
    }
    loop = next;
  }

  /** Returns the latest failure as one line; null when the latest payload was built. */
  @Nullable String failure() {
    return building.latest();
  }

  /** Returns the best that there is and leaves it at that. */
  synchronized @Nullable Payload get(Bytes id) {
    Job job = jobs.get(id);
    if (job == null) {
      return null;
    }
    job.ended = true;
    return job.best;
  }

  /** Returns what was fetched, with its effects, by the hash of its block, or null. */
  synchronized @Nullable Payload fetched(Hash blockHash) {
    for (Job job : jobs.values()) {
      if (job.ended && job.hasEffects && job.best.block().hash().equals(blockHash)) {
        return job.best;
      }
    }
    return null;
  }

  /** Notes that the pool holds something new. */
  synchronized void poolChanged() {
    changes++;
    notifyAll();
  }

  void close() {
    Loop running;
    synchronized (this) {
      closed = true;
      running = loop;
      notifyAll();
    }
    if (running != null) {
      running.close();
    }
  }

  private long step() throws InterruptedException {
    Job job = next();
    if (job != null) {
      long start = System.nanoTime();
      build(job);
      pause(job, Math.max(MIN_PAUSE_NANOS, System.nanoTime() - start));
    }
    return 0;
  }

  /**
   * Waits for a payload that can get better; one without a build first, then the latest. One whose
   * build failed comes after one build of another payload. Null when this is closed.
   */
  private synchronized @Nullable Job next() throws InterruptedException {
    while (!closed) {
      Job found = null;
      Job failed = null;
      long now = clock.millis();
      for (Job job : jobs.values()) {
        boolean wanted = !job.ended && job.grows && now < job.end;
        if (wanted && job.failedAt >= 0) {
          failed = failed == null || job.failedAt < failed.failedAt ? job : failed;
        } else if (wanted
            && job.built != changes
            && (found == null || found.built >= 0 || job.built < 0)) {
          found = job;
        }
      }
      boolean repeats =
          failed != null && (found == null || (failed.failedAt < builds && !repeated));
      Job chosen = repeats ? failed : found;
      if (chosen != null) {
        repeated = repeats;
        builds++;
        chosen.built = changes;
        chosen.failedAt = -1;
        return chosen;
      }
      wait();
    }
    return null;
  }

  private void build(Job job) {
    try (Deadline wanted = Deadline.unless(() -> job.ended || closed)) {
      Payload next = work.full(job.parent, job.attributes);
      synchronized (this) {
        if (!job.ended && next.value().compareTo(job.best.value()) >= 0) {
          job.best = next;
          job.hasEffects = true;
        }
      }
      building.succeeded();
    } catch (Deadline.ExceededException fetched) {
      LOG.trace("a payload on {} was fetched while it was built again", job.parent);
    } catch (StorageException | StorageUnavailableException | NotReadyException missing) {
      // the previous payload stays; the part that is missing reports its health itself
      LOG.debug("a payload on {} was not built again: {}", job.parent, missing.toString());
      buildAgain(job);
    } catch (Throwable failure) { // the previous payload stays, and the thread has other payloads
      building.failed(failure);
      buildAgain(job);
    }
  }

  private synchronized void buildAgain(Job job) {
    job.failedAt = builds;
  }

  /** Waits, unless another payload than the one that was built asks for its first transactions. */
  private synchronized void pause(Job built, long nanos) throws InterruptedException {
    long end = System.nanoTime() + nanos;
    for (long left = nanos; left > 0 && !closed; left = end - System.nanoTime()) {
      boolean other =
          jobs.values().stream()
              .anyMatch(job -> job != built && job.grows && !job.ended && job.built < 0);
      if (other) {
        return;
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }
}
