// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.Failures;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens stores in RocksDB. The native library and the memory that all stores share are acquired
 * when the first store is opened, so a backend that is not chosen costs nothing.
 *
 * <p>Threading: any thread; stores are opened one after the other.
 */
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.storage.StorageBackend\"")
@Component(
    name = RocksDbBackend.PID,
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = RocksDbBackend.Config.class)
public final class RocksDbBackend implements StorageBackend {
  static final String PID = "dev.patchbay.storage.rocksdb";

  /** What a power cut may take where the key does not say otherwise, in milliseconds. */
  static final long SYNC_MILLIS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(RocksDbBackend.class);
  private static final long MAX_SYNC_MILLIS = 60_000;

  /** How stores are synced. */
  @ObjectClassDefinition(name = "Patchbay storage in RocksDB")
  public @interface Config {
    /** Returns how long a batch may wait for its sync, in milliseconds; 0 syncs each batch. */
    @AttributeDefinition(
        description =
            "Milliseconds within which a batch is on the disk; 0 syncs each batch before its write"
                + " returns")
    long sync_interval_ms() default SYNC_MILLIS;
  }

  private final long syncNanos;
  private @Nullable ServiceRegistration<?> registration;

  /** The open stores by identity; guarded by this backend. */
  private final Set<RocksDbStore> stores = new HashSet<>();

  /** The outcomes of syncs by folder, of all stores that were open in it; guarded by this. */
  private final Map<Path, Failures> syncs = new HashMap<>();

  /** Guarded by this backend. */
  private @Nullable SharedMemory memory;

  /** Guarded by this backend. */
  private boolean deactivated;

  /** Creates a backend without a store. */
  @Activate
  public RocksDbBackend(Config config, Map<String, Object> properties) {
    this(
        ConfigurationValues.of(PID, properties)
            .reportUnknown(Config.class, LOG::warn)
            .number("sync.interval.ms", config::sync_interval_ms, 0, MAX_SYNC_MILLIS));
  }

  /**
   * Creates a backend without a container.
   *
   * @param syncMillis how long a batch may wait for its sync, in milliseconds
   * @throws IllegalArgumentException when the interval is out of its range
   */
  public RocksDbBackend(long syncMillis) {
    long checked =
        ConfigurationValues.of(PID, Map.of())
            .number("sync.interval.ms", () -> syncMillis, 0, MAX_SYNC_MILLIS);
    syncNanos = TimeUnit.MILLISECONDS.toNanos(checked);
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(StorageBackend.ID, id());
    registration = context.registerService(StorageBackend.class, this, properties);
  }

  /** Closes the stores that are open; later calls fail. */
  @Deactivate
  public void deactivate() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    List<RocksDbStore> open;
    synchronized (this) {
      deactivated = true;
      open = new ArrayList<>(stores);
    }
    open.forEach(RocksDbStore::close);
    synchronized (this) {
      if (memory != null) {
        memory.close();
        memory = null;
      }
    }
  }

  @Override
  public String id() {
    return "rocksdb";
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public synchronized KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    if (deactivated) {
      throw new StorageException("the storage backend rocksdb is stopped");
    }
    SharedMemory shared = memory;
    if (shared == null) {
      shared = SharedMemory.allocate();
      memory = shared;
    }
    RocksDbStore store =
        new RocksDbStore(folder, columns, create, shared, syncNanos, syncs(folder), this::closed);
    stores.add(store);
    return store;
  }

  /** Returns the outcomes of syncs of a folder; a store in it may be closed and opened again. */
  synchronized Failures syncs(Path folder) {
    return syncs.computeIfAbsent(
        folder, any -> new Failures("syncing " + folder, RocksDbBackend::log, LOG::info));
  }

  /** The message of a store says all; any other failure is one of this program. */
  private static void log(String message, Throwable failure) {
    LOG.error(message, failure instanceof StorageException ? null : failure);
  }

  private synchronized void closed(RocksDbStore store) {
    stores.remove(store);
  }
}
