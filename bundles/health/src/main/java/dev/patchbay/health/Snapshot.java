// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.Health;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state of a container at one moment, without types of OSGi.
 *
 * @param checks the registered health checks, the preferred one first where several have one name
 * @param components the components of Declarative Services, one for each configuration
 * @param bundles all bundles
 * @param features the installed features; null while the container still starts
 * @param configurations the factory configurations; null while the container still starts
 * @param unknownKeys the configurations with keys that their component does not know
 * @param history the bundles that provided services or accepted configurations before
 */
record Snapshot(
    List<CheckState> checks,
    List<ComponentState> components,
    List<BundleState> bundles,
    @Nullable List<FeatureState> features,
    @Nullable List<ConfigurationState> configurations,
    List<UnknownKeys> unknownKeys,
    History history) {

  /** A health check and its result. */
  record CheckState(String name, Health health, Set<String> dependencies) {}

  /**
   * A component.
   *
   * @param id identifies the component in this snapshot
   * @param name its PID without {@code dev.patchbay.}, or its name
   * @param bundle the id of its bundle
   * @param failure why its activation failed, when it did
   * @param services the class names of the services that it declares
   * @param properties the properties of its services
   * @param missing the references that are not satisfied
   * @param providers the ids of the components whose services it uses, when it is {@link
   *     State#NOT_ACTIVE}
   * @param pids the PIDs of the configurations that it accepts
   * @param file the file of its configuration; empty when there is none
   */
  record ComponentState(
      String id,
      String name,
      long bundle,
      State state,
      String failure,
      Set<String> services,
      Map<String, Object> properties,
      List<Missing> missing,
      Set<String> providers,
      List<String> pids,
      String file) {

    /** What a component does. */
    enum State {
      /** It is active, or will be when its service is used. */
      WORKS,
      /** Its references are satisfied, and yet it is not active. */
      NOT_ACTIVE,
      /** Its activation failed. */
      FAILED,
      /** It lacks references. */
      UNSATISFIED,
      /** It lacks its configuration. */
      UNCONFIGURED
    }

    /** A reference to a service that is not registered; the target is a filter or empty. */
    record Missing(String service, String target) {}
  }

  /**
   * A bundle.
   *
   * @param services the class names of the services that it declares
   * @param missing what it requires, and no installed bundle has
   * @param providers the ids of unresolved bundles that have what it requires
   */
  record BundleState(
      long id,
      String name,
      State state,
      Set<String> services,
      List<String> missing,
      Set<Long> providers) {

    /** What a bundle does. */
    enum State {
      /** It is active, or is not to be started yet, or cannot be active. */
      WORKS,
      /** It is starting or stopping. */
      CHANGING,
      /** It was not started, or was stopped by an operator. */
      STOPPED,
      /** It should be active, and its start failed. */
      NOT_STARTED,
      /** It should be active, or lacks a requirement, and cannot be resolved. */
      UNRESOLVED
    }
  }

  /**
   * An installed feature.
   *
   * @param started whether the feature is started, and its bundles with it
   * @param bundles the ids of those of its bundles that start with it
   * @param uninstalled the locations of its bundles that are not installed
   */
  record FeatureState(String name, boolean started, Set<Long> bundles, List<String> uninstalled) {}

  /**
   * A factory configuration.
   *
   * @param file where it comes from; its PID when it has no file
   * @param accepted whether a component or a managed service factory accepts it
   */
  record ConfigurationState(String factoryPid, String file, boolean accepted) {}

  /**
   * A configuration with keys that its component does not know.
   *
   * @param file where it comes from; its PID when it has no file
   * @param known the keys that the component knows
   */
  record UnknownKeys(String pid, String file, Set<String> unknown, Set<String> known) {}
}
