// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.TransientStorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.DrainResult;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.binding.Slot;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A named store: its choice, its binding in a {@link Slot}, and a migration of it. A backend that
 * appears changes nothing unless the choice names it, and when that one goes nothing takes its
 * place.
 *
 * <p>Threading: changes of the binding hold the monitor of this object, and take the owner's lock
 * after it, never before.
 */
final class ManagedStore implements NamedStore, HealthCheck {
  private static final Logger LOG = LoggerFactory.getLogger(ManagedStore.class);
  private static final Duration DRAIN = Duration.ofSeconds(10);

  private final String name;
  private final StoreOwner owner;
  private final StoreFolder folder;
  private final StoreOpener opener;
  private final Closing onClose;
  private final ProcessMemory process;
  private final Slot<OpenStore> slot;

  private volatile @Nullable Choice choice;

  /** The backend that is waited for before there is a choice; guarded by the monitor. */
  private volatile String awaited;

  /** Why no store is bound. */
  private volatile Health health = Health.starting("is opened");

  /** Brings the data directory to the present layout; null once the choice was read. */
  private @Nullable Runnable upgrade = () -> {};

  /** Whether the store is not bound because its backend is not installed. */
  private volatile boolean waits;

  /** Whether the store was refused for a reason that may cease; guarded by the monitor. */
  private boolean refusedForNow;

  /**
   * Content without files that is bound once its backend is installed; guarded by the monitor. Null
   * when there is none.
   */
  private @Nullable OpenStore kept;

  private final Recovery recovery;

  /** Whether the store is not opened any more; guarded by the monitor. */
  private boolean closed;

  private volatile @Nullable Migration migration;
  private volatile Runnable cancelMigration = () -> {};

  /** What happens when the owner closes its store. */
  interface Closing {
    /**
     * Keeps the content of a store without files, which is open, for the next owner of the name.
     * Called before {@link #closed}, with the monitor of the store held.
     */
    void keep(OpenStore content);

    /** Frees the name. Called once the store is closed. */
    void closed();
  }

  /**
   * Creates a store that is not open.
   *
   * @param awaited the backend of the store when there is no choice yet
   * @param process knows which stores this process has had open
   * @param onClose is called when the owner closes the store
   */
  ManagedStore(
      String name,
      StoreOwner owner,
      StoreFolder folder,
      StoreOpener opener,
      String awaited,
      ProcessMemory process,
      Closing onClose) {
    this.name = name;
    this.owner = owner;
    this.folder = folder;
    this.opener = opener;
    this.awaited = awaited;
    this.process = process;
    this.onClose = onClose;
    this.slot = new Slot<>("store " + name);
    this.recovery = new Recovery(name, this::reopen);
  }

  // ---- opening

  /**
   * Takes over what the store starts from, unless it is closed already. Called once; the store is
   * not opened before.
   *
   * @param layout brings the data directory to the present layout
   * @param content returns the content of a store without files that an earlier owner has closed,
   *     or an earlier kernel; null otherwise
   */
  synchronized void prepare(Runnable layout, Supplier<@Nullable OpenStore> content) {
    if (closed) {
      return;
    }
    upgrade = layout;
    recovery.start();
    kept = content.get();
  }

  /** Reads the choice, and removes what an interrupted copy left behind. */
  private void readChoice() {
    Runnable layout = upgrade;
    if (layout != null) {
      layout.run();
      Choice written = folder.readChoice();
      folder.dropIncomplete(written);
      choice = written;
      upgrade = null;
    } else if (choice == null) {
      // an upgrade, or an attempt that failed at its end, may have written it
      Choice written = folder.readChoice();
      folder.dropIncomplete(written);
      choice = written;
    }
  }

  /**
   * Opens and binds the store, when it is not bound and its backend is installed. A store that is
   * refused for a reason that may cease is tried again by itself.
   */
  synchronized void open() {
    if (closed || isBound()) {
      return;
    }
    try {
      if (!refusedForNow) {
        health = Health.starting("is opened");
      }
      attempt();
    } catch (RuntimeException | Error refused) {
      refuse(refused);
    }
  }

