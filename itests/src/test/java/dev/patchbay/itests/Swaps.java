// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

  /** Exchanges one bundle, as of {@link #round(List)}. */
  void round(String name) throws Exception {
    round(List.of(name));
  }

  /**
   * Stops, starts and updates bundles at the same time, and uninstalls and installs their features
   * unless they are of the kernel; no other bundle is touched.
   */
  void round(List<String> names) throws Exception {
    List<String> bundles = names.stream().map(Swaps::bundle).toList();
    int logged = log().size();
    TreeMap<String, String> before = states();
    exchange(bundles, before);
    List<String> removable = names.stream().filter(name -> !KERNEL.contains(name)).toList();
    if (!removable.isEmpty()) {
      reinstall(removable, before);
    }
    assertThat(refreshed(logged)).isSubsetOf(bundles);
  }

  /** Returns the symbolic name of a bundle. */
  static String bundle(String name) {
    return "dev.patchbay." + name.replace('-', '.');
  }

  private void exchange(List<String> bundles, TreeMap<String, String> before) throws Exception {
    String all = String.join(" ", bundles);
    shell("bundle:stop " + all + "; bundle:start " + all);
    settle();
    shell(bundles.stream().map("bundle:update "::concat).collect(joining("; ")));
    assertThat(others(settle(), bundles))
        .as("no other bundle is touched")
        .isEqualTo(others(before, bundles));
  }

  private void reinstall(List<String> names, TreeMap<String, String> before) throws Exception {
    String features = names.stream().map("patchbay-"::concat).collect(joining(" "));
    String commands = "feature:uninstall %1$s; feature:install -t -v %1$s; feature:install %1$s";
    String plan = printed(String.format(commands, features));
    assertThat(plan)
        .as("the plan")
        .contains("Bundles to install:")
        .doesNotContain("to refresh", "to update", "to uninstall", "to stop");
    for (String name : names) {
      assertThat(plan).contains("/" + name + "/");
    }
    List<String> bundles = names.stream().map(Swaps::bundle).toList();
    assertThat(others(settle(), bundles)).isEqualTo(others(before, bundles));
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
    return others(states, List.of(bundle));
  }

  private static TreeMap<String, String> others(
      TreeMap<String, String> states, List<String> bundles) {
    TreeMap<String, String> out = new TreeMap<>(states);
    bundles.forEach(out::remove);
    return out;
  }

  /** Waits for one bundle, as of {@link #oldLoadersAreCollected(List)}. */
  void oldLoadersAreCollected(String bundle) throws Exception {
    oldLoadersAreCollected(List.of(bundle));
  }

  /**
   * Waits until one class loader has classes of each bundle: what the shell was still doing in the
   * old one may hold it for a moment.
   *
   * @param bundles symbolic names
   */
  void oldLoadersAreCollected(List<String> bundles) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    Map<String, Long> wrong = bundlesWithOtherThanOneLoader(bundles);
    while (!wrong.isEmpty() && System.nanoTime() < limit) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
      wrong = bundlesWithOtherThanOneLoader(bundles);
    }
    assertThat(wrong).as("numbers of class loaders").isEmpty();
  }

  /** Counts the class loaders with classes of a bundle that a full collection leaves. */
  private Map<String, Long> bundlesWithOtherThanOneLoader(List<String> bundles) throws Exception {
    node.jcmd("GC.run");
    String type = "org.apache.felix.framework.BundleWiringImpl$BundleClassLoader";
    List<String> loaders =
        Stream.of(
                node.jcmd("VM.classloaders", "show-classes=true", "fold=false").split("\\+-- ", -1))
            .filter(loader -> loader.startsWith(type))
            .toList();
    Map<String, Long> out = new TreeMap<>();
    for (String bundle : bundles) {
      Pattern loaded = Pattern.compile("\\s" + Pattern.quote(bundle) + "\\.[A-Z]");
      long count = loaders.stream().filter(loader -> loaded.matcher(loader).find()).count();
      if (count != 1) {
        out.put(bundle, count);
      }
    }
    return out;
  }

  long threadCount() throws Exception {
    try (var tasks = java.nio.file.Files.list(Path.of("/proc/" + node.pid() + "/task"))) {
      return tasks.count();
    }
  }
}
