// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.health.Snapshot.ComponentState;
import dev.patchbay.health.Snapshot.ComponentState.Missing;
import dev.patchbay.health.Snapshot.ComponentState.State;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.ReferenceDTO;
import org.osgi.service.component.runtime.dto.SatisfiedReferenceDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Reads the components of Declarative Services. Threading: any thread. */
final class ComponentReader {
  private static final String OURS = "dev.patchbay.";

  private final ServiceComponentRuntime runtime;

  ComponentReader(ServiceComponentRuntime runtime) {
    this.runtime = runtime;
  }

  /**
   * Returns all components that are enabled.
   *
   * @param history takes note of their services and PIDs, and of those that are activating
   */
  List<ComponentState> read(History history) {
    List<ComponentState> out = new ArrayList<>();
    for (ComponentDescriptionDTO description : runtime.getComponentDescriptionDTOs()) {
      String bundle = description.bundle.symbolicName;
      for (String service : description.serviceInterfaces) {
        history.used(service, bundle);
      }
      for (String pid : description.configurationPid) {
        history.used(pid, bundle);
      }
      boolean configured = false;
      for (var configuration : runtime.getComponentConfigurationDTOs(description)) {
        configured = true;
        out.add(component(description, configuration));
      }
      if (!configured
          && "require".equals(description.configurationPolicy)
          && runtime.isComponentEnabled(description)) {
        out.add(unconfigured(description));
      }
    }
    history.activating(
        out.stream()
            .filter(component -> component.state() == State.NOT_ACTIVE)
            .map(ComponentState::id)
            .collect(Collectors.toSet()));
    return out;
  }

  private static ComponentState component(
      ComponentDescriptionDTO description, ComponentConfigurationDTO configuration) {
    State state = state(description, configuration);
    String name =
        String.valueOf(configuration.properties.getOrDefault("service.pid", description.name));
    List<Missing> missing = new ArrayList<>();
    for (UnsatisfiedReferenceDTO reference : configuration.unsatisfiedReferences) {
      missing.add(
          new Missing(
              service(description, reference.name),
              reference.target == null ? "" : reference.target));
    }
    return new ComponentState(
        String.valueOf(configuration.id),
        shortened(name),
        description.bundle.id,
        state,
        state == State.FAILED ? Text.reason(String.valueOf(configuration.failure)) : "",
        Set.of(description.serviceInterfaces),
        configuration.properties,
        missing,
        state == State.NOT_ACTIVE ? providers(configuration) : Set.of(),
        List.of(description.configurationPid),
        ConfigurationReader.file(configuration.properties.get(ConfigurationReader.FILE)));
  }

  private static ComponentState unconfigured(ComponentDescriptionDTO description) {
    return new ComponentState(
        description.bundle.id + " " + description.name,
        shortened(description.name),
        description.bundle.id,
        State.UNCONFIGURED,
        "",
        Set.of(description.serviceInterfaces),
        description.properties,
        List.of(),
        Set.of(),
        List.of(description.configurationPid),
        "");
  }

  private static String shortened(String name) {
    return name.startsWith(OURS) ? name.substring(OURS.length()) : name;
  }

  private static State state(
      ComponentDescriptionDTO description, ComponentConfigurationDTO configuration) {
    return switch (configuration.state) {
      case ComponentConfigurationDTO.FAILED_ACTIVATION -> State.FAILED;
      case ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION -> State.UNCONFIGURED;
      case ComponentConfigurationDTO.UNSATISFIED_REFERENCE -> State.UNSATISFIED;
      case ComponentConfigurationDTO.SATISFIED ->
          description.immediate ? State.NOT_ACTIVE : State.WORKS;
      default -> State.WORKS;
    };
  }

  private static String service(ComponentDescriptionDTO description, String reference) {
    return Arrays.stream(description.references)
        .filter(candidate -> candidate.name.equals(reference))
        .map((ReferenceDTO candidate) -> candidate.interfaceName)
        .findFirst()
        .orElse(reference);
  }

  /** Returns the ids of the components whose services are bound to a component. */
  private static Set<String> providers(ComponentConfigurationDTO configuration) {
    Set<String> out = new TreeSet<>();
    for (SatisfiedReferenceDTO reference : configuration.satisfiedReferences) {
      for (var service : reference.boundServices) {
        Map<String, Object> properties = service.properties;
        out.add(String.valueOf(properties.get("component.id")));
      }
    }
    return out;
  }
}
