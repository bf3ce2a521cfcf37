// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.OperatorChanges;
import dev.patchbay.primitives.Address;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.socket.SocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network: accepts and dials connections, watches their deadlines, and says which peers there
 * are. One thread dials and looks up names, another one watches.
 *
 * <p>Threading: any thread.
 */
final class ChronosNetwork implements Network, Messages.Admission, AutoCloseable {
  /** The list that an operator changes. */
  private static final String PEERS = "peers";

  private static final Logger LOG = LoggerFactory.getLogger(ChronosNetwork.class);

  private static final List<Capability> CAPABILITIES =
      List.of(new Capability(Connection.NETWORK, 1));

  private static final long TICK_MILLIS = 100;
  private static final long DIAL_MILLIS = 250;
  private static final long END_MILLIS = 1_000;
  private static final long CACHE_BYTES = 32L * 1024 * 1024;
  private static final int HEAP_SHARE = 16;

  private final ChronosSettings settings;
  private final @Nullable TlsFiles tls;
  private final LocalChain chain;
  private final LongSupplier millis = () -> System.nanoTime() / 1_000_000;
  private final Transport transport = new Transport();
  private final Connections connections;
  private final Dials dials;
  private final OperatorChanges changes;
  private final Bans bans = new Bans(InstantSource.system());
  private final ByteBudget budget;
  private final ByteBudget unsent;
  private final NewBlocks newBlocks;
  private final Messages messages;
  private final ClientRole client;
  private final ChronosCommands commands;
  private final Warnings warnings = new Warnings();
  private final HostRates hostRates = new HostRates();

  /** How many connections have ended for each reason, of a fixed set. */
  private final Map<String, AtomicLong> ends = new ConcurrentHashMap<>();

  private final Loop watch;
  private final Loop dialer;
  private final Loop listening;
  private volatile int port;
  private volatile boolean closed;

  /**
   * Creates a network that is not started.
   *
   * @param tls certificates; null for plain TCP
   */
  ChronosNetwork(
      ChronosSettings settings, @Nullable TlsFiles tls, LocalChain chain, Random random) {
    this.settings = settings;
    this.tls = tls;
    this.chain = chain;
    long heap = Runtime.getRuntime().maxMemory() / HEAP_SHARE;
    budget = new ByteBudget(Math.max(2L * Limits.MAX_BLOCK_FRAME, heap));
    unsent = new ByteBudget(Math.max(2L * Limits.MAX_UNSENT_BYTES, heap));
    BlockCache cache = new BlockCache(Math.min(CACHE_BYTES, heap));
    connections = new Connections(settings.maxConnections());
    dials = new Dials(settings.peers(), millis);
    changes = new OperatorChanges(settings.peers().toString());
    newBlocks = new NewBlocks(chain, cache, millis);
    client = new ClientRole(chain);
    messages =
        new Messages(chain, new ServerRole(chain, newBlocks), client, this, settings.strict());
    BlockSender sender = new BlockSender(connections::peers, chain, random);
    commands = new ChronosCommands(connections::peer, chain, new BlockFetch(chain, cache), sender);
    watch = loop("p2p-chronos-watch-0", "watching the connections of Chronos", this::watch);
    dialer = loop("p2p-chronos-dialer-0", "dialing nodes of Chronos", this::dial);
    listening =
        new Loop(
            "p2p-chronos-listener-0",
            new Failures("listening for Chronos", (text, cause) -> LOG.warn(text), LOG::info),
            this::listen);
  }

  private static Loop loop(String thread, String name, Loop.Step step) {
    return new Loop(thread, new Failures(name, LOG::warn, LOG::info), step);
  }

  /** Listens, when the port is free now, and starts the threads; at most once. */
  void start() {
    try {
      listen();
    } catch (Exception failure) {
      LOG.debug("chronos tries to listen again", failure); // the loop reports it
    }
    watch.start();
    dialer.start();
    listening.start();
  }

  ChronosCommands commands() {
    return commands;
  }

  void setEvents(PeerEvents events) {
    newBlocks.events().set(events);
    connections.peers().forEach(peer -> publishConnected(events, peer));
  }

  void unsetEvents(PeerEvents events) {
    newBlocks.events().compareAndSet(events, null);
  }

  // ---- connections

