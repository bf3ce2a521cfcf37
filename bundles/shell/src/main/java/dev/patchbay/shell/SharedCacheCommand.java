// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.rpc.SharedCache;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Says how the cache goes that several nodes share. */
@Service
@Command(
    scope = "patchbay",
    name = "shared-cache",
    description = "Says whether the cache that nodes share answers, and how often it had a result")
@SuppressWarnings("NullAway") // Karaf injects the field
public final class SharedCacheCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    SharedCache.Statistics now = new Services(context).require(SharedCache.class).statistics();
    System.out.printf(
        "%s %s: %,d hits, %,d misses, %,d failures%n",
        now.address(),
        now.reachable() ? "answers" : "does not answer",
        now.hits(),
        now.misses(),
        now.failures());
    return null;
  }
}
