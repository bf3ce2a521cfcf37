// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Exchanges bundles of a running node as an operator does, and looks at what that leaves. */
final class Swaps {
  private static final String LIST = "bundle:list -t 0 -s --no-format";
  private static final Pattern LISTED = Pattern.compile("^\\s*(\\d+)\\t.*$");

  /** A bundle that the features service refreshes, with its reason, as Karaf logs it. */
  private static final Pattern REFRESHED =
      Pattern.compile("\\|\\s+([A-Za-z0-9._-]+)/[0-9A-Za-z.-]+ \\(.*\\)$");

  /** Bundles that have no feature of their own to be uninstalled. */
  private static final Set<String> KERNEL = Set.of("storage");

  private final Node node;

  Swaps(Node node) {
    this.node = node;
  }

  /**
   * Stops, starts and updates a bundle, and uninstalls and installs its feature unless it is of the
   * kernel; no other bundle is touched.
   */
  void round(String name) throws Exception {
    String bundle = "dev.patchbay." + name.replace('-', '.');
    int logged = log().size();
    TreeMap<String, String> before = states();
    exchange(bundle, before);
    if (!KERNEL.contains(name)) {
      reinstall(name, bundle, before);
    }
    assertThat(refreshed(logged)).isSubsetOf(bundle);
  }

  private void exchange(String bundle, TreeMap<String, String> before) throws Exception {
    shell("bundle:stop " + bundle + "; bundle:start " + bundle);
    settle();
    shell("bundle:update " + bundle);
    assertThat(others(settle(), bundle))
        .as("no other bundle is touched")
        .isEqualTo(others(before, bundle));
  }

  private void reinstall(String name, String bundle, TreeMap<String, String> before)
      throws Exception {
    String feature = "patchbay-" + name;
    String commands = "feature:uninstall %1$s; feature:install -t -v %1$s; feature:install %1$s";
    assertThat(printed(String.format(commands, feature)))
        .as("the plan")
        .contains("Bundles to install:", "/" + name + "/")
        .doesNotContain("to refresh", "to update", "to uninstall", "to stop");
    assertThat(others(settle(), bundle)).isEqualTo(others(before, bundle));
  }

  /** Returns what Karaf prints on the console, not to the session: what it would change. */
  private String printed(String command) throws Exception {
    Path console = node.data.resolve("logs/console.log");
    int before = Files.readString(console).length();
    shell(command);
    return Files.readString(console).substring(before);
  }

  private List<String> log() throws Exception {
    // a long run fills several files: karaf.log.1 is the oldest
    List<String> lines = new ArrayList<>();
    Path current = node.data.resolve("logs/karaf.log");
    for (int i = 1; Files.exists(Path.of(current + "." + i)); i++) {
      lines.addAll(Files.readAllLines(Path.of(current + "." + i)));
    }
    lines.addAll(Files.readAllLines(current));
    return lines;
  }

  /** Returns the bundles that the features service has refreshed since a line of the log. */
  private Set<String> refreshed(int from) throws Exception {
    Set<String> out = new TreeSet<>();
    boolean listing = false;
    List<String> lines = log();
    for (String line : lines.subList(from, lines.size())) {
      Matcher matcher = REFRESHED.matcher(line);
      if (line.endsWith("Refreshing bundles:")) {
        listing = true;
      } else if (listing && matcher.find()) {
        out.add(matcher.group(1));
      } else {
        listing = false;
      }
    }
    return out;
  }

  void shell(String command) throws Exception {
    Node.Result result = node.shell(command);
    assertThat(result.status())
        .as(() -> command + ": " + result.output() + "\n" + node.warnings())
        .isZero();
  }

  private boolean answers() throws Exception {
    try {
      return node.call("eth_blockNumber").has("result");
    } catch (java.io.IOException away) {
      return false;
    }
  }

  /**
   * Waits until the node is whole again; returns the last-modified line of each bundle by name: a
   * refresh or restart of another would change its state.
   */
  TreeMap<String, String> settle() throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (System.nanoTime() < limit) {
      Node.Result result = node.shell("patchbay:doctor; " + LIST);
      if (result.status() == 0 && answers()) { // otherwise the doctor ends the command
        return states(result.output());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    throw new AssertionError("not whole again: " + node.shell("patchbay:doctor").output());
  }

  /** Returns the last-modified line of each bundle by name. */
  TreeMap<String, String> states() throws Exception {
    return states(node.shell(LIST).output());
  }

  private static TreeMap<String, String> states(String output) {
    TreeMap<String, String> out = new TreeMap<>();
    for (String line : output.split("\n")) {
      Matcher matcher = LISTED.matcher(line);
      if (matcher.matches()) {
        String[] columns = line.split("\t");
        out.put(columns[columns.length - 1].strip(), line.strip());
      }
    }
    return out;
  }

  static TreeMap<String, String> others(TreeMap<String, String> states, String bundle) {
    TreeMap<String, String> out = new TreeMap<>(states);
    out.remove(bundle);
    return out;
  }

  /**
   * Waits until at most one class loader has classes of a bundle: what the shell was still doing in
   * the old one may hold it for a moment.
   */
  void oldLoadersAreCollected(String bundle) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    long loaders = classLoaders(bundle);
    while (loaders > 1 && System.nanoTime() < limit) {
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
      loaders = classLoaders(bundle);
    }
    assertThat(loaders).as("class loaders of " + bundle).isEqualTo(1);
  }

  /** Counts the class loaders with classes of a bundle that a full collection leaves. */
  private long classLoaders(String bundle) throws Exception {
    node.jcmd("GC.run");
    String type = "org.apache.felix.framework.BundleWiringImpl$BundleClassLoader";
    String[] loaders =
        node.jcmd("VM.classloaders", "show-classes=true", "fold=false").split("\\+-- ", -1);
    Pattern loaded = Pattern.compile("\\s" + Pattern.quote(bundle) + "\\.[A-Z]");
    return Stream.of(loaders)
        .filter(loader -> loader.startsWith(type) && loaded.matcher(loader).find())
        .count();
  }

  long threadCount() throws Exception {
    try (var tasks = java.nio.file.Files.list(Path.of("/proc/" + node.pid() + "/task"))) {
      return tasks.count();
    }
  }
}
