// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.primitives.Bytes;
import java.util.Map;

/**
 * One version of the eth sub-protocol.
 *
 * @param version the version
 * @param service what all versions share
 */
record EthProtocol(EthVersion version, EthService service) implements WireProtocol {
  @Override
  public Capability capability() {
    return version.capability();
  }

  @Override
  public int messageCount() {
    return version.messageCount();
  }

  @Override
  public Map<String, Bytes> recordEntries() {
    return service.nodeRecord().entries();
  }

  @Override
  public boolean acceptsRecord(Map<String, Bytes> entries) {
    return service.nodeRecord().accepts(entries);
  }

  @Override
  public ProtocolHandler connected(PeerConnection peer) throws PeerBreachException {
    return service.connect(version, peer);
  }
}
