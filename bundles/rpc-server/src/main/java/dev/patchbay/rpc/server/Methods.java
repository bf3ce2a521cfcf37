// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.binding.DrainResult;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.binding.Slot;
import dev.patchbay.primitives.Hex;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The methods of the namespaces that are present, and the names of those that were removed and may
 * be back soon. Threading: any thread.
 */
final class Methods {
  private static final Logger LOG = LoggerFactory.getLogger(Methods.class);

  private final Replacements replacements;
  private final Supplier<Duration> drain;
  private final Consumer<String> warn;
  private final NamedServices<Served> methods;

  /** By the id of the registration, which does not change as the ranking may. */
  private final Map<Long, Present> present = new ConcurrentHashMap<>();

  private final Set<String> expectedBack = ConcurrentHashMap.newKeySet();

  /**
   * A namespace that is present.
   *
   * @param slot its leases are the requests under way
   * @param methods the names of its methods
   */
  private record Present(Slot<RpcNamespace> slot, Set<String> methods) {}

  /**
   * A method, and the slot whose leases are the requests under way of its namespace. Once the
   * namespace is removed there are no further leases.
   */
  record Served(RpcMethod method, Slot<RpcNamespace> namespace) {}

  /**
   * Creates an instance without methods.
   *
   * @param drain returns how long the removal of a namespace waits for its requests under way
   */
  Methods(Replacements replacements, Supplier<Duration> drain) {
    this(replacements, drain, LOG::warn);
  }

  /**
   * Creates an instance without methods.
   *
   * @param drain returns how long the removal of a namespace waits for its requests under way
   * @param warn accepts a message for what a bundle does wrong, and for each change of place
   */
  Methods(Replacements replacements, Supplier<Duration> drain, Consumer<String> warn) {
    this.replacements = replacements;
    this.drain = drain;
    this.warn = warn;
    methods = new NamedServices<>("method", warn);
  }

  /**
   * Adds the methods of a namespace. A method whose name has no underscore cannot be called: it is
   * left out with a warning.
   */
  void add(NamedServices.Registration registration, RpcNamespace namespace) {
    Slot<RpcNamespace> slot = new Slot<>("namespace");
    slot.replace(namespace, Duration.ZERO);
    Map<String, Served> served = new HashMap<>();
    Set<String> unnamed = new TreeSet<>();
    namespace
        .methods()
        .forEach(
            (name, method) -> {
              if (name.indexOf('_') < 0) {
                unnamed.add(Hex.shown(name));
              } else {
                served.put(name, new Served(method, slot));
              }
            });
    if (!unnamed.isEmpty()) {
      warn.accept(
          "method "
              + String.join(", ", unnamed)
              + " of "
              + registration.bundle()
              + " cannot be called: its name has no namespace before an underscore");
    }
    present.put(registration.id(), new Present(slot, Set.copyOf(served.keySet())));
    methods.addAll(registration, served);
    expectedBack.removeAll(served.keySet());
  }

  /**
   * Removes the methods of a namespace, and then waits, for a limited time, for the requests under
   * way in them: what they need is still there as long as this has not returned.
   */
  void remove(NamedServices.Registration registration) {
    Present removed = present.remove(registration.id());
    if (removed == null) {
      return;
    }
    if (replacements.removed()) {
      expectedBack.addAll(removed.methods());
    }
    methods.remove(registration);
    expectedBack.removeAll(methods.names());
    Slot<RpcNamespace> slot = removed.slot();
    Duration limit = drain.get();
    DrainResult drained =
        slot.peek().map(namespace -> slot.release(namespace, limit)).orElseThrow();
    if (!drained.drained() && !limit.isZero()) {
      LOG.warn(
          "a namespace is removed while {} of its requests are under way: they have not ended in {} s",
          drained.leasesLeft(),
          limit.toSeconds());
    }
  }

  /** Returns a method; null when no namespace that is present has it. */
  @Nullable Served get(String name) {
    return methods.get(name);
  }

  /** Returns whether a method that is not present may be back soon. */
  boolean isExpectedBack(String name) {
    return expectedBack.contains(name);
  }

  /** Returns the namespaces that have methods now. */
  Set<String> namespaces() {
    Set<String> out = new TreeSet<>();
    methods.names().forEach(name -> out.add(name.substring(0, name.indexOf('_'))));
    return out;
  }
}
