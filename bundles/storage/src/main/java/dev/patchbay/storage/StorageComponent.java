// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.Stores;
import dev.patchbay.binding.ConfigurationValues;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wires the named stores. Its references are optional and dynamic: a backend may come and go while
 * owners keep their stores. Content without files is handed over to the successor, see {@link
 * ContentHandover}. The capability names the services that it registers.
 */
@Capability(
    namespace = "osgi.service",
    attribute =
        "objectClass:List<String>=\""
            + "dev.patchbay.api.storage.Stores,"
            + "dev.patchbay.api.storage.StorageControl\"")
@Component(
    name = "dev.patchbay.storage",
    service = {},
    immediate = true)
@Designate(ocd = StorageComponent.Config.class)
public final class StorageComponent {
  private static final Logger LOG = LoggerFactory.getLogger(StorageComponent.class);

  /** Configuration of the stores. */
  @ObjectClassDefinition(name = "Patchbay storage")
  public @interface Config {
    /** Backend of stores that are opened for the first time. */
    @AttributeDefinition(
        description =
            "Backend of stores that are opened for the first time: memory, mapdb, rocksdb")
    String default_backend() default "rocksdb";

    /** Backends that stores must be in. */
    @AttributeDefinition(
        description = "NAME=BACKEND, separated by commas: a store that is elsewhere is refused")
    String required() default "";

    /** Stores whose lost content is given up. */
    @AttributeDefinition(
        description =
            "Names of stores, separated by commas, whose lost content is given up; * for all")
    String discard() default "";
  }

  private final StoreRegistry registry;
  private final ContentHandover handover;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /** Creates the stores, which take over the content that a predecessor has handed over. */
  @Activate
  public StorageComponent(BundleContext context, Config config, Map<String, Object> properties) {
    ConfigurationValues values =
        ConfigurationValues.of("dev.patchbay.storage", properties)
            .reportUnknown(Config.class, LOG::warn);
    String data = context.getProperty("patchbay.data");
    if (data == null) {
      throw new IllegalArgumentException(
          "the framework property patchbay.data, the node's data directory, is not set; start the node with ./patchbay");
    }
    registry =
        new StoreRegistry(
            Path.of(data),
            settings(config, values),
            FailurePoints.of(context),
            new ProcessMemory(System.getProperties()),
            Migration.MAX_RECORD_BYTES,
            check -> {
              ServiceRegistration<?> registration =
                  context.registerService(HealthCheck.class, check, new Hashtable<>());
              return registration::unregister;
            });
    handover = new ContentHandover(context);
    registry.adopt(handover.take());
  }

  /**
   * Registers the services, after {@link #addBackend}: an owner that closes its store at once must
   * find the backend of the content that was handed over, or the content ends.
   */
  @Activate
  void register(BundleContext context) {
    try {
      registrations.add(context.registerService(Stores.class, new OfBundles(), new Hashtable<>()));
      registrations.add(context.registerService(StorageControl.class, registry, new Hashtable<>()));
    } catch (RuntimeException | Error failure) {
      deactivate();
      throw failure;
    }
  }

  /** Gives each bundle a service of its own, and closes its stores when it stops. */
  private final class OfBundles implements ServiceFactory<Stores> {
    @Override
    public Stores getService(Bundle bundle, ServiceRegistration<Stores> registration) {
      return new BundleStores(registry);
    }

    @Override
    public void ungetService(
        Bundle bundle, ServiceRegistration<Stores> registration, Stores service) {
      ((BundleStores) service).close();
    }
  }

  /** Reads the settings. */
  static Settings settings(Config config, ConfigurationValues values) {
    Map<String, String> required = new HashMap<>();
    for (String item : items(config.required())) {
      String[] parts = item.split("=", -1);
      if (parts.length != 2 || parts[0].isBlank() || parts[1].isBlank()) {
        throw values.invalid(
            "required",
            "NAME=BACKEND, or several of them separated by commas",
            ConfigurationValues.quoted(item));
      }
      required.put(parts[0].strip(), parts[1].strip());
    }
    String backend =
        values.text(
            "default.backend",
            config.default_backend(),
            "memory, mapdb, rocksdb or another backend");
    return new Settings(backend, Map.copyOf(required), Set.copyOf(items(config.discard())));
  }

  private static List<String> items(String list) {
    return List.of(list.split(",", -1)).stream()
        .map(String::strip)
        .filter(s -> !s.isEmpty())
        .toList();
  }

  @Deactivate
  void deactivate() {
    registrations.forEach(ServiceRegistration::unregister);
    handover.put(registry.release()); // the references are bound: the backends are in use
  }

  @Reference(
      service = StorageBackend.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addBackend(StorageBackend backend, ServiceReference<StorageBackend> reference) {
    Bundle bundle = reference.getBundle(); // null when the service was unregistered meanwhile
    String symbolicName = bundle == null ? null : bundle.getSymbolicName();
    registry.addBackend(backend, symbolicName == null ? "" : symbolicName);
    handover.bound(reference);
  }

  void removeBackend(StorageBackend backend) {
    registry.removeBackend(backend);
  }
}
