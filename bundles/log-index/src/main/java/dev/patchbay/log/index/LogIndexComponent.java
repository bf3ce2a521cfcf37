// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.LogIndex;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Hashtable;
import java.util.List;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** The index of the node's chain, in the folder {@code log-index} of its data directory. */
@Component(immediate = true)
public final class LogIndexComponent implements LogIndex {
  private final BlockIndex index;
  private final List<ServiceRegistration<?>> registrations;

  /** Begins to index. */
  @Activate
  public LogIndexComponent(BundleContext context, @Reference ChainReader chain) {
    String data = context.getProperty("patchbay.data");
    if (data == null) {
      throw new IllegalArgumentException(
          "the framework property patchbay.data, the node's data directory, is not set; start the node with ./patchbay");
    }
    index = new BlockIndex(chain, Path.of(data, "log-index"));
    // registered as an object: the chain, which is read here, would ask for a lazy listener
    registrations =
        List.of(
            context.registerService(
                ChainListener.class, (removed, added) -> index.wake(), new Hashtable<>()),
            context.registerService(
                HealthCheck.class,
                HealthCheck.ofFailures("log.index", "blocks are indexed", index::failure, "chain"),
                new Hashtable<>()));
    try {
      index.start();
    } catch (Throwable failure) { // no memory for a thread
      registrations.forEach(ServiceRegistration::unregister);
      throw failure;
    }
  }

  @Deactivate
  void close() {
    registrations.forEach(ServiceRegistration::unregister);
    index.close();
  }

  @Override
  public BitSet candidates(long from, long to, Set<Address> addresses, List<Set<Hash>> topics) {
    return index.candidates(from, to, LogKeys.of(addresses, topics));
  }

  @Override
  public Progress progress() {
    return index.progress();
  }
}
