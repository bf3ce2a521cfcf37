// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.TransientStorageException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides which files of a named store are opened. Where there is a choice, it alone decides. A
 * store is begun only where there is neither a choice nor a copy. Everything else is refused with
 * the place of the content.
 *
 * <p>Threading: one thread at a time.
 */
final class StoreOpener {
  private static final Logger LOG = LoggerFactory.getLogger(StoreOpener.class);

  private final String name;
  private final List<Column> columns;
  private final StoreOwner owner;
  private final StoreFolder folder;
  private final Settings settings;
  private final Backends backends;
  private final ProcessMemory process;

  /** The bundle that a command names for the present attempt; null otherwise. */
  private @Nullable String named;

  /** How an attempt to open a store ended. */
  sealed interface Attempt {
    /**
     * The store is open; {@code choice} led to it, and is written down, unless a command has named
     * the bundle: then the caller writes it, and ends the mark of a copy that was begun.
     */
    record Opened(Choice choice, OpenStore store) implements Attempt {}

    /** The backend that decides is not installed; {@code reason} is for operators. */
    record Missing(String backend, String reason) implements Attempt {}
  }

  StoreOpener(
      String name,
      List<Column> columns,
      StoreOwner owner,
      StoreFolder folder,
      Settings settings,
      Backends backends,
      ProcessMemory process) {
    this.name = name;
    this.columns = List.copyOf(columns);
    this.owner = owner;
    this.folder = folder;
    this.settings = settings;
    this.backends = backends;
    this.process = process;
  }

  /**
   * Has the next attempts use a bundle instead of the chosen one, and not write the choice; null
   * for the chosen one.
   */
  void setNamed(@Nullable String bundle) {
    named = bundle;
  }

  /** Returns whether a command names a bundle for the present attempt. */
  boolean isNamed() {
    return named != null;
  }

  /**
   * Returns a backend; null when it is not installed.
   *
   * @param bundle the chosen bundle; null when none is chosen
   */
  Backends.@Nullable Installed find(String id, @Nullable String bundle) {
    Backends.Installed other = named == null ? null : backends.find(id, named);
    return other == null ? backends.find(id, bundle) : other;
  }

  /** Returns whether the backend of an open store is installed: the same instance. */
  boolean isInstalled(OpenStore open) {
    return backends.contains(open.backend());
  }

  Attempt.Missing missing(String id, @Nullable String bundle) {
    return new Attempt.Missing(id, backends.missing(name, id, bundle));
  }

  Attempt.Missing missing(Choice.Copy copy) {
    return missing(copy.backend(), copy.bundle());
  }

  Backends.@Nullable Installed find(Choice.Copy copy) {
    return find(copy.backend(), copy.bundle());
  }

  /** Returns the columns of the owner and the column of the kernel. */
  List<Column> allColumns() {
    List<Column> all = new ArrayList<>(columns);
    all.add(Identity.COLUMN);
    return all;
  }

  /**
   * Opens the store.
   *
   * @param choice the choice; null when the store was never opened
   * @throws StorageException when the store is refused; nothing was changed
   */
  Attempt open(@Nullable Choice choice) {
    if (choice != null) {
      return choice.durable() ? durable(choice) : volatileStore(choice);
    }
    if (LegacyLayout.isPending(folder)) {
      return new LegacyLayout(name, columns, owner, folder, settings, this).adopt();
    }
    List<String> copies = folder.copies();
    if (!copies.isEmpty()) {
      throw new StorageException(
          "the choice file of store '"
              + name
              + "' is missing, and "
              + folder.path()
              + " holds "
              + copies
              + ". Nothing was changed. Restore the file from a backup, or start with another --datadir");
    }
    return begin(settings.initial(name), null);
  }

  // ---- a new store

