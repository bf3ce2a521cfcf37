// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a peer, as the rest of the node sees it; {@link SessionHandler} is its part in
 * the event loop.
 *
 * <p>Threading: any thread.
 */
final class Session implements MemoryBudget.Holder {
  private final Dialer.@Nullable Dial dial;
  private final Channel channel;
  private final InetSocketAddress remoteAddress;
  private final SessionHandler handler;
  private final SendWindow window;
  private final SessionOwner owner;
  private final AtomicBoolean ending = new AtomicBoolean();

  // each set once, before the owner of the session is called
  private volatile @Nullable NodeId remoteId;
  private volatile @Nullable Hello hello;
  private volatile List<SharedProtocol> shared = List.of();
  private volatile @Nullable ProtocolHandlers handlers;
  private volatile boolean established;
  private volatile @Nullable SessionEnd end;

  /**
   * Creates a session.
   *
   * @param dial by which this node has connected; null when the peer has dialed
   */
  Session(
      SessionContext context,
      Channel channel,
      InetSocketAddress remoteAddress,
      Dialer.@Nullable Dial dial) {
    this.channel = channel;
    this.remoteAddress = remoteAddress;
    this.dial = dial;
    this.window = new SendWindow(context.settings());
    this.owner = context.owner();
    this.handler = new SessionHandler(this, context, channel, window);
  }

  /** Adds the handlers of the session to the pipeline of its channel. */
  void install() {
    handler.install();
  }

  // ---- facts

  /** Returns the peer; only after it has proved its identity. */
  NodeId id() {
    return Objects.requireNonNull(remoteId);
  }

  /** Returns the peer; only after it has proved its identity. */
  PeerId peerId() {
    return new PeerId(DevP2pNetwork.NAME, id().toString());
  }

  /** Returns the peer; null before it has proved its identity. */
  @Nullable NodeId remoteId() {
    return remoteId;
  }

  InetSocketAddress remoteAddress() {
    return remoteAddress;
  }

  @Override
  public boolean inbound() {
    return dial == null;
  }

  /** Returns whether the operator has named the peer; false before Hello, which proves its key. */
  @Override
  public boolean isNamed() {
    return hello != null && owner.isNamed(id());
  }

  /** Returns the URL that was dialed; null when the peer has dialed. */
  @Nullable NodeUrl dialed() {
    return dial == null ? null : dial.url();
  }

  /** Returns the dial by which this node has connected; null when the peer has dialed. */
  Dialer.@Nullable Dial dial() {
    return dial;
  }

  /** Returns whether all sub-protocols have been established; also after the end. */
  boolean isEstablished() {
    return established;
  }

  /** Returns whether the session has ended, or ends. */
  boolean hasEnded() {
    return ending.get();
  }

  /** Returns how the session has ended; null while its connection is open. */
  @Nullable SessionEnd end() {
    return end;
  }

  /** Returns whether the session uses an implementation of a sub-protocol. */
  boolean uses(WireProtocol protocol) {
    return shared.stream().anyMatch(one -> one.protocol() == protocol);
  }

  /** Returns the implementations that the session uses. */
  List<WireProtocol> protocols() {
    return implementations(shared);
  }

  /**
   * Returns whether a new connection to the peer would use the same implementations, as far as its
   * Hello says; true before Hello.
   *
   * @param own the sub-protocols of this node
   */
  boolean isUpToDate(Collection<WireProtocol> own) {
    Hello known = hello;
    return known == null
        || implementations(SharedProtocol.match(own, known.capabilities())).equals(protocols());
  }

  private static List<WireProtocol> implementations(List<SharedProtocol> protocols) {
    return protocols.stream().map(SharedProtocol::protocol).toList();
  }

  /** Returns whether the peer has read most of what it was sent. */
  boolean isWritable() {
    return window.isWritable() && !hasEnded();
  }

  /** Returns the bytes that wait to be sent. */
  long unsentBytes() {
    return window.unsentBytes();
  }

  /**
   * Describes the peer; only after Hello.
   *
   * @param trusted whether it is exempt from the limit of peers
   * @param configured whether the operator has named it
   */
  PeerInfo info(boolean trusted, boolean configured) {
    Hello known = Objects.requireNonNull(hello);
    ProtocolHandlers calls = handlers;
    Map<String, Map<String, Object>> protocols = calls == null ? Map.of() : calls.info();
    List<Capability> common = shared.stream().map(SharedProtocol::capability).toList();
    InetSocketAddress local =
        channel.localAddress() instanceof InetSocketAddress address
            ? address
            : InetSocketAddress.createUnresolved("", 0);
    return new PeerInfo(
        peerId(),
        url(known),
        known.clientId(),
        common,
        local,
        remoteAddress,
        inbound(),
        trusted,
        configured,
        calls == null ? null : calls.head(),
        protocols);
  }

  private String url(Hello known) {
    if (dial != null) {
      return dial.url().toString();
    }
    int port = known.port();
    String host = remoteAddress.getAddress().getHostAddress();
    int scope = host.indexOf('%'); // of a link-local address; it is of use on this machine only
    String address = scope < 0 ? host : host.substring(0, scope);
    return new NodeUrl(id(), address, port, port).toString();
  }

  // ---- changes by the handler

  /** Records who the peer is. */
  void identified(NodeId id) {
    remoteId = id;
  }

  /** Records what was agreed on with Hello. */
  void agreed(Hello received, List<SharedProtocol> common, ProtocolHandlers calls) {
    hello = received;
    shared = common;
    handlers = calls;
  }

  /** Records that all sub-protocols are established. */
  void allEstablished() {
    established = true;
  }

  /** Records that the connection is closed. */
  void closed(SessionEnd how) {
    end = how;
  }

  /** Begins the end; returns false when it has begun before. */
  boolean beginEnd() {
    return ending.compareAndSet(false, true);
  }

  // ---- actions

  /**
   * Sends a message of a sub-protocol.
   *
   * @param id number of the message on the connection
   * @return false when the session has ended, or ends now because too much waits to be sent
   */
  boolean send(int id, byte[] payload) {
    if (payload.length > ProtocolHandlers.MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException("a message of " + payload.length + " bytes is too long");
    }
    Hello known = hello;
    if (hasEnded() || known == null) {
      return false;
    }
    byte[] data =
        BaseMessages.frame(id, known.isSnappy() ? SnappyBlock.compress(payload) : payload);
    if (!window.reserve(data.length)) {
      end(DisconnectReason.TCP_ERROR, "the peer does not read: too many bytes wait to be sent");
      return false;
    }
    return handler.write(data);
  }

  /** Records that a sub-protocol has completed its handshake. */
  void protocolEstablished(SharedProtocol protocol) {
    handler.protocolEstablished(protocol);
  }

  /**
   * Ends the session: Disconnect is sent when possible, then the connection is closed. Does nothing
   * when the session has ended.
   */
  void end(DisconnectReason reason, String detail) {
    if (beginEnd()) {
      handler.end(new SessionEnd(reason, false, detail));
    }
  }

  @Override
  public void evict() {
    end(
        DisconnectReason.TOO_MANY_PEERS,
        "the memory for peers is used up, and this one occupies much of it");
  }
}
