// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.karaf.features.BundleInfo;
import org.apache.karaf.features.Feature;
import org.apache.karaf.features.FeatureState;
import org.apache.karaf.features.FeaturesService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the installed features of Karaf. Threading: any thread. */
final class FeatureReader {
  private static final Logger LOG = LoggerFactory.getLogger(FeatureReader.class);

  private final BundleContext context;

  FeatureReader(BundleContext context) {
    this.context = context;
  }

  /** Returns the installed features; null when they cannot be read. */
  @Nullable List<Snapshot.FeatureState> read(FeaturesService service) {
    Map<String, Bundle> bundles = new HashMap<>();
    for (Bundle bundle : context.getBundles()) {
      bundles.put(bundle.getLocation(), bundle);
    }
    try {
      List<Snapshot.FeatureState> out = new ArrayList<>();
      for (Feature feature : service.listInstalledFeatures()) {
        out.add(feature(feature, service, bundles));
      }
      return out;
    } catch (Exception unreadable) { // declared by the interface
      LOG.debug("the features cannot be read: {}", unreadable.toString());
      return null;
    }
  }

  private static @Nullable Bundle find(BundleInfo info, Map<String, Bundle> bundles) {
    Bundle bundle = bundles.get(info.getLocation());
    if (bundle == null) {
      bundle = bundles.get(info.getOriginalLocation());
    }
    if (bundle != null) {
      return bundle;
    }
    String path = path(info.getLocation());
    return bundles.entrySet().stream()
        .filter(entry -> !path.isEmpty() && entry.getKey().endsWith(path))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(null);
  }

  /**
   * Returns the path in a Maven repository of a {@code mvn:} URL; empty for another URL. Karaf
   * installs the bundles that it starts with from files.
   */
  static String path(String location) {
    String[] parts = location.split("[:/]");
    if (parts.length != 4 || !parts[0].equals("mvn")) {
      return "";
    }
    String group = parts[1].replace('.', '/');
    return String.format("%s/%s/%s/%s-%s.jar", group, parts[2], parts[3], parts[2], parts[3]);
  }

  private static Snapshot.FeatureState feature(
      Feature feature, FeaturesService service, Map<String, Bundle> bundles) {
    Set<Long> starting = new HashSet<>();
    List<String> uninstalled = new ArrayList<>();
    for (BundleInfo info : feature.getBundles()) {
      Bundle bundle = find(info, bundles);
      if (bundle != null && info.isStart()) {
        starting.add(bundle.getBundleId());
      } else if (bundle == null && !info.isDependency() && !info.isBlacklisted()) {
        uninstalled.add(info.getLocation());
      }
    }
    boolean started = service.getState(feature.getId()) == FeatureState.Started;
    return new Snapshot.FeatureState(feature.getName(), started, starting, uninstalled);
  }
}
