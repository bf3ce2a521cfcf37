// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.p2p.Network;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/**
 * Shows the health of the parts of the node. Fails when a required part does not work; the launcher
 * waits for that with {@code --wait}.
 */
@Service
@Command(
    scope = "patchbay",
    name = "ready",
    description =
        "Shows the health of the parts of the node; fails when a required part does not work")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class ReadyCommand implements Action {
  private static final String DEVP2P = "devp2p";

  /** Parts that every node requires. */
  private static final Set<String> KERNEL = Set.of("storage.chain", "chain", "execution");

  /** The service that Karaf registers after it has started the boot features. */
  private static final String BOOT_FINISHED = "org.apache.karaf.features.BootFinished";

  private static final long POLL_MILLIS = 50;
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** How long the node may make no progress before the start is given up. */
  private static final Duration MAX_STALL_IN_BOOT = Duration.ofSeconds(60);

  private static final Duration MAX_STALL = Duration.ofSeconds(15);

  /** The same when a part has failed: it may be the part that the required one waits for. */
  private static final Duration MAX_STALL_AFTER_FAILURE = Duration.ofSeconds(2);

  @Option(name = "--wait", description = "Waits until the node is ready, or a required part failed")
  private boolean wait;

  @Argument(
      name = "PART",
      description =
          "Required parts, such as rpc.listener~http; storage.chain, chain and execution always"
              + " are",
      multiValued = true)
  private @Nullable List<String> parts;

  @Option(
      name = "--if-installed",
      description = "A part that is required too, unless its bundle is not installed",
      multiValued = true)
  private @Nullable List<String> optional;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() throws InterruptedException {
    Set<String> required = new TreeSet<>(KERNEL);
    if (parts != null) {
      required.addAll(parts);
    }
    PrintStream out = System.out;
    if (wait) {
      await(required, out);
      return null;
    }
    Readiness readiness = readiness(required);
    for (PartHealth part : readiness.all()) {
      out.printf("%-11s  %s: %s%n", part.health().status(), part.title(), part.health().message());
    }
    if (!readiness.blocking().isEmpty()) {
      throw new IllegalStateException(
          "the node is not ready; parts that do not work: "
              + readiness.blocking().stream()
                  .map(PartHealth::name)
                  .collect(Collectors.joining(", ")));
    }
    return null;
  }

  private Readiness readiness(Set<String> required) {
    boolean isBootFinished = context.getServiceReference(BOOT_FINISHED) != null;
    Set<String> all = new TreeSet<>(required);
    for (String part : optional == null ? List.<String>of() : optional) {
      if (!isBootFinished || isInstalled(part)) { // the boot installs the bundles
        all.add(part);
      }
    }
    return Readiness.of(all, new Services(context).health(), isBootFinished);
  }

  private boolean isInstalled(String part) {
    return Stream.of(context.getBundles())
        .anyMatch(bundle -> ("dev.patchbay." + part).equals(bundle.getSymbolicName()));
  }

  /** Prints what the start waits for, and at the end the parts that the node runs without. */
  private void await(Set<String> required, PrintStream out) throws InterruptedException {
    Readiness readiness = readiness(required);
    long start = System.nanoTime();
    Stall stall = new Stall(readiness.blocking(), start, cpuNanos());
    String shown = "";
    while (readiness.verdict() == Readiness.Verdict.WAIT) {
      long now = System.nanoTime();
      boolean stalled = stall.isStalled(readiness.blocking(), now, cpuNanos(), limit(readiness));
      if (stalled && !readiness.isStarting()) {
        break;
      }
      String waiting = lines(readiness.blocking());
      if (now - start > QUIET_NANOS && !waiting.equals(shown)) {
        out.println("waiting: " + waiting);
        shown = waiting;
      }
      if (out.checkError()) {
        throw new InterruptedException("the client disconnected");
      }
      Thread.sleep(POLL_MILLIS);
      readiness = readiness(required);
    }
    readiness.warnings().forEach(part -> out.println("warning: " + Readiness.line(part)));
    if (!readiness.blocking().isEmpty()) {
      throw new IllegalStateException(lines(readiness.blocking()));
    }
    ChainReader chain = new Services(context).find(ChainReader.class);
    if (chain != null) {
      out.println("ready: chain id " + chain.config().chainId());
    }
    for (Network network : new Services(context).all(Network.class)) {
      String url = network.localNode().url();
      if (!network.name().equals(DEVP2P)) {
        out.println(
            "ready: " + network.name() + " " + (network.isListening() ? url : "does not listen"));
        continue;
      }
      out.println(
          "ready: node "
              + (network.isListening()
                  ? url
                  : "does not listen, see the warning; its URL is printed when it listens"));
    }
  }

  private static Duration limit(Readiness readiness) {
    if (!readiness.isBootFinished()) {
      return MAX_STALL_IN_BOOT;
    }
    return readiness.hasFailures() ? MAX_STALL_AFTER_FAILURE : MAX_STALL;
  }

  private static String lines(List<PartHealth> parts) {
    return parts.stream().map(Readiness::line).collect(Collectors.joining("\n  "));
  }

  private static long cpuNanos() {
    return ProcessHandle.current().info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }
}
