// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Bytes;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A connection whose other end is the test. */
final class FakeConnection implements PeerConnection {
  /** A message that was sent. */
  record Sent(int message, Bytes payload) {}

  private final Set<Capability> capabilities;
  final List<Sent> sent = new ArrayList<>();
  boolean isEstablished;

  FakeConnection(Capability... capabilities) {
    this.capabilities = Set.of(capabilities);
  }

  /** Returns the only message that was sent since the last call, and drops it. */
  Sent take() {
    if (sent.size() != 1) {
      throw new AssertionError(sent.size() + " messages");
    }
    return sent.remove(0);
  }

  @Override
  public PeerId id() {
    return new PeerId("devp2p", "a");
  }

  @Override
  public String clientId() {
    return "test";
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return InetSocketAddress.createUnresolved("peer.invalid", 30303);
  }

  @Override
  public boolean inbound() {
    return true;
  }

  @Override
  public Set<Capability> capabilities() {
    return capabilities;
  }

  @Override
  public boolean send(int message, Bytes payload) {
    sent.add(new Sent(message, payload));
    return true;
  }

  @Override
  public boolean offer(int message, Bytes payload) {
    return send(message, payload);
  }

  @Override
  public void established() {
    isEstablished = true;
  }

  @Override
  public void disconnect(DisconnectReason reason, String detail) {
    throw new AssertionError(detail);
  }
}
