// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.Stores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The named stores of the node and the installed backends. Migrates one store at a time: PREPARE,
 * COPY, CATCH_UP (compare), FENCE (writes wait), REPLACE (the choice is written, the target bound).
 * A crash before the choice is written leaves the source, afterwards the target; both are equal at
 * that moment.
 */
final class StoreRegistry implements Stores, StorageControl {
  private static final Logger LOG = LoggerFactory.getLogger(StoreRegistry.class);

  private final Path data;
  private final Settings settings;
  private final StageHook hook;
  private final long maxRecordBytes;
  private final Function<HealthCheck, Runnable> healthChecks;

  private final Backends backends = new Backends();

  private final Map<String, ManagedStore> stores = new ConcurrentSkipListMap<>();
  private final Map<String, List<Column>> columns = new ConcurrentSkipListMap<>();

  /** Content without files of stores that have no owner at the moment; guarded by this. */
  private final Map<String, OpenStore> kept = new HashMap<>();

  private final ProcessMemory process;
  private final AtomicBoolean migrating = new AtomicBoolean();
  private volatile Progress progress = new Progress(Stage.IDLE, "", "", "", 0, 0, 0, "");
  private volatile boolean cancelled;

  /** Whether stores that are registered from now on stay closed; guarded by this. */
  private boolean releasing;

  /** Whether content is no longer kept; guarded by this. */
  private boolean closed;

  /**
   * Is called at the start of each stage of a migration: tests let stages fail, or the process end.
   */
  interface StageHook {
    void reached(Stage stage);
  }

  /**
   * Creates a registry without stores and backends.
   *
   * @param data the data directory
   * @param process knows which stores this process has had open
   * @param maxRecordBytes recorded writes of more bytes end a migration
   * @param healthChecks registers a health check and returns what unregisters it
   */
  StoreRegistry(
      Path data,
      Settings settings,
      StageHook hook,
      ProcessMemory process,
      long maxRecordBytes,
      Function<HealthCheck, Runnable> healthChecks) {
    this.data = data;
    this.settings = settings;
    this.hook = hook;
    this.process = process;
    this.maxRecordBytes = maxRecordBytes;
    this.healthChecks = healthChecks;
  }

  // ---- backends

  /** Adds a backend; {@code bundle} is the symbolic name of its bundle. */
  void addBackend(StorageBackend backend, String bundle) {
    if (!Choice.isBundle(bundle)) {
      LOG.warn(
          "the backend '{}' is not used: the symbolic name of its bundle is missing or malformed",
          backend.id());
      return;
    }
    backends.add(backend, bundle);
    stores.values().forEach(ManagedStore::open);
  }

  void removeBackend(StorageBackend backend) {
    backends.remove(backend);
    closeKept(backend);
    for (ManagedStore store : stores.values()) {
      store.backendRemoved(backend);
      if (store.isWaiting()) {
        store.open(); // the bundle may provide the id again; the reason may name others
      }
    }
  }

  // ---- named stores

  @Override
  public NamedStore register(String name, List<Column> declared, StoreOwner owner) {
    if (!name.matches("[a-z][a-z0-9-]{0,31}")) {
      throw new IllegalArgumentException("'" + name + "' is not a name of a store");
    }
    checkColumns(declared);
    StoreFolder folder = new StoreFolder(data.resolve("stores").resolve(name));
    StoreOpener opener =
        new StoreOpener(name, declared, owner, folder, settings, backends, process);
    Runnable[] unregister = {() -> {}};
    ManagedStore[] self = new ManagedStore[1];
    ManagedStore store =
        new ManagedStore(
            name,
            owner,
            folder,
            opener,
            settings.initial(name),
            process,
            new ManagedStore.Closing() {
              @Override
              public void keep(OpenStore content) {
                StoreRegistry.this.keep(name, content);
              }

              @Override
              public void closed() {
                if (stores.remove(name, self[0])) {
                  unregister[0].run();
                }
              }
            });
    self[0] = store;
    if (stores.putIfAbsent(name, store) != null) {
      throw new IllegalStateException("store '" + name + "' has an owner");
    }
    try {
      columns.put(name, List.copyOf(declared));
      unregister[0] = healthChecks.apply(store);
      store.prepare(
          () -> {
            if (name.equals(LegacyLayout.STORE)) {
              LegacyLayout.move(data, folder);
            }
          },
          () -> take(name));
      if (isReleasing()) {
        store.close(); // its owner is stopped with this bundle
      } else {
        store.open();
      }
      return store;
    } catch (RuntimeException | Error failure) {
      store.close();
      throw failure;
    }
  }