  private void attempt() {
    waits = false;
    readChoice();
    if (bindKept()) {
      refusedForNow = false;
      return;
    }
    StoreOpener.Attempt attempt = opener.open(choice);
    if (attempt instanceof StoreOpener.Attempt.Missing missing) {
      await(missing);
    } else if (attempt instanceof StoreOpener.Attempt.Opened opened) {
      choice = opened.choice();
      OpenStore open = opened.store();
      bind(open, opener.isNamed() ? () -> writeUsed(opened.choice(), open) : () -> {});
      process.opened(name);
      removeObsolete(); // where a crash came before a migration did that
    }
    refusedForNow = false;
  }

  /**
   * Binds the content that was kept, or waits for its backend; returns whether there is such
   * content. It is closed when it is not that of the choice, or its backend was replaced.
   */
  private boolean bindKept() {
    OpenStore content = kept;
    if (content == null) {
      return false;
    }
    Choice chosen = choice;
    boolean ours = chosen != null && chosen.copy().identity().equals(content.copy().identity());
    if (ours && opener.isInstalled(content)) {
      kept = null;
      bind(content, () -> {});
      process.opened(name);
      return true;
    }
    if (ours && (opener.isNamed() || opener.find(content.copy()) == null)) {
      await(opener.missing(content.copy()));
      return true;
    }
    kept = null;
    content.close();
    return false;
  }

  private void await(StoreOpener.Attempt.Missing missing) {
    awaited = missing.backend();
    health = Health.unavailable(missing.reason());
    waits = true;
  }

  /**
   * Opens the store in the backend of another bundle, which is written down once the owner has
   * accepted the store.
   *
   * @throws IllegalStateException when the store is open
   * @throws StorageException when the bundle cannot open it; the choice is as it was
   */
  synchronized void use(Backends.Installed next) {
    OpenStore open = slot.peek().orElse(null);
    if (closed) {
      throw unavailable();
    } else if (open != null) {
      throw new IllegalStateException(
          "store '"
              + name
              + "' is open in "
              + open.describeBackend()
              + "; move it with storage:migrate --bundle "
              + next.bundle()
              + " "
              + next.id()
              + ", or stop that bundle before");
    }
    recovery.closeFailed(cancelMigration);
    String described = Backends.describe(chosen(), chosenBundle());
    opener.setNamed(next.bundle());
    try {
      attempt();
    } catch (RuntimeException | Error refused) {
      choice = null; // what is written decides
      throw refused;
    } finally {
      opener.setNamed(null);
      open(); // does nothing when it is
    }
    if (!isBound()) {
      throw unavailable();
    }
    LOG.info("store {} uses {} from now on; before: {}", name, next, described);
  }

  /** Writes the choice of a store that a command has opened, and whose owner has accepted it. */
  private void writeUsed(Choice used, OpenStore open) {
    Choice before = folder.readChoice();
    if (!used.equals(before)) {
      writeChoice(used, before, open);
    }
    clearIncomplete();
  }

  /** Removes the mark of a copy that the choice names: it does not matter there. */
  private void clearIncomplete() {
    try {
      folder.clearIncomplete();
    } catch (StorageException kept) {
      LOG.warn("a mark of store {} is removed by the next start: {}", name, kept.toString());
    }
  }

  /**
   * Binds a store that the owner accepts; closes it when the owner refuses it.
   *
   * @param accepted is run before the store is bound; when it fails, the store is closed, too
   */
  private void bind(OpenStore open, Runnable accepted) {
    owner.writeLock().lock();
    try {
      owner.opened(open.store());
      accepted.run();
      slot.replace(open, DRAIN);
    } catch (RuntimeException | Error refused) {
      open.close();
      throw refused;
    } finally {
      owner.writeLock().unlock();
    }
    watch(open);
    LOG.info("store {} is bound in {}", name, open.describeBackend());
  }

  private void refuse(Throwable refused) {
    describe(refused);
    LOG.error(
        "store {} is refused: {}",
        name,
        health.message(),
        refused instanceof StorageException ? null : refused);
    if (refusedForNow) {
      recovery.wake();
    }
  }

  /** Takes note of why the store is not bound, and whether that may cease. */
  private void describe(Throwable refused) {
    refusedForNow = TransientStorageException.isTransient(refused);
    String reason =
        refused instanceof StorageException
            ? String.valueOf(refused.getMessage())
            : refused.toString();
    health =
        refusedForNow
            ? Health.unavailable(reason + "; the node opens the store again by itself")
            : Health.failed(reason);
  }

  // ---- opening again