  private long listen() throws Exception {
    if (port == 0 && settings.port() != ChronosSettings.NO_PORT && !closed) {
      InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
      try {
        port = transport.listen(address, this::accepted);
      } catch (Exception failure) {
        throw new IllegalStateException(
            "chronos does not accept connections at "
                + HostPort.text(address)
                + " ("
                + failure.getMessage()
                + "): set host and port of "
                + ChronosComponent.NAME,
            failure);
      }
      LOG.info("chronos listens on {}{}", url(), tls == null ? "" : ", with TLS");
    }
    return Loop.UNTIL_WOKEN;
  }

  private void accepted(SocketChannel channel) {
    InetAddress source = channel.remoteAddress().getAddress();
    Connection connection = new Connection(channel, settings.lines(), null, unsent, millis);
    boolean isNamed = !source.isLoopbackAddress() && dials.isAt(source);
    if (bans.contains(source.getHostAddress())
        || !connections.addAccepted(connection, source, isNamed)) {
      refuse(channel);
      return;
    }
    add(channel, connection);
  }

  /** With TLS the error would have to be encrypted: the connection just ends. */
  private void refuse(SocketChannel channel) {
    count("sent", "busy");
    if (tls != null) {
      channel.close();
      return;
    }
    byte[] error =
        Json.write(
            MessageCode.ERROR, Map.of("code", "busy", "message", "too many connections"), null);
    channel
        .writeAndFlush(
            settings.lines()
                ? Unpooled.wrappedBuffer(error, new byte[] {'\n'})
                : Unpooled.buffer().writeInt(error.length).writeBytes(error))
        .addListener(ChannelFutureListener.CLOSE);
  }

  private void add(SocketChannel channel, Connection connection) {
    channel.closeFuture().addListener(closed -> ended(connection));
    if (tls != null) {
      channel
          .pipeline()
          .addLast(
              (connection.inbound() ? tls.server() : tls.client()).newHandler(channel.alloc()));
      channel.pipeline().addLast(new TlsReports(connection, warnings));
    }
    FrameDecoder frames =
        new FrameDecoder(
            settings.lines(),
            millis,
            budget.share(() -> connection.fail(FrameDecoder.tooMany(), null)));
    connection.setFrames(frames);
    channel.pipeline().addLast(frames);
    channel
        .pipeline()
        .addLast(
            transport.workers(),
            new ConnectionHandler(
                connection,
                frames,
                messages,
                connection.inbound()
                    ? hostRates.of(channel.remoteAddress().getAddress(), System.nanoTime())
                    : null,
                System::nanoTime));
  }

  private void ended(Connection connection) {
    connection.closed();
    connections.remove(connection);
    PeerId id = connection.id();
    Connection.End end = connection.end();
    if (end != null) {
      count(end.byPeer() ? "received" : "sent", end.code());
    }
    if (id != null) {
      boolean byPeer = end != null && end.byPeer();
      connection.publishEnd(() -> publishDisconnected(connection, id, byPeer));
    }
    HostPort node = connection.target();
    if (node != null) {
      dials.ended(node);
    }
  }

  private void publishDisconnected(Connection connection, PeerId id, boolean byPeer) {
    PeerEvents target = newBlocks.events().get();
    if (target != null) {
      target.disconnected(new PeerEvent.PeerDisconnected(id, connection.remote(), null, byPeer));
    }
  }

  private void count(String side, String reason) {
    ends.computeIfAbsent(side + ": " + reason, key -> new AtomicLong()).incrementAndGet();
  }

  @Override
  public boolean admit(Connection peer, Shakehand stated, Runnable reply) {
    Address own = chain.address();
    HostPort node = peer.target();
    if (node != null) {
      dials.identified(node, stated.address(), peer.remote().getAddress());
    }
    if (stated.address().equals(own) && !own.equals(Address.ZERO)) {
      peer.end("connected to self", false);
      peer.close();
      return false;
    }
    if (!connections.establish(peer, own, stated, reply)) {
      return false;
    }
    if (node != null) {
      dials.established(node);
    }
    PeerEvents target = newBlocks.events().get();
    if (target != null) {
      publishConnected(target, peer);
    }
    return true;
  }

  private static void publishConnected(PeerEvents target, Connection peer) {
    PeerId id = peer.id();
    if (id != null) {
      peer.publishStart(() -> target.connected(new PeerEvent.PeerConnected(id, peer.remote())));
    }
  }