  /**
   * Begins a store: its first content, then its identity, then the choice. Where a command names
   * the bundle, the caller writes the choice, and the copy is marked as incomplete until then.
   *
   * @param bundle the chosen bundle; null when none is chosen
   */
  Attempt begin(String backendId, @Nullable String bundle) {
    Backends.Installed installed = find(backendId, bundle);
    if (installed == null) {
      return missing(backendId, bundle);
    }
    StorageBackend backend = installed.backend();
    Choice.Copy copy = Choice.Copy.create(backendId, installed.bundle(), columns);
    folder.markIncomplete(copy);
    KeyValueStore store = null;
    try {
      store = backend.open(folder.of(copy), allColumns(), true);
      owner.writeLock().lock();
      try {
        owner.initialize(store);
      } finally {
        owner.writeLock().unlock();
      }
      Identity.write(store, copy.identity());
      Choice choice = new Choice(copy, backend.isDurable(), !backend.isDurable(), null);
      if (!isNamed()) {
        folder.writeChoice(choice);
        folder.clearIncomplete();
      }
      LOG.info("store {} begins in {}", name, installed);
      return new Attempt.Opened(choice, new OpenStore(backend, store, copy));
    } catch (RuntimeException | Error failure) {
      if (store != null) {
        new OpenStore(backend, store, copy).close();
      }
      folder.dropIncomplete(
          folder.readChoice()); // a choice that was written stays, and is complete
      throw failure;
    }
  }

  // ---- a store that exists

  private Attempt durable(Choice choice) {
    String required = settings.required(name);
    if (!process.wasOpen(name) && required != null && !required.equals(choice.copy().backend())) {
      if (isGivenUp(choice, required) && isDamaged(choice)) {
        return adoptPrevious(choice);
      }
      throw elsewhere(choice.copy().backend(), required);
    }
    Backends.Installed backend = find(choice.copy());
    if (backend == null) {
      return missing(choice.copy());
    }
    return withChoice(openCopy(choice, backend), () -> write(opened(choice, backend), choice));
  }

  /** Returns the refusal of a store that is not in the backend that the start requires. */
  StorageException elsewhere(String backend, String required) {
    return new StorageException(
        "store '"
            + name
            + "' is in '"
            + backend
            + "', not in '"
            + required
            + "'. Nothing was changed. Start without --storage, then: patchbay shell storage:migrate "
            + required);
  }

  /** Opens the files of a choice, which must be complete and its own. */
  private OpenStore openCopy(Choice choice, Backends.Installed backend) {
    Choice.Copy copy = choice.copy().withBundle(backend.bundle());
    KeyValueStore store;
    try {
      store = backend.backend().open(folder.of(copy), allColumns(), isGrowing(choice));
    } catch (StorageException refused) {
      if (TransientStorageException.isTransient(refused)) {
        throw refused; // no reason to go on from an older copy
      }
      throw new StorageException(refused.getMessage() + otherCopies(choice), refused);
    }
    OpenStore open = new OpenStore(backend.backend(), store, copy);
    try {
      String found = Identity.read(store);
      if (!copy.identity().equals(found)) {
        throw new StorageException(
            "the files of store '"
                + name
                + "' in "
                + folder.of(copy)
                + (found == null ? " are incomplete" : " are other files than those of the choice")
                + ". Nothing was changed. Restore them from a backup, or start with another --datadir"
                + otherCopies(choice));
      }
      return open;
    } catch (RuntimeException | Error refused) {
      open.close();
      throw refused;
    }
  }

  /** Returns whether the owner has columns that the files have not. */
  private boolean isGrowing(Choice choice) {
    return !new HashSet<>(choice.copy().columns()).containsAll(Choice.Copy.names(columns));
  }

  /** Returns a choice once a backend has opened its copy. */
  private Choice opened(Choice choice, Backends.Installed backend) {
    Choice next = choice.withBundle(backend.bundle());
    return isGrowing(choice) ? next.withColumns(columns) : next;
  }

  /**
   * Writes a choice, when it differs from the one that is written and no command names a bundle;
   * returns it.
   */
  private Choice write(Choice next, Choice written) {
    if (named == null && !next.equals(written)) {
      folder.writeChoice(next);
    }
    return next;
  }

  // ---- a store whose content ended with a process

