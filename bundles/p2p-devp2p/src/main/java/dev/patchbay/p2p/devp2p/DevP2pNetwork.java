// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.binding.OperatorChanges;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devp2p network: accepts and dials connections, and carries the sub-protocols that are
 * registered.
 *
 * <p>Threading: any thread.
 */
final class DevP2pNetwork implements Network, SessionOwner, AutoCloseable {
  static final String NAME = "devp2p";

  /** The lists that an operator changes. */
  private static final String PEERS = "peers";

  private static final String TRUSTED = "trusted";

  private static final Logger LOG = LoggerFactory.getLogger(DevP2pNetwork.class);

  private static final Duration MAX_BAN = Duration.ofDays(366);
  private static final long GOODBYE_MILLIS = 1_500;
  private static final Duration CLOSE_LIMIT = Duration.ofMillis(300);
  private static final Duration RELIEF = Duration.ofMillis(200);

  private final NodeKey key;
  private final DevP2pSettings settings;
  private final PeerManager<Peer> peers;
  private final OperatorChanges changes;
  private final DialSchedule schedule;
  private final Dialer dialer;
  private final BanList bans;
  private final InboundLimiter limiter;
  private final PeerRotation rotation;
  private final KeyCopyCheck keyCopies;
  private final PeerPublisher publisher = new PeerPublisher();
  private final DisconnectCounts counts = new DisconnectCounts();
  private final SubProtocols protocols;

  /** Whether sessions may not use what was added meanwhile. */
  private final AtomicBoolean outdated = new AtomicBoolean();

  private final SessionContext context;
  private final Transport transport;
  private final SchedulerThread scheduler = new SchedulerThread();
  private final WorkerPool workers = new WorkerPool();
  private final NamedThreads resolverThreads = new NamedThreads("resolver");

  /** Looks up names; the tasks are at most one per dial. */
  private final ExecutorService resolver = resolverThreads.executor();

  private final Loop loop;

  /** All sessions, from the accepted or dialed connection to its end; its monitor is notified. */
  private final Set<Session> sessions = ConcurrentHashMap.newKeySet();

  /** Sessions of accepted connections that count as pending; copied to be read. */
  private final Set<Session> handshaking = Collections.synchronizedSet(new HashSet<>());

  /** Sessions that end because a sub-protocol was added or removed. */
  private final Set<Session> toRedial = ConcurrentHashMap.newKeySet();

  /** What the operator should correct although the network works. */
  private final List<String> notices = new CopyOnWriteArrayList<>();

  private final InstantSource clock;
  private volatile @Nullable NodeDiscovery discovery;

  private final TcpListener listener;
  private final LocalEndpoint endpoint;
  private volatile boolean closing;

  /** A session as the manager sees it. */
  private record Peer(Session session, NodeId id, boolean inbound)
      implements PeerManager.Connection {
    static Peer of(Session session) {
      return new Peer(session, session.id(), session.inbound());
    }

    @Override
    public InetAddress address() {
      return session.remoteAddress().getAddress();
    }
  }

  /**
   * Creates a network that is not started.
   *
   * @param clientId name and version of this program
   */
  DevP2pNetwork(
      NodeKey key,
      DevP2pSettings settings,
      SessionSettings sessionSettings,
      String clientId,
      BanList bans,
      InstantSource clock,
      SecureRandom random) {
    this.key = key;
    this.settings = settings;
    this.bans = bans;
    this.clock = clock;
    changes =
        new OperatorChanges(
            settings.staticNodes() + " " + settings.bootNodes() + " " + settings.trustedNodes());
    peers = new PeerManager<>(key.id(), settings.maxPeers(), clock, bans::isBanned);
    schedule = new DialSchedule(clock);
    protocols = new SubProtocols(clock);
    limiter = new InboundLimiter(clock, settings.networks());
    rotation = new PeerRotation(clock, random);
    keyCopies = new KeyCopyCheck(clock, LOG::warn);
    transport = new Transport();
    InetSocketAddress address =
        new InetSocketAddress(settings.host(), Math.max(0, settings.port()));
    listener = new TcpListener(transport, address, this::accepted, scheduler);
    endpoint = new LocalEndpoint(key.id(), settings, listener::port);
    context =
        new SessionContext(
            key,
            clientId,
            listener::port,
            protocols::inUse,
            this,
            workers,
            new Failures("a sub-protocol of devp2p", LOG::warn, LOG::info),
            MemoryBudget.ofHeap(),
            sessionSettings,
            random,
            System::nanoTime);
    loop =
        new Loop(
            "p2p-devp2p-dialer-1",
            new Failures("dialing of peers", LOG::warn, LOG::info),
            this::dialDue);
    dialer = new Dialer(schedule, settings.networks(), resolver, this::connect, loop::wake);
    settings.trustedNodes().forEach(url -> peers.trust(url.id()));
    settings.staticNodes().forEach(this::configure);
    settings.bootNodes().stream().filter(NodeUrl::isDialable).forEach(this::configure);
  }

