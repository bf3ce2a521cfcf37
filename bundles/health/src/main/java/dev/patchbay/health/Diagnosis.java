// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import dev.patchbay.health.Snapshot.BundleState;
import dev.patchbay.health.Snapshot.CheckState;
import dev.patchbay.health.Snapshot.ComponentState;
import dev.patchbay.health.Snapshot.ConfigurationState;
import dev.patchbay.health.Snapshot.FeatureState;
import dev.patchbay.health.Snapshot.UnknownKeys;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;

/** Finds out from a snapshot of the container which parts do not work, and why. */
final class Diagnosis {
  private static final int MAX_NAME_CHARS = 120;
  private static final int MAX_MESSAGE_CHARS = 1_000;

  /** More items than these of one list are counted, not named. */
  private static final int MAX_ITEMS = 5;

  /** A component that activates for longer is a finding. */
  private static final int MAX_ACTIVATING_SECONDS = 10;

  private final Snapshot now;
  private final Map<String, Problem> problems = new TreeMap<>();

  /** The keys of the problems that keep a service from being provided, by its class name. */
  private final Map<String, Set<String>> providers = new HashMap<>();

  /** The key of the problem of an uninstalled bundle, by its symbolic name. */
  private final Map<String, String> uninstalled = new HashMap<>();

  private final Map<Long, Set<String>> featuresByBundle = new HashMap<>();

  /** The ids of the bundles that some started feature has. */
  private final Set<Long> toBeActive = new HashSet<>();

  private final List<PartHealth> healthy = new ArrayList<>();

  private Diagnosis(Snapshot now) {
    this.now = now;
  }

  /** Returns the report on a container. */
  static HealthReport of(Snapshot now) {
    Diagnosis diagnosis = new Diagnosis(now);
    diagnosis.features();
    diagnosis.bundles();
    diagnosis.components();
    diagnosis.configurations();
    diagnosis.unknownKeys();
    diagnosis.checks();
    return diagnosis.report();
  }

  // ---- features

  private void features() {
    if (now.features() == null) {
      return;
    }
    Map<String, Set<String>> missing = new TreeMap<>();
    for (FeatureState feature : now.features()) {
      for (Long id : feature.bundles()) {
        featuresByBundle.computeIfAbsent(id, any -> new TreeSet<>()).add(feature.name());
        if (feature.started()) {
          toBeActive.add(id);
        }
      }
      for (String location : feature.uninstalled()) {
        missing.computeIfAbsent(location, any -> new TreeSet<>()).add(feature.name());
      }
    }
    Map<String, Set<String>> bundles = new TreeMap<>();
    missing.forEach(
        (location, features) ->
            bundles
                .computeIfAbsent(String.join(", ", features), any -> new TreeSet<>())
                .add(now.history().name(location).orElse(location)));
    bundles.forEach(this::uninstalledBundles);
  }

  private void uninstalledBundles(String features, Set<String> bundles) {
    String feature = features.split(",")[0];
    String key = "feature:" + features;
    problems.put(
        key,
        new Problem(
            Kind.FEATURE,
            features,
            Health.failed("a bundle of the feature is not installed: " + items(bundles)),
            "feature:install " + feature,
            false));
    bundles.forEach(bundle -> uninstalled.put(bundle, key));
  }

  // ---- bundles

  private void bundles() {
    for (BundleState bundle : now.bundles()) {
      if (bundle.state() != BundleState.State.WORKS) {
        Problem problem = problem(bundle);
        String key = "bundle:" + bundle.id();
        bundle.providers().forEach(id -> problem.waitsFor.add("bundle:" + id));
        problems.put(key, problem);
        bundle.services().forEach(service -> provide(service, key));
      }
    }
  }

  private Problem problem(BundleState bundle) {
    Set<String> features = featuresByBundle.getOrDefault(bundle.id(), Set.of());
    String of = features.isEmpty() ? "" : " (feature " + String.join(", ", features) + ")";
    boolean isResolvable = bundle.missing().isEmpty() && bundle.providers().isEmpty();
    if (isResolvable && !features.isEmpty() && !toBeActive.contains(bundle.id())) {
      // a feature that is stopped leaves the mark that its bundles are to be started
      return stopped(bundle, of, features);
    }
    return switch (bundle.state()) {
      case UNRESOLVED ->
          bundle.missing().isEmpty()
              ? inactive(
                  bundle,
                  of + ": it cannot be resolved",
                  "bundle:diag " + bundle.id() + " shows the reason")
              : inactive(
                  bundle,
                  of + ": no installed bundle provides " + items(bundle.missing()),
                  "install a bundle that provides it, or bundle:uninstall " + bundle.id());
      case NOT_STARTED ->
          inactive(
              bundle,
              of + ": its start failed",
              "bundle:start " + bundle.id() + " tries again and shows the reason");
      case CHANGING ->
          new Problem(
              Kind.BUNDLE,
              bundle.name(),
              Health.starting("the bundle is starting or stopping" + of),
              "",
              false);
      default -> stopped(bundle, of, features);
    };
  }

