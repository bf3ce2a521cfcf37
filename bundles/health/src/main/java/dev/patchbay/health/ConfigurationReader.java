// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.binding.ConfigurationKeys;
import dev.patchbay.health.Snapshot.ComponentState;
import dev.patchbay.health.Snapshot.ConfigurationState;
import dev.patchbay.health.Snapshot.UnknownKeys;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ManagedServiceFactory;

/** Reads the configurations of Config Admin. Threading: any thread. */
final class ConfigurationReader {
  /** The key with which Felix File Install notes the file of a configuration. */
  static final String FILE = "felix.fileinstall.filename";

  private final BundleContext context;
  private final ConfigurationAdmin admin;
  private final MetatypeReader metatypes;

  ConfigurationReader(BundleContext context, ConfigurationAdmin admin) {
    this.context = context;
    this.admin = admin;
    metatypes = new MetatypeReader(context);
  }

  /** Returns the configurations that have keys which their component does not know. */
  List<UnknownKeys> unknownKeys() {
    Map<String, Set<String>> known = metatypes.keys();
    List<UnknownKeys> out = new ArrayList<>();
    for (Configuration configuration : configurations()) {
      try {
        String factory = configuration.getFactoryPid();
        String pid = configuration.getPid();
        Set<String> accepted = known.get(factory == null ? pid : factory);
        Dictionary<String, Object> properties = configuration.getProperties();
        if (accepted != null && properties != null) {
          Set<String> unknown =
              ConfigurationKeys.unknown(Set.copyOf(Collections.list(properties.keys())), accepted);
          if (!unknown.isEmpty()) {
            out.add(new UnknownKeys(pid, source(pid, properties), unknown, accepted));
          }
        }
      } catch (IllegalStateException deleted) { // since it was listed
        continue;
      }
    }
    return out;
  }

  /** Returns the factory configurations. */
  List<ConfigurationState> read(List<ComponentState> components) {
    Set<String> accepted = managedServiceFactories();
    components.forEach(component -> accepted.addAll(component.pids()));
    List<ConfigurationState> out = new ArrayList<>();
    for (Configuration configuration : configurations()) {
      try {
        String factoryPid = configuration.getFactoryPid();
        if (factoryPid != null) {
          out.add(
              new ConfigurationState(
                  factoryPid,
                  source(configuration.getPid(), configuration.getProperties()),
                  accepted.contains(factoryPid)));
        }
      } catch (IllegalStateException deleted) { // since it was listed
        continue;
      }
    }
    return out;
  }

  private Configuration[] configurations() {
    try {
      Configuration[] all = admin.listConfigurations(null);
      return all == null ? new Configuration[0] : all;
    } catch (IOException | InvalidSyntaxException unreadable) {
      return new Configuration[0];
    }
  }

  private static String source(String pid, @Nullable Dictionary<String, Object> properties) {
    String file = properties == null ? "" : file(properties.get(FILE));
    return file.isEmpty() ? pid : file;
  }

  /** Returns the path of a {@code file:} URL; empty when there is none. */
  static String file(@Nullable Object url) {
    if (url == null) {
      return "";
    }
    try {
      return Path.of(URI.create(url.toString())).toString();
    } catch (IllegalArgumentException other) {
      return url.toString();
    }
  }

  private Set<String> managedServiceFactories() {
    Set<String> out = new HashSet<>();
    try {
      for (ServiceReference<ManagedServiceFactory> reference :
          context.getServiceReferences(ManagedServiceFactory.class, null)) {
        Object pid = reference.getProperty("service.pid");
        if (pid instanceof String one) {
          out.add(one);
        } else if (pid instanceof String[] several) {
          out.addAll(List.of(several));
        } else if (pid instanceof Collection<?> several) {
          several.forEach(each -> out.add(String.valueOf(each)));
        }
      }
    } catch (InvalidSyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
    return out;
  }
}