  /**
   * Lets the network find nodes, and announce its address; before {@link #start}. Without this call
   * node discovery is off.
   *
   * @param database file of the known nodes; null when they are not stored
   */
  void configureDiscovery(DiscoveryOptions options, @Nullable Path database) {
    endpoint.setExternalAddress(options.externalAddress());
    discovery =
        new NodeDiscovery(
            options,
            key,
            settings,
            database,
            protocols::recordEntries,
            protocols::acceptsRecord,
            this::discovered,
            clock,
            listener::port,
            scheduler,
            InetAddress::getByName);
  }

  /** Adds what the operator should correct to the health, and logs it; nothing for null. */
  void addNotice(@Nullable String notice) {
    if (notice != null) {
      LOG.warn(notice);
      notices.add(notice);
    }
  }

  /** Begins to listen and to dial. While a port is taken the node goes on without it. */
  void start() {
    if (settings.port() != DevP2pSettings.NO_PORT) {
      listener.start(this::listensLate);
    }
    settings.staticNodes().forEach(url -> addNotice(endpoint.copyOfKey("static.nodes", url)));
    settings.bootNodes().forEach(url -> addNotice(endpoint.copyOfKey("boot.nodes", url)));
    NodeDiscovery nodes = discovery;
    if (nodes != null) {
      nodes.start();
    }
    if (isListening()) {
      logListening();
    }
    if (settings.maxPeers() == 0) {
      LOG.warn(
          "{} is 0: only the nodes of {} can be peers",
          DevP2pSettings.optionOf("max.peers"),
          DevP2pSettings.optionOf("trusted.nodes"));
    }
    loop.start();
    transport.repeat(
        RELIEF, workers::relieve, new Failures("the relief of threads", LOG::warn, LOG::info));
  }

  /** The launcher shows this line. */
  private void logListening() {
    LOG.info(
        "devp2p listens on {} port {}: {}", settings.host(), listener.port(), localNode().url());
  }

  /** Announces the port. */
  private void listensLate() {
    NodeDiscovery nodes = discovery;
    if (nodes != null) {
      nodes.tcpPortChanged();
    }
    if (isListening()) {
      logListening();
    }
  }

  /**
   * Disconnects from all peers, at most within about 2 seconds, ends all threads, and closes the
   * list of bans.
   */
  @Override
  public void close() {
    closing = true;
    listener.close();
    NodeDiscovery nodes = discovery;
    if (nodes != null) {
      nodes.close();
    }
    loop.close();
    dialer.close();
    sessions.forEach(session -> session.end(DisconnectReason.CLIENT_QUITTING, "the node stops"));
    awaitSessions();
    resolver.shutdownNow();
    scheduler.close();
    transport.close(CLOSE_LIMIT);
    workers.shutdown();
    resolverThreads.join(CLOSE_LIMIT); // a lookup of the platform cannot be interrupted
    if (!workers.join(Duration.ofMillis(GOODBYE_MILLIS))) {
      LOG.warn("a sub-protocol of devp2p still handles a message");
    }
    bans.close();
  }

  private void awaitSessions() {
    long start = System.nanoTime();
    synchronized (sessions) {
      long left = GOODBYE_MILLIS;
      while (!sessions.isEmpty() && left > 0) {
        try {
          sessions.wait(left);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return;
        }
        left = GOODBYE_MILLIS - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      }
    }
  }