  private static Problem inactive(BundleState bundle, String reason, String nextStep) {
    return new Problem(
        Kind.BUNDLE,
        bundle.name(),
        Health.failed("the bundle is not active" + reason),
        nextStep,
        false);
  }

  private Problem stopped(BundleState bundle, String of, Set<String> features) {
    boolean isToBeActive = toBeActive.contains(bundle.id());
    return new Problem(
        Kind.BUNDLE,
        bundle.name(),
        Health.unavailable("the bundle is stopped" + of),
        features.isEmpty() || isToBeActive
            ? "bundle:start " + bundle.id()
            : "feature:start " + features.iterator().next(),
        !isToBeActive);
  }

  private void provide(String service, String key) {
    providers.computeIfAbsent(service, any -> new TreeSet<>()).add(key);
  }

  // ---- components

  private void components() {
    Map<Long, BundleState> bundles = new HashMap<>();
    now.bundles().forEach(bundle -> bundles.put(bundle.id(), bundle));
    Map<Long, Set<String>> declared = new HashMap<>();
    for (ComponentState component : now.components()) {
      declared
          .computeIfAbsent(component.bundle(), any -> new HashSet<>())
          .addAll(component.services());
    }
    for (ComponentState component : now.components()) {
      if (component.state() != ComponentState.State.WORKS) {
        String key = "component:" + component.id();
        problems.put(key, problem(component));
        component.services().forEach(service -> provide(service, key));
        BundleState bundle = bundles.get(component.bundle());
        if (bundle != null) { // services that one of its components registers by itself
          bundle.services().stream()
              .filter(service -> !declared.getOrDefault(bundle.id(), Set.of()).contains(service))
              .forEach(service -> provide(service, key));
        }
      }
    }
    for (ComponentState component : now.components()) {
      Problem problem = problems.get("component:" + component.id());
      if (problem != null) {
        component.missing().forEach(missing -> waitFor(missing, component, problem));
        component.providers().forEach(id -> problem.waitsFor.add("component:" + id));
      }
    }
    while (now.components().stream().anyMatch(this::removeIfActivating)) {}
    now.components().stream()
        .filter(this::isActivating)
        .forEach(component -> problems.put("component:" + component.id(), hanging(component)));
  }

  /** Removes a component that has been activating for a short time. */
  private boolean removeIfActivating(ComponentState component) {
    return isActivating(component)
        && now.history().activatingSeconds(component.id()) < MAX_ACTIVATING_SECONDS
        && problems.remove("component:" + component.id()) != null;
  }

  /** Returns whether a component is a problem that is not active, while all that it uses works. */
  private boolean isActivating(ComponentState component) {
    Problem problem = problems.get("component:" + component.id());
    return problem != null
        && component.state() == ComponentState.State.NOT_ACTIVE
        && problem.waitsFor.stream().noneMatch(problems::containsKey);
  }

  /**
   * The message stays the same: to a start that waits, a new one would be progress. The activation
   * may end, and so is no failure.
   */
  private static Problem hanging(ComponentState component) {
    return new Problem(
        Kind.COMPONENT,
        component.name(),
        Health.unavailable(
            "its activation has not ended for more than " + MAX_ACTIVATING_SECONDS + " s"),
        "see the log; the command threads shows what it waits for",
        false);
  }

  private static Problem problem(ComponentState component) {
    String name = component.name();
    return switch (component.state()) {
      case FAILED ->
          new Problem(
              Kind.COMPONENT,
              name,
              Health.failed(component.failure()),
              component.file().isEmpty()
                  ? "see the log; bundle:restart " + component.bundle() + " tries again"
                  : "correct " + component.file() + "; a change of the file tries again",
              false);
      case UNCONFIGURED ->
          new Problem(
              Kind.COMPONENT,
              name,
              Health.unavailable("no configuration " + String.join(", ", component.pids())),
              "write etc/" + component.pids().get(0) + ".cfg in the data directory",
              true);
      case NOT_ACTIVE ->
          new Problem(
              Kind.COMPONENT, name, Health.unavailable("a service that it uses failed"), "", false);
      default ->
          new Problem(
              Kind.COMPONENT,
              name,
              Health.unavailable(
                  "lacks "
                      + items(
                          component.missing().stream()
                              .map(missing -> simple(missing.service()))
                              .toList())),
              "",
              false);
    };
  }

