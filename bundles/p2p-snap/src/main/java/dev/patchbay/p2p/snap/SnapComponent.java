// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.binding.Slot;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Serves snap/1. It is a satellite of eth: it is registered while a version of eth is, and serves
 * peers that speak one of these versions. The states are optional and may be replaced: the peers
 * stay connected meanwhile.
 */
@Component(name = "dev.patchbay.p2p.snap", service = WireProtocol.class, immediate = true)
public final class SnapComponent implements WireProtocol {
  static final Capability CAPABILITY = new Capability("snap", 1);

  /** How long a service that is replaced is waited for; a request takes at most 2 seconds. */
  private static final Duration DRAIN = Duration.ofSeconds(5);

  /** A quarter of the processors work for peers. */
  private static final int PROCESSORS_SHARE = 4;

  /**
   * Requests that wait for their turn, each in a thread of the network. The network has at least 4
   * and adds up to 32 while messages wait, so that some always serve the other peers.
   */
  private static final int MAX_WAITING = 24;

  private final Slot<RecentStates> states = new Slot<>("recent states");
  private final Set<Capability> eth = ConcurrentHashMap.newKeySet();
  private final StateServer server;

  /** Creates the server of states. */
  @Activate
  public SnapComponent() {
    int concurrent = Math.max(1, Runtime.getRuntime().availableProcessors() / PROCESSORS_SHARE);
    server =
        new StateServer(
            new ServingTurns(states, concurrent, MAX_WAITING, SnapLimits.MAX_WAIT.toNanos()),
            System::nanoTime);
  }

  @Override
  public Capability capability() {
    return CAPABILITY;
  }

  @Override
  public int messageCount() {
    return MessageCode.COUNT;
  }

  @Override
  public ProtocolHandler connected(PeerConnection peer) throws PeerBreachException {
    if (eth.stream().noneMatch(peer.capabilities()::contains)) {
      throw new PeerBreachException(
          DisconnectReason.USELESS_PEER, "snap without a common version of eth");
    }
    peer.established();
    return new SnapPeer(peer, server);
  }

  @Reference(
      target = "(" + WireProtocol.NAME + "=eth)",
      cardinality = ReferenceCardinality.AT_LEAST_ONE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addEth(WireProtocol version) {
    eth.add(version.capability());
  }

  void removeEth(WireProtocol version) {
    eth.remove(version.capability());
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setStates(RecentStates next) {
    states.replace(next, DRAIN);
  }

  void unsetStates(RecentStates removed) {
    states.release(removed, DRAIN);
  }
}