  /** Watches the deadlines of all connections; a step of a {@link Loop}. */
  private long watch() {
    for (Connection connection : connections.all()) {
      if (connection.endingMillis() > END_MILLIS) {
        connection.close();
      } else if (!connection.isEnding()) {
        watch(connection);
      }
    }
    return TICK_MILLIS;
  }

  private void watch(Connection peer) {
    if (peer.isUnread()) {
      peer.endUnread();
      return;
    }
    peer.requests().expire();
    peer.resume();
    String late = peer.late();
    if (late != null) {
      peer.fail(WireException.closing("timeout", late), null);
    } else if (peer.isEstablished()
        && !peer.inbound()
        && peer.sinceShakehand() >= Limits.KEEP_ALIVE.toMillis()) {
      try {
        messages.shake(peer);
      } catch (WireException unavailable) {
        peer.fail(unavailable, null);
      }
    }
  }

  private long dial() {
    if (messages.own() == null) {
      return DIAL_MILLIS; // the chain is not available yet
    }
    for (HostPort node : dials.due(connections::isConnected)) {
      if (bans.contains(node.toString())) {
        dials.ended(node);
        continue;
      }
      try {
        InetAddress host = InetAddress.getByName(node.host());
        dials.dialed(node, host);
        connect(node, new InetSocketAddress(host, node.port()));
      } catch (UnknownHostException unknown) {
        LOG.debug("chronos: the host of {} is not known", node);
        dials.ended(node);
      } catch (Throwable failure) { // no memory: it is dialed again
        dials.ended(node);
        throw failure;
      }
    }
    return DIAL_MILLIS;
  }

  private void connect(HostPort node, InetSocketAddress address) {
    AtomicBoolean isCreated = new AtomicBoolean();
    transport
        .connect(
            address,
            channel -> {
              isCreated.set(true);
              Connection connection =
                  new Connection(channel, settings.lines(), node, unsent, millis);
              connections.addDialed(connection);
              add(channel, connection);
            })
        .addListener(
            connected -> {
              if (!connected.isSuccess()) {
                LOG.debug("chronos: {} is not reached: {}", node, connected.cause().toString());
                if (!isCreated.get()) { // no file descriptor, say: no end of a connection follows
                  dials.ended(node);
                }
              }
            });
  }

  @Override
  public void close() {
    closed = true;
    listening.close();
    dialer.close();
    watch.close();
    transport.stopListening();
    for (Connection connection : connections.all()) {
      connection.end("node stops", false);
      connection.close();
    }
    transport.close();
  }

  // ---- what it is

  @Override
  public String name() {
    return Connection.NETWORK;
  }

  private String url() {
    return HostPort.text(InetSocketAddress.createUnresolved(settings.host(), port));
  }

  @Override
  public LocalNode localNode() {
    return new LocalNode(chain.address().toString(), url(), null, settings.host(), port, 0);
  }

  @Override
  public List<PeerInfo> peers() {
    List<PeerInfo> out = new ArrayList<>();
    boolean isDriven = chain.isDriven();
    for (Connection peer : connections.peers()) {
      PeerId id = peer.id();
      Shakehand stated = peer.stated();
      if (id != null && stated != null) {
        out.add(info(peer, id, stated, isDriven));
      }
    }
    return out;
  }

  private PeerInfo info(Connection peer, PeerId id, Shakehand stated, boolean isDriven) {
    Map<String, Object> protocol = new LinkedHashMap<>();
    protocol.put("address", stated.address().toString());
    protocol.put("height", stated.height());
    protocol.put("timestamp", stated.timestamp());
    if (stated.headHash() != null) {
      protocol.put("head", stated.headHash().toString());
    }
    protocol.put("sent", peer.sentMessages().snapshot());
    protocol.put("received", peer.receivedMessages().snapshot());
    HostPort node = peer.target();
    return new PeerInfo(
        id,
        peer.url(),
        "chronos/1",
        CAPABILITIES,
        peer.local(),
        peer.remote(),
        peer.inbound(),
        false,
        node != null && dials.contains(node),
        isDriven ? null : peer.head(), // nothing is downloaded from it there
        Map.of(Connection.NETWORK, protocol));
  }

