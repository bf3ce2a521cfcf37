// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Node discovery on one UDP port. A datagram belongs to version 4 when its hash is right, else to
 * version 5.
 *
 * <p>The thread of the socket checks what is cheap: size, source, rate, hash, form and expiration.
 * At most {@link AdmissionGate#MAX_IN_FLIGHT} packets wait for the discovery thread, which verifies
 * signatures and has all state, and {@link ReplyGate#MAX_IN_FLIGHT} more of nodes to which this one
 * has sent a request.
 *
 * <p>Threading: any thread. {@link #start} and {@link #close} at most once.
 */
public final class Discovery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Discovery.class);

  /** Tasks in a row before the timers are looked at. */
  private static final int BATCH = 64;

  private static final long SAVE_MILLIS = TimeUnit.MINUTES.toMillis(10);

  /** Time until the entries of the sub-protocols are asked for again: a fork may have begun. */
  private static final long UPDATE_MILLIS = TimeUnit.SECONDS.toMillis(30);

  /** The same while there are no entries: the chain, or a sub-protocol, starts later. */
  private static final long FIRST_UPDATE_MILLIS = TimeUnit.SECONDS.toMillis(1);

  private final DiscoverySettings settings;
  private final Supplier<Map<String, Bytes>> protocolEntries;
  private final CandidateFilter candidates;
  private final InstantSource clock;
  private final LongSupplier nanoTime;

  private final Failures failures = new Failures("node discovery", LOG::warn, LOG::info);
  private final Failures packetFailures =
      new Failures("the handling of a discovery packet", LOG::warn, LOG::info);
  private final Loop loop = new Loop("p2p-devp2p-discovery-0", failures, this::step);

  /** Tasks of the discovery thread; the packets among them are limited by the gate. */
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  private final AdmissionGate gate;
  private final ReplyGate replies;
  private final Timers timers;
  private final NodeDatabase database;

  /** The node lists in the DNS; null when there are none. */
  private final @Nullable DnsLists dnsLists;

  /** Whether a task that starts a lookup waits. */
  private final AtomicBoolean lookupRequested = new AtomicBoolean();

  private volatile @Nullable Running running;

  /** The parts that exist while the socket is open. */
  private record Running(
      UdpSocket socket,
      LocalRecord localRecord,
      @Nullable Version<DiscoveryV4> v4,
      @Nullable Version<DiscoveryV5> v5) {
    Running with(UdpSocket otherSocket) {
      return new Running(otherSocket, localRecord, v4, v5);
    }
  }

  /** A version of the protocol with its table. */
  private record Version<P extends NodeProtocol>(
      P protocol, NodeTable table, TableMaintenance maintenance) {}

  /**
   * Creates a discovery that is not started.
   *
   * @param protocolEntries returns what the sub-protocols add to the own record, the values as RLP
   *     items by key. Called by the thread that starts discovery, then by the discovery thread
   * @param accepts whether a sub-protocol accepts the entries of a record. Called by the discovery
   *     thread
   * @param dialer gets the candidates that {@link #lookup} finds. Called by the discovery thread,
   *     which it must not block
   * @throws IllegalArgumentException when the URL of a DNS node list is malformed
   */
  public Discovery(
      DiscoverySettings settings,
      Supplier<Map<String, Bytes>> protocolEntries,
      Predicate<Map<String, Bytes>> accepts,
      Consumer<Node> dialer) {
    this(settings, protocolEntries, accepts, dialer, InstantSource.system(), System::nanoTime);
  }

  Discovery(
      DiscoverySettings settings,
      Supplier<Map<String, Bytes>> protocolEntries,
      Predicate<Map<String, Bytes>> accepts,
      Consumer<Node> dialer,
      InstantSource clock,
      LongSupplier nanoTime) {
    this.settings = settings;
    this.protocolEntries = protocolEntries;
    this.candidates = new CandidateFilter(accepts, dialer);
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.gate = new AdmissionGate(nanoTime);
    this.replies = new ReplyGate(nanoTime);
    this.timers = new Timers(nanoTime);
    this.database = new NodeDatabase(settings.database(), clock);
    List<DnsListLink> links = settings.dnsLists().stream().map(DnsListLink::parse).toList();
    SecureRandom random = new SecureRandom();
    this.dnsLists =
        links.isEmpty()
            ? null
            : new DnsLists(links, DnsClient.ofSystem(random), random, this::offerFromDns, nanoTime);
  }

  // ---- life cycle

  /**
   * Binds the socket and starts.
   *
   * @throws IOException when the UDP port cannot be bound; nothing is started then
   */
  public void start() throws IOException {
    UdpSocket socket = new UdpSocket(settings.bind(), this::receive);
    try {
      running = assemble(socket);
    } catch (RuntimeException | Error failure) {
      socket.close();
      throw failure;
    }
    tasks.add(this::startMaintenance);
    loop.start();
    if (dnsLists != null) {
      dnsLists.start();
    }
  }

  private Running assemble(UdpSocket socket) {
    LocalRecord localRecord =
        new LocalRecord(
            settings.privateKey(),
            database,
            new AddressPredictor(timers),
            protocolEntries,
            settings.externalAddress(),
            fallbackAddress(),
            clock,
            socket.port(),
            settings.tcpPort());
    DiscoveryContext context =
        new DiscoveryContext(
            settings.privateKey(),
            clock,
            timers,
            new SecureRandom(),
            new Sender(),
            localRecord,
            database,
            settings.allowed());
    return new Running(
        socket,
        localRecord,
        settings.v4() ? version4(context) : null,
        settings.v5() ? version5(context) : null);
  }

  /** Sends by the socket that is open. */
  private final class Sender implements PacketSender {
    @Override
    public boolean send(byte[] packet, InetSocketAddress recipient) {
      Running current = running;
      return current != null && current.socket().send(packet, recipient);
    }

    @Override
    public void expectReply(InetAddress address) {
      replies.expect(address);
    }
  }

  /**
   * Moves to another UDP port, and announces it soon. The state stays: other nodes repeat the
   * endpoint proof or the handshake.
   *
   * @throws IOException when the address cannot be bound; discovery then stays at its port
   * @throws IllegalStateException when discovery is not running
   */
  public synchronized void rebind(InetSocketAddress address) throws IOException {
    Running before = requireRunning();
    UdpSocket socket = new UdpSocket(address, this::receive);
    running = before.with(socket);
    submit(current -> current.localRecord().setUdpPort(current.socket().port()));
    before.socket().close();
  }

  private InetAddress fallbackAddress() {
    InetAddress bound = settings.bind().getAddress();
    return bound.isAnyLocalAddress() ? Addresses.of(new byte[] {127, 0, 0, 1}) : bound;
  }

  private Version<DiscoveryV4> version4(DiscoveryContext context) {
    NodeTable table = new NodeTable(selfId(), context.random());
    DiscoveryV4 protocol = new DiscoveryV4(context, table);
    List<Contact> bootNodes = contacts(settings.bootNodes());
    return new Version<>(
        protocol, table, new TableMaintenance(context, table, protocol, bootNodes));
  }

  /** Returns the nodes from which version 4 starts. */
  private List<Contact> contacts(List<Node> bootNodes) {
    List<Contact> contacts = new ArrayList<>(bootRecords());
    bootNodes.stream().filter(node -> node.udpPort() != 0).map(Contact::of).forEach(contacts::add);
    return contacts;
  }

  private Version<DiscoveryV5> version5(DiscoveryContext context) {
    NodeTable table = new NodeTable(selfId(), context.random());
    DiscoveryV5 protocol = new DiscoveryV5(context, table);
    return new Version<>(
        protocol, table, new TableMaintenance(context, table, protocol, bootRecords()));
  }

  private Hash selfId() {
    return Hash.wrap(Keccak.hash256(Secp256k1.publicKey(settings.privateKey())));
  }

  private List<Contact> bootRecords() {
    List<Contact> contacts = new ArrayList<>();
    for (NodeRecord record : settings.bootRecords()) {
      Contact contact = Contact.of(record);
      if (contact != null) {
        contacts.add(contact);
      }
    }
    return contacts;
  }

  private void startMaintenance() {
    Running current = running;
    if (current == null) {
      return;
    }
    if (current.v4() != null) {
      current.v4().maintenance().start();
    }
    if (current.v5() != null) {
      current.v5().maintenance().start();
    }
    timers.schedule(SAVE_MILLIS, this::save);
    timers.schedule(FIRST_UPDATE_MILLIS, this::update);
  }

  private void update() {
    Running current = running;
    if (current != null) {
      boolean complete = current.localRecord().hasProtocolEntries();
      timers.schedule(complete ? UPDATE_MILLIS : FIRST_UPDATE_MILLIS, this::update);
      current.localRecord().update();
    }
  }

  private void save() {
    database.save();
    timers.schedule(SAVE_MILLIS, this::save);
  }

  /** Closes the socket, ends the threads and stores the known nodes. */
  @Override
  public synchronized void close() {
    Running current = running;
    running = null;
    if (current == null) {
      return;
    }
    current.socket().close();
    if (dnsLists != null) {
      dnsLists.close();
    }
    loop.close();
    tasks.clear();
    database.save();
  }

  // ---- the node

  /**
   * Returns the record of the local node.
   *
   * @throws IllegalStateException when discovery is not running
   */
  public NodeRecord localRecord() {
    return requireRunning().localRecord().current();
  }

  /**
   * Returns the UDP port.
   *
   * @throws IllegalStateException when discovery is not running
   */
  public int port() {
    return requireRunning().socket().port();
  }

  private Running requireRunning() {
    Running current = running;
    if (current == null) {
      throw new IllegalStateException("node discovery is not running");
    }
    return current;
  }

  /** Returns the latest failure as one line; null when there is none. */
  public @Nullable String failure() {
    return Stream.of(
            failures.latest(),
            packetFailures.latest(),
            candidates.failure(),
            dnsLists == null ? null : dnsLists.failure())
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /** Updates the local record soon, because the entries of the sub-protocols may have changed. */
  public void updateLocalRecord() {
    submit(current -> current.localRecord().update());
  }

  /** Announces another port of RLPx soon; 0 when the node accepts no connections. */
  public void setTcpPort(int port) {
    submit(current -> current.localRecord().setTcpPort(port));
  }

  /** Replaces the boot nodes of version 4 soon. */
  public void setBootNodes(List<Node> nodes) {
    submit(
        current -> {
          if (current.v4() != null) {
            current.v4().maintenance().setBootNodes(contacts(nodes));
          }
        });
  }

  /**
   * Looks up a random target with each version of the protocol, reads some nodes of the DNS lists,
   * and passes the nodes of the local chain to the dialer as they are found. Does nothing when such
   * a request waits already.
   */
  public void lookup() {
    if (!lookupRequested.compareAndSet(false, true)) {
      return;
    }
    submit(
        current -> {
          lookupRequested.set(false);
          if (current.v4() != null) {
            lookup(current.v4());
          }
          if (current.v5() != null) {
            lookup(current.v5());
          }
        });
    if (dnsLists != null) {
      dnsLists.request();
    }
  }

  private void offerFromDns(NodeRecord record) {
    Node node = record.node();
    if (node != null && settings.allowed().test(node.address())) {
      submit(current -> candidates.offer(new Contact(record.id(), node, record)));
    }
  }

  private void lookup(Version<?> version) {
    version
        .maintenance()
        .lookup(
            LookupTarget.random(new SecureRandom()),
            found -> candidates.offer(found, version.protocol()));
  }

  private void submit(Consumer<Running> task) {
    if (running == null) {
      return;
    }
    tasks.add(
        () -> {
          Running current = running;
          if (current != null) {
            task.accept(current);
          }
        });
    loop.wake();
  }

  // ---- packets

  /** Takes a datagram, of which it keeps no reference when it is dropped. */
  void receive(byte[] datagram, InetSocketAddress source) {
    Running current = running;
    InetAddress address = source.getAddress();
    if (current == null
        || datagram.length < V5Codec.MIN_BYTES
        || datagram.length > V4Codec.MAX_BYTES
        || source.getPort() == 0
        || !settings.allowed().test(address)) {
      return;
    }
    boolean isReply = !gate.tryEnter(address);
    if (isReply && !replies.tryEnter(address)) {
      return;
    }
    Runnable release = isReply ? replies::leave : () -> gate.leave(address);
    PacketTask task = null;
    try {
      task = prepare(current, datagram, source);
    } catch (MalformedPacketException malformed) {
      logDropped(source, malformed);
    } finally {
      if (task == null) {
        release.run();
      }
    }
    if (task == null) {
      return;
    }
    if (isReply || gate.tryVerify()) {
      submit(task, source, release);
    } else {
      release.run();
      if (replies.tryEnter(address)) {
        submit(task, source, replies::leave);
      }
    }
  }

  private void submit(PacketTask task, InetSocketAddress source, Runnable release) {
    tasks.add(() -> handle(task, source, release));
    loop.wake();
  }

  /** The part of the handling of a packet that needs cryptography. */
  private interface PacketTask {
    void run() throws MalformedPacketException;
  }

  /** Returns null when the protocol of the packet does not run. */
  private static @Nullable PacketTask prepare(
      Running current, byte[] datagram, InetSocketAddress source) throws MalformedPacketException {
    if (V4Codec.matches(datagram)) {
      if (current.v4() == null) {
        return null;
      }
      DiscoveryV4 protocol = current.v4().protocol();
      V4Codec.Received received = V4Codec.decode(datagram);
      protocol.checkExpiration(received, source);
      return () -> protocol.handle(received, source);
    }
    if (current.v5() == null) {
      return null;
    }
    DiscoveryV5 protocol = current.v5().protocol();
    V5Codec.Received received = protocol.decode(datagram);
    return () -> protocol.handle(received, source);
  }

  private void handle(PacketTask task, InetSocketAddress source, Runnable release) {
    try {
      packetFailures.run(() -> runOrDrop(task, source));
    } finally {
      release.run();
    }
  }

  private static void runOrDrop(PacketTask task, InetSocketAddress source) {
    try {
      task.run();
    } catch (MalformedPacketException malformed) {
      logDropped(source, malformed);
    }
  }

  private static void logDropped(InetSocketAddress source, MalformedPacketException malformed) {
    LOG.debug("Dropped a packet from {}: {}", source, malformed.getMessage());
  }

  private long step() {
    for (int i = 0; i < BATCH; i++) {
      Runnable task = tasks.poll();
      if (task == null) {
        break;
      }
      task.run();
    }
    long rest = timers.runDue();
    return tasks.isEmpty() ? rest : 0;
  }
}