  private Attempt volatileStore(Choice choice) {
    String backend = choice.copy().backend();
    if (process.wasOpen(name)) {
      throw new StorageException(
          ended(backend)
              + (choice.lossAccepted()
                  ? "; restart the node to begin again"
                  : otherCopies(choice) + "; restart the node with --discard-chain"));
    }
    if (choice.lossAccepted()) {
      String initial = settings.required().getOrDefault(name, backend);
      return begin(initial, initial.equals(backend) ? choice.copy().bundle() : null);
    }
    Choice.Copy previous = choice.previous();
    if (!settings.isDiscarded(name)) {
      String reason =
          "store '"
              + name
              + "' was moved to '"
              + backend
              + "' and its content has ended with that process"
              + otherCopies(choice)
              + ". Start with --discard-chain to give up what was only in '"
              + backend
              + "'";
      if (previous != null && find(previous) == null) {
        return new Attempt.Missing(previous.backend(), reason); // it is described once it is there
      }
      throw new StorageException(reason);
    }
    if (previous != null && folder.copies().contains(previous.folder())) {
      return adoptPrevious(choice);
    }
    LOG.warn("the content of store {} in {} is given up on request", name, backend);
    return begin(settings.initial(name), null);
  }

  /** Returns how the content of this store, which this process has had, has ended. */
  private String ended(String backend) {
    if (process.wasOpenHere(name)) {
      return "the content of store '" + name + "' has ended with the bundle of '" + backend + "'";
    }
    return "the content of store '"
        + name
        + "' in '"
        + backend
        + "' has ended while the bundle dev.patchbay.storage was stopped: that lasted more than half"
        + " a minute, or dev.patchbay.handover or the bundle of '"
        + backend
        + "' was stopped in the meantime";
  }

  /** Returns whether the operator gives up a durable store for the copy that was before it. */
  private boolean isGivenUp(Choice choice, String required) {
    Choice.Copy previous = choice.previous();
    return settings.isDiscarded(name) && previous != null && previous.backend().equals(required);
  }

  /** Returns whether the files of a choice are refused; they are not changed. */
  private boolean isDamaged(Choice choice) {
    Backends.Installed backend = find(choice.copy());
    if (backend == null) {
      return false;
    }
    try {
      openCopy(choice, backend).close();
      return false;
    } catch (StorageException damaged) {
      if (TransientStorageException.isTransient(damaged)) {
        throw damaged; // it may be opened later
      }
      LOG.warn("store {} is given up on request: {}", name, damaged.getMessage());
      return true;
    }
  }

  /** Goes on from the copy that the latest migration left behind. */
  private Attempt adoptPrevious(Choice choice) {
    Choice.Copy previous = choice.previous();
    if (previous == null) {
      throw new IllegalArgumentException("no previous copy");
    }
    Backends.Installed backend = find(previous);
    if (backend == null) {
      return missing(previous);
    }
    Choice.Copy given = choice.durable() ? choice.copy() : null; // stays until the next migration
    boolean isDurable = backend.backend().isDurable();
    Choice adopted = new Choice(previous, isDurable, false, given, choice.obsolete());
    OpenStore store = openCopy(adopted, backend);
    return withChoice(
        store,
        () -> {
          Choice next = write(opened(adopted, backend), choice);
          LOG.warn(
              "store {} goes on from the copy in {}, {}; what came later is given up on request",
              name,
              previous.backend(),
              owner.describe(store.store()));
          return next;
        });
  }

  /** Returns an open store with its choice; closes the store when the choice cannot be written. */
  private static Attempt withChoice(OpenStore store, Supplier<Choice> choice) {
    try {
      return new Attempt.Opened(choice.get(), store);
    } catch (RuntimeException | Error failure) {
      store.close();
      throw failure;
    }
  }

  /** Names the copy that a store has besides the chosen one, for messages; may be empty. */
  private String otherCopies(Choice choice) {
    Choice.Copy previous = choice.previous();
    if (previous == null || !folder.copies().contains(previous.folder())) {
      return "";
    }
    return ". An older copy"
        + describe(previous)
        + " is in '"
        + previous.backend()
        + "': --storage "
        + previous.backend()
        + " --discard-chain goes on from it";
  }

  private String describe(Choice.Copy copy) {
    Backends.Installed backend = find(copy);
    if (backend == null) {
      return "";
    }
    List<Column> its = new ArrayList<>(copy.columns().stream().map(Column::new).toList());
    its.add(Identity.COLUMN);
    try (KeyValueStore store = backend.backend().open(folder.of(copy), its, false)) {
      return copy.identity().equals(Identity.read(store))
          ? ", " + owner.describe(store) + ","
          : ", which is damaged,";
    } catch (StorageException damaged) {
      return TransientStorageException.isTransient(damaged)
          ? ", which cannot be read now,"
          : ", which is damaged,";
    }
  }
}