  @Override
  public List<String> pending() {
    return connections.all().stream()
        .filter(one -> !one.wasEstablished() && one.isOpen())
        .map(Connection::url)
        .toList();
  }

  @Override
  public int maxPeers() {
    return connections.max();
  }

  @Override
  public long maxBlockBytes() {
    return chain.maxBlockBytes();
  }

  @Override
  public boolean isListening() {
    return port != 0;
  }

  @Override
  public Map<String, Long> disconnects() {
    Map<String, Long> out = new TreeMap<>();
    ends.forEach((end, count) -> out.put(end, count.get()));
    return out;
  }

  // ---- what operators and sync decide

  @Override
  public boolean addPeer(String url) {
    HostPort node = HostPort.parse(url);
    bans.remove(node.toString());
    boolean isNew = dials.add(node);
    changes.note(PEERS, node.toString(), url, true);
    dialer.wake();
    return isNew;
  }

  @Override
  public boolean removePeer(String url) {
    HostPort node = HostPort.parse(url);
    changes.note(PEERS, node.toString(), url, false);
    boolean wasAdded = dials.remove(node);
    return end(node.toString(), "removed") || wasAdded;
  }

  private boolean end(String url, String reason) {
    boolean found = false;
    for (Connection one : connections.all()) {
      if (one.url().equals(url) && one.end(reason, false)) {
        one.close();
        found = true;
      }
    }
    return found;
  }

  /** Returns what the operator has changed, for a successor. */
  Object changes() {
    return changes.state();
  }

  /** Returns the bans for a successor, as types of the JDK. */
  Object bansUntil() {
    return bans.state();
  }

  /**
   * Makes the changes that the operator has made in a predecessor, and bans what that had banned;
   * ignores what is not theirs.
   */
  void restore(@Nullable Object state, @Nullable Object banned) {
    changes.restore(
        state,
        (list, url, added) -> {
          if (added) {
            addPeer(url);
          } else {
            removePeer(url);
          }
        });
    bans.restore(banned);
  }

  /** All configured nodes are connected to: there is nothing to trust a node for. */
  @Override
  public boolean addTrustedPeer(String url) {
    HostPort.parse(url);
    return false;
  }

  @Override
  public boolean removeTrustedPeer(String url) {
    HostPort.parse(url);
    return false;
  }

  @Override
  public void ban(String url, Duration duration) {
    ban(url, duration, "");
  }

  /** The ERROR of a ban by the operator does not blame the peer. */
  @Override
  public void ban(String url, Duration duration, String reason) {
    HostPort node = HostPort.parse(url);
    boolean byOperator = reason.isEmpty() || reason.equals(PeerBan.BY_OPERATOR);
    String code = byOperator ? WireException.BANNED : "invalid_block";
    boolean isDialed = true; // or may be: an operator bans nodes that are not connected
    for (Connection one : connections.all()) {
      if (one.url().equals(node.toString())) {
        one.fail(WireException.closing(code, reason), null);
        isDialed = !one.inbound();
        banSource(one, duration, reason);
      }
    }
    if (isDialed || dials.contains(node)) {
      bans.add(node.toString(), duration, reason);
    }
  }

  /** Other nodes of this machine are not refused for one of them. */
  private void banSource(Connection one, Duration duration, String reason) {
    InetAddress source = one.remote().getAddress();
    if (one.inbound() && !source.isLoopbackAddress()) {
      bans.add(source.getHostAddress(), duration, reason);
    }
  }

  @Override
  public List<PeerBan> bans() {
    return bans.list();
  }

  @Override
  public boolean unban(String url) {
    return bans.remove(url);
  }

  /** Returns the health of the network. */
  Health health() {
    for (Loop loop : List.of(listening, watch, dialer)) {
      String failure = loop.failure();
      if (failure != null) {
        return Health.degraded(failure + "; the node tries again, see the log");
      }
    }
    if (tls != null && Instant.now().isAfter(tls.certificate().getNotAfter().toInstant())) {
      return Health.degraded(
          "the certificate of tls.certificate has expired on "
              + tls.certificate().getNotAfter()
              + ": no peer accepts it");
    }
    int peers = connections.peers().size();
    return Health.healthy(
        (port == 0 ? "does not listen" : "listens on " + url()) + "; " + peers + " peers");
  }
}