  /** Has the store unbound when it fails. */
  private void watch(OpenStore open) {
    recovery.watch(
        open,
        reason -> {
          health = Health.unavailable(reason + "; the node opens it again by itself");
          slot.release(open, Duration.ZERO);
        });
  }

  /**
   * Closes what has failed, and opens the store when that is due; a step of the loop.
   *
   * @return for how many milliseconds nothing is due
   */
  synchronized long reopen() {
    if (recovery.closeFailed(cancelMigration)) {
      refusedForNow = true;
    }
    if (!refusedForNow || closed || isBound()) {
      return Loop.UNTIL_WOKEN;
    }
    long wait = recovery.millisLeft();
    if (wait > 0) {
      return wait;
    }
    try {
      attempt();
    } catch (RuntimeException | Error refused) {
      describe(refused);
      if (refusedForNow) {
        throw refused; // the loop logs it, and tries again after a pause that grows
      }
      refuse(refused);
    }
    return Loop.UNTIL_WOKEN;
  }

  /** Unbinds the store when it is open in a backend that goes. */
  synchronized void backendRemoved(StorageBackend backend) {
    OpenStore open = slot.peek().orElse(null);
    if (open == null || open.backend() != backend) {
      return;
    }
    if (backend.isDurable()) {
      await(opener.missing(backend.id(), open.copy().bundle()));
    } else {
      health =
          Health.failed(
              "the content of store '"
                  + name
                  + "' has ended with the bundle of '"
                  + backend.id()
                  + "'");
    }
    cancelMigration.run();
    DrainResult drained = slot.release(open, DRAIN);
    open.close();
    LOG.info(
        "store {} has lost its backend {}; the node answers that storage is unavailable until the backend is back ({} leases left)",
        name,
        open.describeBackend(),
        drained.leasesLeft());
  }

  // ---- use by the owner

  @Override
  public StoreLease lease() {
    while (true) {
      try {
        StoreLease lease = OpenStore.lease(slot.lease(), this);
        if (lease != null) {
          return lease;
        }
      } catch (NotBoundException notBound) {
        throw unavailable();
      }
    }
  }

  private StorageUnavailableException unavailable() {
    return new StorageUnavailableException("storage unavailable: " + health.message());
  }

  @Override
  public boolean isBound() {
    return slot.peek().isPresent();
  }

  @Override
  public void requireBound() {
    if (!isBound()) {
      throw unavailable();
    }
  }

  @Override
  public void write(WriteBatch batch) {
    try (StoreLease lease = lease()) {
      lease.get().write(batch);
    }
  }

  /** Writes to a leased store; a migration takes note of the batch. */
  void write(OpenStore open, WriteBatch batch) {
    Migration running = migration;
    OpenStore bound = slot.peek().orElse(null);
    if (bound == null) {
      throw unavailable();
    } else if (bound != open) {
      throw new StorageException("store " + name + " was moved while a lease was open");
    }
    try {
      open.store().write(batch);
      if (running != null) {
        running.record(batch);
      }
    } catch (RuntimeException | Error failure) {
      if (running != null) {
        running.lose(); // the store may have the batch
      }
      throw failure;
    }
  }

  @Override
  public void flush() {
    try (StoreLease lease = lease()) {
      lease.get().flush();
    }
  }

  @Override
  public void close() {
    try {
      synchronized (this) {
        boolean first = !closed;
        closed = true;
        health = Health.unavailable("the owner of store " + name + " is stopped");
        OpenStore waiting = kept;
        kept = null;
        if (waiting != null) {
          onClose.keep(waiting);
        }
        recovery.closeFailed(cancelMigration);
        OpenStore open = slot.peek().orElse(null);
        if (first && open != null) {
          cancelMigration.run();
          slot.release(open, DRAIN);
          if (open.backend().isDurable()) {
            open.close();
          } else {
            onClose.keep(open);
          }
        }
      }
    } finally {
      recovery.close();
      onClose.closed();
    }
  }

  // ---- what operators see

  @Override
  public String name() {
    return "storage." + name;
  }

  @Override
  public Set<String> dependencies() {
    return Set.of(StorageBackend.class.getName());
  }

  @Override
  public Health check() {
    OpenStore open = slot.peek().orElse(null);
    if (open == null) {
      return health;
    }
    String in = "store " + name + " is in " + open.backend().id();
    String found = recovery.damage();
    return found == null ? Health.healthy(in) : Health.degraded(in + ", and is damaged: " + found);
  }

