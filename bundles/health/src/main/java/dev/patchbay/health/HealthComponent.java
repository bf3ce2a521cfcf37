// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.NodeHealth;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import org.apache.karaf.features.FeaturesService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the container, and reports the health of its parts. A part whose activation fails is asked
 * for its check only once: a look-up for each report would activate the part again each time.
 */
@Component(immediate = true)
public final class HealthComponent implements NodeHealth {
  /** The service that Karaf registers after it has started the boot features. */
  private static final String BOOT_FINISHED = "org.apache.karaf.features.BootFinished";

  private static final Logger LOG = LoggerFactory.getLogger(HealthComponent.class);
  private static final long WATCH_MILLIS = 5_000;

  private final BundleContext context;
  private final HealthChecks checks = new HealthChecks();
  private final History history = new History();
  private final BundleReader bundles;
  private final ComponentReader components;
  private final ConfigurationReader configurations;
  private final FeatureReader features;

  /** Sees how long components activate, also where reports are few. */
  private final Loop watch;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable FeaturesService featuresService;

  /** Creates the service. */
  @Activate
  public HealthComponent(
      BundleContext context,
      @Reference ServiceComponentRuntime runtime,
      @Reference ConfigurationAdmin admin) {
    this.context = context;
    bundles = new BundleReader(context);
    components = new ComponentReader(runtime);
    configurations = new ConfigurationReader(context, admin);
    features = new FeatureReader(context);
    watch =
        new Loop(
            "health-watch-0",
            new Failures("reading the components", LOG::warn, LOG::info),
            this::watch);
    watch.start();
  }

  @Deactivate
  void close() {
    watch.close();
    checks.close();
  }

  private long watch() {
    components.read(history);
    return WATCH_MILLIS;
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addCheck(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.add(reference, check);
  }

  void removeCheck(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.remove(reference, check);
  }

  @Override
  public HealthReport report() {
    FeaturesService service = featuresService;
    boolean isBootFinished = service == null || context.getServiceReference(BOOT_FINISHED) != null;
    var read = components.read(history);
    return Diagnosis.of(
        new Snapshot(
            checks.ask(),
            read,
            bundles.read(isBootFinished, history),
            service == null || !isBootFinished ? null : features.read(service),
            isBootFinished ? configurations.read(read) : null,
            configurations.unknownKeys(),
            history));
  }
}
