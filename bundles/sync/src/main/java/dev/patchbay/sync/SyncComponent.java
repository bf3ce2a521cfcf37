// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.api.p2p.Peers;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Keeps the chain level with those of the peers. What it holds is found again from the head, so
 * that it starts anew when the chain or the peers are replaced.
 */
@Component(
    service = {},
    immediate = true)
public final class SyncComponent {
  /** Bytes of the blocks of peers that wait for their import: at most a 32nd of the heap. */
  private static final long MAX_WAITING_BYTES = 64 * 1024 * 1024;

  private static final int HEAP_SHARE = 32;

  private final Synchronizer synchronizer;
  private final BlockGossip gossip;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /** Starts the threads and registers the services. */
  @Activate
  public SyncComponent(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference BlockImporter importer,
      @Reference BlockStage stage,
      @Reference Peers peers,
      @Reference BlockBroadcaster broadcaster) {
    SyncPeers candidates = new SyncPeers(peers, System::nanoTime);
    synchronizer = new Synchronizer(chain, importer, stage, candidates, System::nanoTime);
    gossip =
        new BlockGossip(
            chain,
            importer,
            candidates,
            synchronizer,
            broadcaster,
            Math.min(MAX_WAITING_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE));
    try {
      synchronizer.start();
      gossip.start();
      register(context, SyncStatus.class, synchronizer);
      register(context, PeerListener.class, gossip);
      register(context, ChainListener.class, gossip);
      register(
          context,
          HealthCheck.class,
          HealthCheck.ofFailures(
              "sync", "the chain follows those of the peers", this::failure, "chain"));
      gossip.announceHead();
    } catch (Throwable failure) { // no memory for a thread
      close();
      throw failure;
    }
  }

  private @Nullable String failure() {
    String failure = synchronizer.failure();
    return failure == null ? gossip.failure() : failure;
  }

  private <T> void register(BundleContext context, Class<T> type, T object) {
    registrations.add(context.registerService(type, object, new Hashtable<>()));
  }

  /** Ends the threads; a block that is being imported is finished. */
  @Deactivate
  void close() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
    gossip.close();
    synchronizer.close();
  }
}