  /** Returns the health of the network. */
  Health health() {
    List<String> failures = new ArrayList<>(notices);
    NodeDiscovery nodes = discovery;
    if (nodes != null) {
      failures.addAll(0, nodes.failures());
    }
    String copy = keyCopies.failure();
    if (copy != null) {
      failures.add(copy);
    }
    String dialing = loop.failure();
    if (dialing != null) {
      failures.add(0, dialing);
    }
    String listening = listener.failure();
    if (listening != null) {
      failures.add(0, listening);
    }
    if (!failures.isEmpty()) {
      return Health.degraded(String.join("; ", failures));
    }
    return Health.healthy(
        peers().size() + " peers, " + (isListening() ? "port " + listener.port() : "no port"));
  }

  // ---- sub-protocols

  /**
   * Adds a sub-protocol. Sessions with peers that have announced it end, and are dialed again, once
   * no more are added.
   */
  void addProtocol(NamedServices.Registration registration, WireProtocol protocol) {
    if (protocols.add(registration, protocol)) {
      outdated.set(true);
      protocolsChanged();
    }
  }

  private void protocolsChanged() {
    NodeDiscovery nodes = discovery;
    if (nodes != null) {
      nodes.updateRecord();
      nodes.hurry();
    }
    loop.wake();
  }

  /** Removes a sub-protocol: sessions that use it end, and are dialed again. */
  void removeProtocol(NamedServices.Registration registration, WireProtocol protocol) {
    protocols.remove(registration);
    protocolsChanged();
    negotiateAgain(session -> session.uses(protocol), "a sub-protocol was removed");
  }

  private void negotiateAgain(Predicate<Session> which, String why) {
    for (Session session : sessions) {
      if (which.test(session)) {
        toRedial.add(session);
        session.end(DisconnectReason.REQUESTED, why);
      }
    }
    toRedial.retainAll(sessions); // one may have ended before
  }

  // ---- events

  /** Publishes the peers to a service, those first that are connected. */
  void setEvents(PeerEvents added) {
    publisher.set(added, () -> peers.connections().stream().map(Peer::session));
  }

  /** Ends that, unless another service was set meanwhile. */
  void unsetEvents(PeerEvents removed) {
    publisher.unset(removed);
  }

  // ---- connections

  /**
   * Adds a node that was found: it is dialed while fewer than a third of the peers are dialed ones.
   * The own node, banned nodes, and those outside the permitted networks are ignored.
   *
   * @return false when it was known, or is ignored
   */
  boolean discovered(NodeUrl node) {
    InetAddress address = node.literalAddress();
    if (node.id().equals(key.id())
        || bans.isBanned(node.id())
        || address != null && !settings.networks().allows(address)) {
      return false;
    }
    boolean added = schedule.candidate(node);
    if (added) {
      loop.wake();
    }
    return added;
  }

  private void accepted(SocketChannel channel) {
    InetSocketAddress remote = channel.remoteAddress();
    if (closing || remote == null || !limiter.accept(remote.getAddress())) {
      channel.close();
      return;
    }
    Session session = new Session(context, channel, remote, null);
    handshaking.add(session);
    begin(session);
  }

  private Future<?> connect(Dialer.Dial dial, InetSocketAddress remote) {
    return transport.connect(remote, channel -> begin(new Session(context, channel, remote, dial)));
  }

  private void begin(Session session) {
    sessions.add(session);
    session.install();
  }

  private long dialDue() {
    long unsettled = protocols.millisUntilSettled();
    if (unsettled > 0) {
      return unsettled;
    }
    if (protocols.isEmpty()) {
      return Loop.UNTIL_WOKEN;
    }
    if (outdated.getAndSet(false)) {
      List<WireProtocol> own = protocols.inUse();
      negotiateAgain(session -> !session.isUpToDate(own), "a sub-protocol was added");
    }
    rotate();
    dialer.dialDue(peers.freeDials(), peers::isConnectedOrBanned, peers::dialedOf);
    NodeDiscovery nodes = discovery;
    long lookup = nodes == null ? Loop.UNTIL_WOKEN : nodes.lookUp(peers.freeDials() > 0);
    return Math.min(lookup, Math.min(schedule.millisUntilDue(), rotation.millisUntilDue()));
  }

