// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.primitives.Bytes;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A sub-protocol that records what happens to it. It is established at once. */
class TestProtocol implements WireProtocol {
  /**
   * An event.
   *
   * @param what {@code connected}, {@code disconnected}, or the number of a message
   * @param payload of a message; empty for other events
   */
  record Event(String what, Bytes payload, PeerConnection peer) {}

  final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

  private final Capability capability;
  private final int messageCount;

  TestProtocol(String name, int version, int messageCount) {
    this.capability = new Capability(name, version);
    this.messageCount = messageCount;
  }

  @Override
  public Capability capability() {
    return capability;
  }

  @Override
  public int messageCount() {
    return messageCount;
  }

  @Override
  public ProtocolHandler connected(PeerConnection peer) throws PeerBreachException {
    events.add(new Event("connected", Bytes.EMPTY, peer));
    greet(peer);
    return new ProtocolHandler() {
      @Override
      public void messageReceived(int message, Bytes payload) throws PeerBreachException {
        events.add(new Event(Integer.toString(message), payload, peer));
        received(peer, message, payload);
      }

      @Override
      public void disconnected() {
        events.add(new Event("disconnected", Bytes.EMPTY, peer));
      }

      @Override
      public Map<String, Object> info() {
        return Map.of("version", capability.version());
      }
    };
  }

  /** Called when a peer is connected. */
  void greet(PeerConnection peer) throws PeerBreachException {
    peer.established();
  }

  /** Called with each message. */
  void received(PeerConnection peer, int message, Bytes payload) throws PeerBreachException {}

  /** Throws anything, also what a method does not declare. */
  @SuppressWarnings("unchecked")
  static <T extends Throwable> void sneak(Throwable failure) throws T {
    throw (T) failure;
  }
}
