// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Bytes;
import java.net.InetSocketAddress;
import java.util.Set;

/** The view of one sub-protocol of a session. Threading: any thread. */
final class ProtocolConnection implements PeerConnection {
  private final Session session;
  private final SharedProtocol protocol;
  private final Hello hello;

  ProtocolConnection(Session session, SharedProtocol protocol, Hello hello) {
    this.session = session;
    this.protocol = protocol;
    this.hello = hello;
  }

  @Override
  public PeerId id() {
    return session.peerId();
  }

  @Override
  public String clientId() {
    return hello.clientId();
  }

  @Override
  public InetSocketAddress remoteAddress() {
    return session.remoteAddress();
  }

  @Override
  public boolean inbound() {
    return session.inbound();
  }

  @Override
  public Set<Capability> capabilities() {
    return hello.capabilities();
  }

  @Override
  public boolean send(int message, Bytes payload) {
    return session.send(number(message), payload.unsafeArray());
  }

  @Override
  public boolean offer(int message, Bytes payload) {
    int number = number(message);
    return session.isWritable() && session.send(number, payload.unsafeArray());
  }

  private int number(int message) {
    if (message < 0 || message >= protocol.length()) {
      throw new IllegalArgumentException(
          protocol.capability() + " has no message " + message + " to send");
    }
    return protocol.offset() + message;
  }

  @Override
  public void established() {
    session.protocolEstablished(protocol);
  }

  @Override
  public void disconnect(DisconnectReason reason, String detail) {
    session.end(reason, detail);
  }
}