  private void waitFor(ComponentState.Missing missing, ComponentState component, Problem problem) {
    Set<String> causes =
        providers.getOrDefault(missing.service(), Set.of()).stream()
            .filter(key -> !key.equals("component:" + component.id()) && fits(key, missing))
            .collect(Collectors.toCollection(TreeSet::new));
    causes.addAll(uninstalledWith(missing.service()));
    if (causes.isEmpty()) {
      causes.add(unknownProvider(missing));
    }
    problem.waitsFor.addAll(causes);
  }

  /** Returns the problems of uninstalled bundles that had a use, see {@link History#used}. */
  private Set<String> uninstalledWith(String use) {
    Set<String> bundles = now.history().bundles(use);
    return uninstalled.entrySet().stream()
        .filter(entry -> bundles.contains(entry.getKey()))
        .map(Map.Entry::getValue)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Returns whether a part would provide a service that the target of a reference matches. */
  private boolean fits(String key, ComponentState.Missing missing) {
    if (missing.target().isEmpty() || !key.startsWith("component:")) {
      return true;
    }
    String id = key.substring("component:".length());
    try {
      var filter = FrameworkUtil.createFilter(missing.target());
      return now.components().stream()
          .filter(component -> component.id().equals(id))
          .anyMatch(
              component ->
                  !component.services().contains(missing.service())
                      || filter.matches(component.properties()));
    } catch (InvalidSyntaxException malformed) {
      return false;
    }
  }

  private String unknownProvider(ComponentState.Missing missing) {
    String name =
        missing.service() + (missing.target().isEmpty() ? "" : " with " + missing.target());
    String key = "service:" + name;
    Set<String> earlier = now.history().bundles(missing.service());
    now.bundles().forEach(bundle -> earlier.remove(bundle.name()));
    problems.putIfAbsent(
        key,
        new Problem(
            Kind.SERVICE,
            name,
            Health.unavailable(
                earlier.isEmpty()
                    ? "no bundle has registered the service"
                    : "the bundle that provided the service is not installed: " + items(earlier)),
            "install or configure a bundle that provides it",
            false));
    return key;
  }

  // ---- configurations

  /** A key that is not known has no effect; the component works without it. */
  private void unknownKeys() {
    for (UnknownKeys configuration : now.unknownKeys()) {
      problems.put(
          "keys:" + configuration.pid(),
          new Problem(
              Kind.CONFIGURATION,
              configuration.pid(),
              Health.degraded(
                  (configuration.unknown().size() == 1 ? "unknown key " : "unknown keys ")
                      + items(configuration.unknown())
                      + "; known are "
                      + String.join(", ", configuration.known())),
              "correct " + configuration.file(),
              false));
    }
  }

  private void configurations() {
    if (now.configurations() == null) {
      return;
    }
    Map<String, Set<String>> unused = new TreeMap<>();
    for (ConfigurationState configuration : now.configurations()) {
      if (!configuration.accepted()) {
        unused
            .computeIfAbsent(configuration.factoryPid(), any -> new TreeSet<>())
            .add(configuration.file());
      }
    }
    unused.forEach(
        (pid, files) -> {
          Problem problem =
              new Problem(
                  Kind.CONFIGURATION,
                  pid,
                  Health.unavailable("no component accepts " + items(files)),
                  "correct the name of the file, or install the bundle that accepts it",
                  false);
          problem.waitsFor.addAll(accepting(pid));
          problems.put("configuration:" + pid, problem);
        });
  }

  /** Returns the problems of bundles that accepted configurations of a PID. */
  private Set<String> accepting(String pid) {
    Set<String> out = uninstalledWith(pid);
    for (String bundle : now.history().bundles(pid)) {
      now.bundles().stream()
          .filter(state -> state.name().equals(bundle))
          .forEach(state -> out.add("bundle:" + state.id()));
    }
    return out;
  }

  // ---- health checks

  private void checks() {
    Set<String> names = new HashSet<>();
    Map<Problem, CheckState> broken = new LinkedHashMap<>();
    for (CheckState check : now.checks()) {
      String name = unique(check.name(), names);
      if (check.health().status() == Health.Status.HEALTHY) {
        healthy.add(part(Kind.CHECK, name, check.health()));
        continue;
      }
      Problem problem = new Problem(Kind.CHECK, name, check.health(), "", false);
      problems.put("check:" + name, problem);
      broken.put(problem, check);
    }
    broken.forEach(
        (problem, check) -> {
          if (check.health().status() != Health.Status.FAILED) {
            Set<String> needed = problem.waitsFor;
            for (String dependency : check.dependencies()) {
              Problem other = problems.get("check:" + dependency);
              if (other != null && (!other.health.isWorking() || check.health().isWorking())) {
                needed.add("check:" + dependency); // one that works is no cause
              }
              providers.getOrDefault(dependency, Set.of()).stream()
                  .filter(this::isFault)
                  .forEach(needed::add);
              needed.addAll(uninstalledWith(dependency));
            }
            needed.remove("check:" + problem.name);
          }
        });
  }

  /** Returns whether a problem is not what an operator may want. */
  private boolean isFault(String key) {
    Problem problem = problems.get(key);
    return problem != null && !problem.intended;
  }

  // ---- the report

  private HealthReport report() {
    removeIntended();
    Set<String> names = new HashSet<>();
    healthy.forEach(part -> names.add(part.name()));
    Map<String, String> shown = new HashMap<>();
    problems.forEach(
        (key, problem) -> {
          if (problem.kind == Kind.CHECK) {
            shown.put(key, unique(Text.shown(problem.name, MAX_NAME_CHARS), names));
          }
        });
    problems.forEach(
        (key, problem) ->
            shown.computeIfAbsent(
                key, any -> unique(Text.shown(problem.name, MAX_NAME_CHARS), names)));
    RootCauses roots = new RootCauses(problems);
    List<PartHealth> parts = new ArrayList<>(healthy);
    problems.forEach(
        (key, problem) -> {
          List<String> causes = roots.causes(key).stream().map(shown::get).sorted().toList();
          boolean circle =
              causes.isEmpty() && problem.waitsFor.stream().anyMatch(problems::containsKey);
          String message = problem.health.message() + (circle ? ", which waits for it" : "");
          parts.add(
              new PartHealth(
                  problem.kind,
                  shown.getOrDefault(key, problem.name),
                  new Health(problem.health.status(), Text.shown(message, MAX_MESSAGE_CHARS)),
                  causes.isEmpty() ? Text.shown(problem.nextStep, MAX_MESSAGE_CHARS) : "",
                  causes,
                  roots.blocked(key).stream().map(shown::get).sorted().toList()));
        });
    return new HealthReport(parts, examined());
  }

  /** Removes what an operator may want so, unless another problem waits for it. */
  private void removeIntended() {
    Set<String> kept = new HashSet<>();
    List<String> open = new ArrayList<>();
    problems.forEach(
        (key, problem) -> {
          if (!problem.intended) {
            open.add(key);
          }
        });
    while (!open.isEmpty()) {
      String key = open.remove(open.size() - 1);
      Problem problem = problems.get(key);
      if (problem != null && kept.add(key)) {
        open.addAll(problem.waitsFor);
      }
    }
    problems.keySet().retainAll(kept);
  }

  private Map<Kind, Integer> examined() {
    Map<Kind, Integer> out = new EnumMap<>(Kind.class);
    out.put(Kind.CHECK, now.checks().size());
    out.put(Kind.COMPONENT, now.components().size());
    out.put(Kind.BUNDLE, now.bundles().size());
    if (now.features() != null) {
      out.put(Kind.FEATURE, now.features().size());
    }
    if (now.configurations() != null) {
      out.put(Kind.CONFIGURATION, now.configurations().size());
    }
    return out;
  }

  private static PartHealth part(Kind kind, String name, Health health) {
    return new PartHealth(
        kind,
        Text.shown(name, MAX_NAME_CHARS),
        new Health(health.status(), Text.shown(health.message(), MAX_MESSAGE_CHARS)));
  }

  /** Returns a name, with a number when it is in use. */
  private static String unique(String name, Set<String> used) {
    String out = name;
    for (int number = 2; !used.add(out); number++) {
      out = name + "#" + number;
    }
    return out;
  }

  private static String items(Collection<String> all) {
    String first = all.stream().limit(MAX_ITEMS).collect(Collectors.joining(", "));
    return all.size() <= MAX_ITEMS ? first : first + " and " + (all.size() - MAX_ITEMS) + " more";
  }

  private static String simple(String type) {
    return type.substring(type.lastIndexOf('.') + 1);
  }
}
