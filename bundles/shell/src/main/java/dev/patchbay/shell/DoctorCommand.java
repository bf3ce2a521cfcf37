// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Says of each component that is not active what it misses. */
@Service
@Command(
    scope = "patchbay",
    name = "doctor",
    description = "Says of each component that is not active what it misses")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class DoctorCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    int findings = 0;
    for (Bundle bundle : context.getBundles()) {
      boolean ours = String.valueOf(bundle.getSymbolicName()).startsWith("dev.patchbay.");
      if (ours && bundle.getState() != Bundle.ACTIVE) {
        System.out.println(
            "bundle "
                + bundle.getSymbolicName()
                + " is not active: start it with feature:start or bundle:start "
                + bundle.getBundleId());
        findings++;
      }
    }
    ServiceComponentRuntime runtime = new Services(context).require(ServiceComponentRuntime.class);
    for (ComponentDescriptionDTO description : runtime.getComponentDescriptionDTOs()) {
      if (description.name.startsWith("dev.patchbay.")) {
        findings += examine(runtime, description);
      }
    }
    System.out.println(findings == 0 ? "all components are well" : findings + " findings");
    return null;
  }

  private static int examine(ServiceComponentRuntime runtime, ComponentDescriptionDTO description) {
    int findings = 0;
    boolean configured = !"require".equals(description.configurationPolicy);
    for (ComponentConfigurationDTO c : runtime.getComponentConfigurationDTOs(description)) {
      configured = true;
      if (c.state == ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION) {
        System.out.println(
            description.name
                + ": no configuration "
                + String.join(", ", description.configurationPid));
        findings++;
      }
      for (UnsatisfiedReferenceDTO missing : c.unsatisfiedReferences) {
        String service =
            java.util.Arrays.stream(description.references)
                .filter(reference -> reference.name.equals(missing.name))
                .map(reference -> reference.interfaceName)
                .findFirst()
                .orElse("?");
        System.out.println(
            description.name
                + ": reference "
                + missing.name
                + " to "
                + service
                + (missing.target == null ? "" : " with " + missing.target)
                + " is missing");
        findings++;
      }
      if (c.failure != null) {
        System.out.println(description.name + ": failed: " + Components.reason(c.failure));
        findings++;
      }
    }
    if (!configured) {
      System.out.println(
          description.name
              + ": no configuration "
              + String.join(", ", description.configurationPid));
      findings++;
    }
    return findings;
  }
}
