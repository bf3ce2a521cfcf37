// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.health.Snapshot.BundleState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRequirement;
import org.osgi.framework.wiring.BundleRevision;

/** Reads the bundles of the framework. Threading: any thread. */
final class BundleReader {
  private static final String SERVICE = "osgi.service";
  private static final String RESOLVE = "resolve";
  private static final Pattern VERSION =
      Pattern.compile("\\(!\\([\\w-]*version>=[^()]*\\)\\)|\\([\\w-]*version[<>]?=[^()]*\\)");
  private static final Map<String, String> KINDS =
      Map.of(
          "osgi.wiring.package", "the package ",
          "osgi.wiring.bundle", "the bundle ",
          "osgi.wiring.host", "the host bundle ");

  private final BundleContext context;

  BundleReader(BundleContext context) {
    this.context = context;
  }

  /**
   * Returns all bundles.
   *
   * @param isBootFinished whether the container has started all bundles that it was asked to start;
   *     it may change any of them before
   * @param history takes note of their names and services
   */
  List<BundleState> read(boolean isBootFinished, History history) {
    int level =
        context
            .getBundle(Constants.SYSTEM_BUNDLE_ID)
            .adapt(FrameworkStartLevel.class)
            .getStartLevel();
    List<BundleState> out = new ArrayList<>();
    for (Bundle bundle : context.getBundles()) {
      BundleRevision revision = bundle.adapt(BundleRevision.class);
      if (revision == null) { // it was uninstalled since it was listed
        continue;
      }
      String name =
          bundle.getSymbolicName() == null ? bundle.getLocation() : bundle.getSymbolicName();
      Set<String> services = services(revision);
      history.installed(bundle.getLocation(), name);
      services.forEach(service -> history.used(service, name));
      List<String> missing = new ArrayList<>();
      Set<Long> providers = new TreeSet<>();
      if (isBootFinished && bundle.getState() == Bundle.INSTALLED) {
        resolve(bundle, revision, missing, providers);
      }
      BundleState.State state = state(bundle, revision, isBootFinished, level, missing);
      out.add(new BundleState(bundle.getBundleId(), name, state, services, missing, providers));
    }
    return out;
  }

  private static Set<String> services(BundleRevision revision) {
    Set<String> out = new HashSet<>();
    for (BundleCapability capability : revision.getDeclaredCapabilities(SERVICE)) {
      Object types = capability.getAttributes().get(Constants.OBJECTCLASS);
      if (types instanceof Collection<?> several) {
        several.forEach(type -> out.add(String.valueOf(type)));
      } else if (types != null) {
        out.add(types.toString());
      }
    }
    return out;
  }

  private static BundleState.State state(
      Bundle bundle,
      BundleRevision revision,
      boolean isBootFinished,
      int level,
      List<String> missing) {
    if ((revision.getTypes() & BundleRevision.TYPE_FRAGMENT) != 0) {
      return BundleState.State.WORKS;
    }
    BundleStartLevel start = bundle.adapt(BundleStartLevel.class);
    boolean toBeActive = start != null && start.isPersistentlyStarted();
    boolean due = start != null && start.getStartLevel() <= level;
    return switch (bundle.getState()) {
      case Bundle.INSTALLED ->
          (toBeActive && due) || !missing.isEmpty()
              ? BundleState.State.UNRESOLVED
              : BundleState.State.STOPPED;
      case Bundle.RESOLVED -> {
        if (toBeActive) {
          yield due ? BundleState.State.NOT_STARTED : BundleState.State.WORKS;
        }
        yield BundleState.State.STOPPED;
      }
      case Bundle.STARTING ->
          !isBootFinished || isLazy(bundle) ? BundleState.State.WORKS : BundleState.State.CHANGING;
      case Bundle.STOPPING -> BundleState.State.CHANGING;
      default -> BundleState.State.WORKS;
    };
  }

  private static boolean isLazy(Bundle bundle) {
    String policy = bundle.getHeaders("").get(Constants.BUNDLE_ACTIVATIONPOLICY);
    return policy != null && policy.startsWith(Constants.ACTIVATION_LAZY);
  }

  /** Finds out what a bundle requires that no bundle, or only an unresolved bundle, provides. */
  private void resolve(
      Bundle bundle, BundleRevision revision, List<String> missing, Set<Long> providers) {
    for (BundleRequirement requirement : revision.getDeclaredRequirements(null)) {
      Map<String, String> directives = requirement.getDirectives();
      if (Constants.RESOLUTION_OPTIONAL.equals(directives.get(Constants.RESOLUTION_DIRECTIVE))
          || !RESOLVE.equals(
              directives.getOrDefault(
                  Constants.EFFECTIVE_DIRECTIVE, Constants.EFFECTIVE_RESOLVE))) {
        continue;
      }
      Bundle provider = provider(requirement);
      if (provider == null) {
        missing.add(shown(requirement));
      } else if (provider.getState() == Bundle.INSTALLED && provider != bundle) {
        providers.add(provider.getBundleId());
      }
    }
  }

  /** Returns a bundle that has what is required, a resolved one if possible; null without one. */
  private @Nullable Bundle provider(BundleRequirement requirement) {
    Bundle found = null;
    for (Bundle candidate : context.getBundles()) {
      BundleRevision revision = candidate.adapt(BundleRevision.class);
      if (revision != null
          && revision.getDeclaredCapabilities(requirement.getNamespace()).stream()
              .anyMatch(requirement::matches)) {
        if (candidate.getState() != Bundle.INSTALLED) {
          return candidate;
        }
        found = candidate;
      }
    }
    return found;
  }

  private static String shown(BundleRequirement requirement) {
    Map<String, String> directives = requirement.getDirectives();
    return shown(
        requirement.getNamespace(), directives.getOrDefault(Constants.FILTER_DIRECTIVE, ""));
  }

  /** Returns what a bundle requires, as a message names it. */
  static String shown(String namespace, String filter) {
    Matcher name = Pattern.compile(Pattern.quote(namespace) + "=([^()]+)").matcher(filter);
    if (!name.find()) {
      return namespace + " " + filter;
    }
    StringBuilder out = new StringBuilder(KINDS.getOrDefault(namespace, namespace + " "));
    out.append(name.group(1));
    Matcher versions = VERSION.matcher(filter);
    for (String join = " with "; versions.find(); join = "") {
      out.append(join).append(versions.group());
    }
    return out.toString();
  }
}
