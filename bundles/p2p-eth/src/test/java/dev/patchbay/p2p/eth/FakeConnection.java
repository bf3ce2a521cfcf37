// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Bytes;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A connection whose other end is the test. */
final class FakeConnection implements PeerConnection {
  record Sent(int message, Bytes payload) {}

  private final String name;
  final List<Sent> sent = new ArrayList<>();
  boolean isEstablished;
  Runnable onEstablished = () -> {};

  /** Whether the peer reads, so that announcements leave. */
  boolean reads = true;

  @Nullable DisconnectReason reason;
  String detail = "";
  String clientId;

  FakeConnection(String name) {
    this.name = name;
    clientId = "test/" + name;
  }

  /** Returns the messages of a kind that were sent since the last call, and drops them. */
  <T> List<T> take(int message, Function<Bytes, T> decoder) {
    List<T> out =
        sent.stream()
            .filter(one -> one.message() == message)
            .map(one -> decoder.apply(one.payload()))
            .toList();
    sent.removeIf(one -> one.message() == message);
    return out;
  }

  /** Returns the only message of a kind that was sent since the last call, and drops it. */
  <T> T takeOne(int message, Function<Bytes, T> decoder) {
    List<T> all = take(message, decoder);
    if (all.size() != 1) {
      throw new AssertionError(all.size() + " messages of kind " + message);
    }
    return all.get(0);
  }

  @Override
  public PeerId id() {
    return new PeerId("devp2p", name);
  }

  @Override
  public String clientId() {
    return clientId;
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
    return Set.of();
  }

  @Override
  public boolean send(int message, Bytes payload) {
    if (reason != null) {
      return false;
    }
    sent.add(new Sent(message, payload));
    return true;
  }

  @Override
  public boolean offer(int message, Bytes payload) {
    return reads && send(message, payload);
  }

  @Override
  public void established() {
    isEstablished = true;
    onEstablished.run();
  }

  @Override
  public void disconnect(DisconnectReason why, String text) {
    if (reason == null) {
      reason = why;
      detail = text;
    }
  }
}
