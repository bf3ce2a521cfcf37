// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.Health;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Explains why components and bundles do not work. Threading: any thread. */
final class Components {
  private static final String OURS = "dev.patchbay.";
  private static final String WRAPPER = "java.lang.reflect.InvocationTargetException";
  private static final String CAUSE = "Caused by: ";

  private final BundleContext context;
  private final @Nullable ServiceComponentRuntime runtime;

  Components(BundleContext context) {
    this.context = context;
    this.runtime = new Services(context).find(ServiceComponentRuntime.class);
  }

  /**
   * Returns the components whose activation failed and the bundles that could not be resolved or
   * started, of this node and of third parties. A component is named by its PID without {@code
   * dev.patchbay.}.
   */
  List<Readiness.Part> failures() {
    List<Readiness.Part> out = new ArrayList<>();
    for (ComponentDescriptionDTO description : descriptions()) {
      for (ComponentConfigurationDTO configuration : configurations(description)) {
        if (configuration.state == ComponentConfigurationDTO.FAILED_ACTIVATION) {
          out.add(
              new Readiness.Part(
                  partName(description, configuration),
                  Health.failed(reason(String.valueOf(configuration.failure)))));
        }
      }
    }
    for (Bundle bundle : context.getBundles()) {
      if (isBroken(bundle)) {
        out.add(
            new Readiness.Part(
                String.valueOf(bundle.getSymbolicName()),
                Health.failed(
                    "the bundle is not active; bundle:diag "
                        + bundle.getBundleId()
                        + " in the shell shows the reason")));
      }
    }
    return out;
  }

  private static boolean isBroken(Bundle bundle) {
    boolean fragment = bundle.getHeaders().get(Constants.FRAGMENT_HOST) != null;
    return !fragment
        && (bundle.getState() == Bundle.INSTALLED
            || (bundle.getState() == Bundle.RESOLVED
                && bundle.adapt(BundleStartLevel.class).isPersistentlyStarted()));
  }

  /**
   * Returns the health of a part that has registered no check: {@link Health.Status#FAILED} when
   * its activation failed, {@link Health.Status#UNAVAILABLE} with the unsatisfied references
   * otherwise.
   *
   * @param part the PID of a component, or the symbolic name of a bundle, without {@code
   *     dev.patchbay.}
   */
  Health missing(String part) {
    List<String> reasons = new ArrayList<>();
    for (ComponentDescriptionDTO description : descriptions()) {
      for (ComponentConfigurationDTO configuration : configurations(description)) {
        if (part.equals(partName(description, configuration))
            || (OURS + part).equals(description.bundle.symbolicName)) {
          if (configuration.state == ComponentConfigurationDTO.FAILED_ACTIVATION) {
            return Health.failed(reason(String.valueOf(configuration.failure)));
          }
          for (UnsatisfiedReferenceDTO missing : configuration.unsatisfiedReferences) {
            reasons.add(description.name + " lacks its reference " + missing.name);
          }
        }
      }
    }
    return Health.unavailable(
        reasons.isEmpty()
            ? "the part has not started; its bundle or its configuration "
                + OURS
                + part
                + " is missing"
            : String.join("; ", reasons));
  }

  private static String partName(
      ComponentDescriptionDTO description, ComponentConfigurationDTO configuration) {
    String name =
        String.valueOf(configuration.properties.getOrDefault("service.pid", description.name));
    return name.startsWith(OURS) ? name.substring(OURS.length()) : name;
  }

  private Iterable<ComponentDescriptionDTO> descriptions() {
    return runtime == null ? List.of() : runtime.getComponentDescriptionDTOs();
  }

  private Iterable<ComponentConfigurationDTO> configurations(ComponentDescriptionDTO description) {
    return runtime == null ? List.of() : runtime.getComponentConfigurationDTOs(description);
  }

  /**
   * Returns the message of an exception from its printed stack trace. A reflective call wraps the
   * exception of a component in an {@link java.lang.reflect.InvocationTargetException}.
   */
  static String reason(String stackTrace) {
    List<String> lines = stackTrace.lines().filter(line -> !line.startsWith("\tat ")).toList();
    String first = lines.isEmpty() ? "" : lines.get(0);
    if (first.startsWith(WRAPPER)) {
      first = lines.stream().filter(line -> line.startsWith(CAUSE)).findFirst().orElse(first);
    }
    return first.replaceFirst("^(" + CAUSE + ")?[\\w.$]+: ", "").replaceFirst("^" + CAUSE, "");
  }
}
