// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.api.p2p.Peers;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** Registers the peers of all networks. Networks, command handlers and listeners come and go. */
@Component(
    service = {},
    immediate = true)
public final class PeersComponent {
  /** Bytes of the events that wait for one listener: at most a 64th of the heap. */
  private static final long MAX_EVENT_BYTES = 32 * 1024 * 1024;

  private static final int HEAP_SHARE = 64;

  private final NetworkPeers peers = new NetworkPeers();
  private final EventDispatcher events =
      new EventDispatcher(Math.min(MAX_EVENT_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE));
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /** Registers the services. */
  @Activate
  public PeersComponent(BundleContext context) {
    register(context, PeerEvents.class, events);
    register(context, Peers.class, peers);
    register(context, BlockBroadcaster.class, peers);
    register(
        context,
        HealthCheck.class,
        HealthCheck.ofFailures("peers", "listeners are notified of peers", events::failure));
  }

  private <T> void register(BundleContext context, Class<T> type, T object) {
    registrations.add(context.registerService(type, object, new Hashtable<>()));
  }

  /** Ends the threads of the listeners. */
  @Deactivate
  void close() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
    events.close();
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addNetwork(Network network) {
    peers.add(network);
  }

  void removeNetwork(Network network) {
    peers.remove(network);
    if (peers.network(network.name()) == null) {
      events.removeNetwork(network.name());
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addCommandHandler(PeerCommandHandler handler) {
    peers.add(handler);
  }

  void removeCommandHandler(PeerCommandHandler handler) {
    peers.remove(handler);
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addListener(PeerListener listener) {
    events.add(listener);
  }

  void removeListener(PeerListener listener) {
    events.remove(listener);
  }
}