  /** Keeps content without files for the next owner of the name. */
  private void keep(String name, OpenStore content) {
    synchronized (this) {
      if (!closed && backends.contains(content.backend())) {
        kept.put(name, content);
        return;
      }
    }
    content.close();
  }

  private synchronized void closeKept(StorageBackend backend) {
    kept.values()
        .removeIf(
            content -> {
              boolean ends = content.backend() == backend;
              if (ends) {
                content.close();
              }
              return ends;
            });
  }

  private synchronized @Nullable OpenStore take(String name) {
    return releasing ? null : kept.remove(name);
  }

  private synchronized boolean isReleasing() {
    return releasing;
  }

  private static void checkColumns(List<Column> declared) {
    Set<String> names = new HashSet<>();
    for (Column column : declared) {
      if (column.name().startsWith(Column.RESERVED_PREFIX) || !names.add(column.name())) {
        throw new IllegalArgumentException(
            "column " + column + " is reserved, or declared more than once");
      }
    }
  }

  /**
   * Takes the content without files that a predecessor has released, before owners register their
   * stores. A store gets its content once the same instance of the backend is added.
   */
  synchronized void adopt(Map<String, OpenStore> content) {
    kept.putAll(content);
    content.keySet().forEach(process::opened);
  }

  /**
   * Closes all stores, but for content without files. A store that is registered in the meantime
   * takes none of it, and stays closed.
   *
   * @return this content, by the names of the stores; it belongs to the caller
   */
  Map<String, OpenStore> release() {
    synchronized (this) {
      releasing = true;
    }
    List.copyOf(stores.values()).forEach(ManagedStore::close);
    synchronized (this) {
      closed = true;
      Map<String, OpenStore> left = Map.copyOf(kept);
      kept.clear();
      return left;
    }
  }

  /** Closes all stores. */
  void close() {
    release().values().forEach(OpenStore::close);
  }

  // ---- control

  @Override
  public List<Store> stores() {
    List<Store> out = new ArrayList<>();
    for (ManagedStore store : stores.values()) {
      for (Backends.Installed installed : backends.list()) {
        out.add(
            new Store(
                store.storeName(),
                installed.id(),
                installed.bundle(),
                store.isBoundIn(installed),
                installed.backend().isDurable(),
                store.bytes(installed)));
      }
    }
    return out;
  }

  @Override
  public List<String> names() {
    return List.copyOf(stores.keySet());
  }

  private ManagedStore store(String name) {
    ManagedStore store = stores.get(name);
    if (store == null) {
      throw new IllegalArgumentException(
          "there is no store '" + name + "'; there are " + stores.keySet());
    }
    return store;
  }

  @Override
  public String chosen(String name) {
    return store(name).chosen();
  }

  @Override
  public @Nullable String chosenBundle(String name) {
    return store(name).chosenBundle();
  }