  /**
   * Returns the store that is bound.
   *
   * @throws StorageUnavailableException when none is
   */
  OpenStore bound() {
    return slot.peek().orElseThrow(this::unavailable);
  }

  String storeName() {
    return name;
  }

  StoreOwner owner() {
    return owner;
  }

  StoreFolder folder() {
    return folder;
  }

  /** Returns the backend that is chosen, or would be. */
  String chosen() {
    Choice written = choice;
    return written == null ? awaited : written.copy().backend();
  }

  /** Returns the symbolic name of the bundle that is chosen; null when none is. */
  @Nullable String chosenBundle() {
    Choice written = choice;
    return written == null ? null : written.copy().bundle();
  }

  /** Returns the backend that the store waits for, or else the one that is chosen. */
  String awaited() {
    return waits ? awaited : chosen();
  }

  /** Returns whether the store is not bound because its backend is not installed. */
  boolean isWaiting() {
    return waits;
  }

  /** Returns whether the content ends with the process although it was durable before. */
  boolean isEndangered() {
    Choice written = choice;
    return written != null && !written.durable() && !written.lossAccepted() && isBound();
  }

  /** Returns the bytes that a backend has of this store. */
  long bytes(Backends.Installed backend) {
    OpenStore open = slot.peek().orElse(null);
    if (open != null && open.copy().isOf(backend)) {
      return open.store().sizeInBytes();
    }
    Choice written = choice;
    if (written == null || !backend.backend().isDurable()) {
      return 0;
    }
    Choice.Copy previous = written.previous();
    if (written.copy().isOf(backend)) {
      return folder.bytes(written.copy());
    }
    return previous != null && previous.isOf(backend) ? folder.bytes(previous) : 0;
  }

  boolean isBoundIn(Backends.Installed backend) {
    return slot.peek().filter(open -> open.copy().isOf(backend)).isPresent();
  }

  // ---- migration

  /** Starts to record writes for a migration. The caller holds the owner's lock. */
  void startRecording(Migration running, Runnable cancel) {
    migration = running;
    cancelMigration = cancel;
  }

  void stopRecording() {
    migration = null;
    cancelMigration = () -> {};
  }

  /**
   * Binds the target of a migration once it is complete.
   *
   * @param source the store that is bound now
   * @param target the target
   * @param finish copies and flushes the last batches; writes wait
   * @throws StorageException when the store was unbound in the meantime, or the choice cannot be
   *     written; the source stays
   */
  void replace(OpenStore source, OpenStore target, Runnable finish) {
    synchronized (this) {
      owner.writeLock().lock();
      try {
        Choice current = choice;
        if (closed || current == null || slot.peek().orElse(null) != source) {
          throw new StorageException("the store was unbound during the migration");
        }
        finish.run();
        Choice next = current.moved(target.copy(), target.backend().isDurable(), folder.copies());
        writeChoice(next, current, source);
        choice = next;
        stopRecording();
        slot.replace(target, Duration.ZERO);
        watch(target);
      } finally {
        owner.writeLock().unlock();
      }
    }
    source.retire();
    clearIncomplete();
  }

  /** Removes the copies that are older than the store and the copy before it. */
  synchronized void removeObsolete() {
    Choice written = choice;
    if (written == null || !isBound()) {
      return; // only a store that is bound is known to be whole
    }
    try {
      folder.deleteObsolete(written);
    } catch (StorageException kept) {
      LOG.warn("store {} is bound; an older copy could not be removed: {}", name, kept.toString());
    }
  }

  /**
   * Writes a choice. When that fails, what the disk says decides: the store that is bound is never
   * another one than that of the choice.
   */
  private void writeChoice(Choice next, @Nullable Choice before, OpenStore bound) {
    try {
      folder.writeChoice(next);
    } catch (RuntimeException | Error failure) {
      Choice written = null;
      try {
        written = folder.readChoice();
      } catch (RuntimeException unreadable) {
        failure.addSuppressed(unreadable);
      }
      if (next.equals(written)) {
        LOG.warn(
            "the choice of store {} is written, but may not survive a power cut: {}",
            name,
            failure.toString());
        return;
      }
      if (!Objects.equals(before, written)) {
        slot.release(bound, Duration.ZERO);
        health =
            Health.failed(
                "the choice file in "
                    + folder.path()
                    + " can be neither written nor read: "
                    + failure);
      }
      throw failure;
    }
  }
}