  private void rotate() {
    Peer chosen = rotation.choose(peers.replaceable(PeerRotation.PROTECTED));
    if (chosen != null) {
      chosen.session().end(DisconnectReason.TOO_MANY_PEERS, "a place for another peer");
    }
  }

  @Override
  public @Nullable DisconnectReason identified(Session session) {
    if (closing) {
      return DisconnectReason.CLIENT_QUITTING;
    }
    if (protocols.isEmpty()) { // while a bundle is replaced: the peer may try again
      return DisconnectReason.REQUESTED;
    }
    DisconnectReason refusal = peers.check(Peer.of(session));
    return refusal == DisconnectReason.SELF ? null : refusal; // reported once Hello proves the key
  }

  @Override
  public @Nullable DisconnectReason admit(Session session) {
    if (closing) {
      return DisconnectReason.CLIENT_QUITTING;
    }
    DisconnectReason refusal = peers.admit(Peer.of(session));
    if (refusal == DisconnectReason.SELF) {
      keyCopies.hasOwnKey(session.remoteAddress());
    }
    if (refusal != null) {
      return refusal;
    }
    peers
        .takeDisplaced()
        .forEach(
            peer ->
                peer.session()
                    .end(DisconnectReason.TOO_MANY_PEERS, "its place is for a configured node"));
    schedule.connected(session.id());
    handshakeEnded(session);
    // sub-protocols may have been removed, and added, since the session has read the list
    List<WireProtocol> own = protocols.inUse();
    if (!own.containsAll(session.protocols())) {
      return DisconnectReason.REQUESTED;
    }
    if (!session.isUpToDate(own)) {
      outdated.set(true);
      loop.wake();
    }
    return null;
  }

  @Override
  public boolean isNamed(NodeId id) {
    return peers.isNamed(id);
  }

  private void handshakeEnded(Session session) {
    if (handshaking.remove(session)) {
      limiter.handshakeEnded(session.remoteAddress().getAddress());
    }
  }

  @Override
  public void established(Session session) {
    Dialer.Dial dial = session.dial();
    if (dial != null) {
      dialer.succeeded(dial);
    }
    publisher.connected(session);
    keyCopies.established(session.id());
    Peer replaced = peers.established(Peer.of(session));
    if (replaced != null) {
      replaced.session().end(DisconnectReason.ALREADY_CONNECTED, "both nodes have dialed");
    }
    LOG.debug("peer {} at {} is connected", session.id().shortText(), session.remoteAddress());
  }

  @Override
  public void ended(Session session, SessionEnd end) {
    sessions.remove(session);
    handshakeEnded(session);
    counts.count(end);
    session.closed(end);
    publisher.disconnected(session, end);
    LOG.debug("the connection to {} has ended {}", session.remoteAddress(), end);
    Dialer.Dial dial = session.dial();
    boolean isFailedDial = false;
    if (dial != null && !session.isEstablished()) {
      isFailedDial = true;
      dialer.failed(dial, end.byPeer(), end.reason());
    }
    NodeId id = session.remoteId();
    boolean wasPeer = id != null && peers.remove(Peer.of(session));
    if (id != null && end.byPeer() && end.reason() == DisconnectReason.ALREADY_CONNECTED) {
      checkKey(id, session.isEstablished());
    }
    if (toRedial.remove(session) && dial != null) {
      schedule.redial(dial.url());
    } else if (id != null && wasPeer && !isFailedDial) {
      schedule.disconnected(id, session.isEstablished(), end.byPeer(), end.reason());
    }
    synchronized (sessions) {
      sessions.notifyAll();
    }
    NodeDiscovery nodes = discovery;
    if (wasPeer && nodes != null) {
      nodes.hurry();
    }
    loop.wake();
  }

  private void checkKey(NodeId peer, boolean established) {
    boolean hasOther = sessions.stream().anyMatch(session -> peer.equals(session.remoteId()));
    if (!hasOther) {
      keyCopies.alreadyConnected(peer, established, isNamed(peer));
    }
  }

  // ---- Network

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public LocalNode localNode() {
    NodeDiscovery nodes = discovery;
    return nodes == null
        ? endpoint.describe(null, 0)
        : endpoint.describe(nodes.localRecord(), nodes.port());
  }