  @Override
  public List<String> endangered() {
    return stores.values().stream()
        .filter(ManagedStore::isEndangered)
        .map(ManagedStore::storeName)
        .toList();
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
  public void use(String name, String bundle) {
    ManagedStore store = store(name);
    Backends.Installed next = backends.require(store.awaited(), bundle);
    beginChange();
    try {
      store.use(next);
    } finally {
      migrating.set(false);
    }
  }

  /** Has other changes of the place of a store refused. */
  private void beginChange() {
    if (!migrating.compareAndSet(false, true)) {
      throw new IllegalStateException("a migration is under way: " + progress);
    }
  }

  @Override
  public Progress migrate(String name, String backendId, @Nullable String bundle) {
    ManagedStore store = store(name);
    String chosen = store.chosenBundle();
    boolean sameBackend = backendId.equals(store.chosen());
    if (sameBackend && (bundle == null || bundle.equals(chosen))) {
      throw new IllegalArgumentException(
          "store '" + name + "' is in " + Backends.describe(backendId, bundle) + " already");
    }
    Backends.Installed backend = backends.require(backendId, bundle);
    beginChange();
    cancelled = false;
    try (StoreLease held = store.lease()) { // the source stays open
      move(store, store.bound(), backend);
    } finally {
      migrating.set(false);
    }
    LOG.info(
        "migration of {} from {} to {}: done, writes waited {} ms",
        name,
        progress.from(),
        progress.to(),
        progress.fenceNanos() / 1_000_000);
    return progress;
  }

  private void move(ManagedStore store, OpenStore source, Backends.Installed installed) {
    StorageBackend backend = installed.backend();
    boolean sameBackend = store.chosen().equals(installed.id());
    String from = sameBackend ? source.describeBackend() : store.chosen();
    String to = sameBackend ? installed.toString() : installed.id();
    List<Column> declared = columns.getOrDefault(store.storeName(), List.of());
    Choice.Copy copy = Choice.Copy.create(installed.id(), installed.bundle(), declared);
    progress = new Progress(Stage.PREPARE, store.storeName(), from, to, 0, 0, 0, "preparing");
    OpenStore target = null;
    try {
      enter(Stage.PREPARE, "opening the target");
      store.folder().markIncomplete(copy);
      List<Column> all = new ArrayList<>(declared);
      all.add(Identity.COLUMN);
      target = new OpenStore(backend, backend.open(store.folder().of(copy), all, true), copy);
      long total = count(source.store(), declared);
      enter(Stage.COPY, "copying");
      update(progress.copied(), total);
      Migration migration =
          new Migration(
              source.store(),
              target.store(),
              declared,
              store.owner().writeLock(),
              this::checkCancelled,
              entries -> update(progress.copied() + entries, total),
              maxRecordBytes);
      startRecording(store, migration, this::cancel);
      migration.copy();
      enter(Stage.CATCH_UP, "comparing");
      migration.compare();
      Identity.write(target.store(), copy.identity());
      fence(store, source, target, migration);
    } catch (RuntimeException | Error failure) {
      giveUp(store, target, failure);
      if (failure instanceof StorageException || failure instanceof Error) {
        throw failure;
      }
      throw new StorageException(
          "the migration to '"
              + backend.id()
              + "' failed, store '"
              + store.storeName()
              + "' is in '"
              + from
              + "': "
              + failure.getMessage(),
          failure);
    }
    hook.reached(Stage.DONE);
    store.removeObsolete();
  }

  private static long count(KeyReader source, List<Column> columns) {
    return columns.stream().mapToLong(source::estimateCount).sum();
  }

  private static void startRecording(ManagedStore store, Migration migration, Runnable cancel) {
    store.owner().writeLock().lock();
    try {
      store.startRecording(migration, cancel);
    } finally {
      store.owner().writeLock().unlock();
    }
  }

  private void fence(ManagedStore store, OpenStore source, OpenStore target, Migration migration) {
    long[] start = {0};
    store.replace(
        source,
        target,
        () -> {
          start[0] = System.nanoTime();
          enter(Stage.FENCE, "writes wait");
          if (!backends.contains(target.backend())) {
            throw new StorageException("the backend of the target was removed");
          }
          migration.finish();
          target.store().flush();
          enter(Stage.REPLACE, "binding");
        });
    Progress p = progress;
    progress =
        new Progress(
            Stage.DONE,
            p.store(),
            p.from(),
            p.to(),
            p.copied(),
            p.total(),
            System.nanoTime() - start[0],
            "moved");
  }

  private void giveUp(ManagedStore store, @Nullable OpenStore target, Throwable failure) {
    store.owner().writeLock().lock();
    try {
      store.stopRecording();
    } finally {
      store.owner().writeLock().unlock();
    }
    Progress p = progress;
    progress =
        new Progress(
            cancelled ? Stage.CANCELLED : Stage.FAILED,
            p.store(),
            p.from(),
            p.to(),
            p.copied(),
            p.total(),
            0,
            String.valueOf(failure.getMessage()));
    LOG.warn(
        "migration of {} from {} to {} ended at {}: {}",
        p.store(),
        p.from(),
        p.to(),
        p.stage(),
        failure.toString());
    try {
      if (target != null) {
        target.close();
      }
      store.folder().dropIncomplete(store.folder().readChoice());
    } catch (RuntimeException kept) {
      LOG.warn("the rest of the migration stays until the next start: {}", kept.toString());
    }
  }

  private void update(long entries, long total) {
    Progress p = progress;
    progress = new Progress(p.stage(), p.store(), p.from(), p.to(), entries, total, 0, p.message());
  }

  private void enter(Stage stage, String message) {
    checkCancelled();
    Progress p = progress;
    progress = new Progress(stage, p.store(), p.from(), p.to(), p.copied(), p.total(), 0, message);
    LOG.info("migration of {} from {} to {}: {}", p.store(), p.from(), p.to(), stage);
    hook.reached(stage);
  }

  private void checkCancelled() {
    if (cancelled) {
      Progress p = progress;
      throw new StorageException("cancelled; store '" + p.store() + "' is in '" + p.from() + "'");
    }
  }
}