  @Override
  public List<PeerInfo> peers() {
    List<PeerInfo> out = new ArrayList<>();
    for (Peer peer : peers.connections()) {
      if (peer.session().isEstablished() && !peer.session().hasEnded()) {
        out.add(peer.session().info(peers.isTrusted(peer.id()), peers.isConfigured(peer.id())));
      }
    }
    return out;
  }

  @Override
  public List<String> pending() {
    List<String> out = new ArrayList<>(dialer.underWay());
    for (Session session : handshaking.toArray(Session[]::new)) {
      out.add(session.remoteAddress().toString().substring(1));
    }
    return out;
  }

  @Override
  public int maxPeers() {
    return peers.maxPeers();
  }

  @Override
  public boolean isListening() {
    return listener.port() != 0;
  }

  @Override
  public Map<String, Long> disconnects() {
    return counts.snapshot();
  }

  private boolean configure(NodeUrl url) {
    if (url.id().equals(key.id())) {
      return false; // operators give all nodes the same list
    }
    peers.configure(url.id());
    return schedule.configure(url);
  }

  private void note(String list, NodeId id, String url, boolean added) {
    changes.note(list, id.toString(), url, added);
  }

  private boolean addPeer(NodeUrl node) {
    boolean added = configure(node);
    note(PEERS, node.id(), node.toString(), true);
    loop.wake();
    return added;
  }

  @Override
  public boolean addPeer(String url) {
    NodeUrl node = NodeUrl.parse(url);
    if (!node.isDialable()) {
      throw new IllegalArgumentException(node + " has no address to dial");
    }
    bans.unban(node.id());
    return addPeer(node);
  }

  @Override
  public boolean removePeer(String url) {
    NodeId id = NodeUrl.parse(url).id();
    note(PEERS, id, url, false);
    peers.unconfigure(id);
    boolean configured = schedule.remove(id);
    return disconnect(id, "the operator has removed the peer") || configured;
  }

  private boolean disconnect(NodeId id, String detail) {
    List<Peer> open = peers.connections(id);
    open.forEach(peer -> peer.session().end(DisconnectReason.REQUESTED, detail));
    return !open.isEmpty();
  }

  @Override
  public boolean addTrustedPeer(String url) {
    NodeId id = NodeUrl.parse(url).id();
    note(TRUSTED, id, url, true);
    return peers.trust(id);
  }

  @Override
  public boolean removeTrustedPeer(String url) {
    NodeId id = NodeUrl.parse(url).id();
    note(TRUSTED, id, url, false);
    return peers.distrust(id);
  }

  /** Returns what the operator has changed, for a successor. */
  Object changes() {
    return changes.state();
  }

  /** Makes the changes that the operator has made in a predecessor; ignores what is not theirs. */
  void restore(@Nullable Object state) {
    changes.restore(
        state,
        (list, url, added) -> {
          if (list.equals(TRUSTED)) {
            if (added) {
              addTrustedPeer(url);
            } else {
              removeTrustedPeer(url);
            }
          } else if (added) {
            addPeer(NodeUrl.parse(url)); // a ban that came later stays
          } else {
            removePeer(url);
          }
        });
  }

  @Override
  public void ban(String url, Duration duration) {
    ban(url, duration, "");
  }

  @Override
  public void ban(String url, Duration duration, String reason) {
    NodeId id = NodeUrl.parse(url).id();
    if (duration.isNegative() || duration.isZero() || duration.compareTo(MAX_BAN) > 0) {
      throw new IllegalArgumentException("a ban lasts at most a year, not " + duration);
    }
    bans.ban(id, duration, reason);
    disconnect(id, "banned");
  }

  @Override
  public List<PeerBan> bans() {
    return bans.list().stream()
        .map(
            ban ->
                new PeerBan(
                    new PeerId(NAME, ban.id().toString()),
                    new NodeUrl(ban.id(), null, 0, 0).toString(),
                    ban.until(),
                    ban.reason()))
        .toList();
  }

  @Override
  public boolean unban(String url) {
    boolean banned = bans.unban(NodeUrl.parse(url).id());
    loop.wake();
    return banned;
  }
}
