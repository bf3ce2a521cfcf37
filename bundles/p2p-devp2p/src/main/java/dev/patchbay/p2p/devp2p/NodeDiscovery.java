// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Discovery;
import dev.patchbay.p2p.devp2p.discovery.DiscoverySettings;
import dev.patchbay.p2p.devp2p.discovery.Node;
import dev.patchbay.p2p.devp2p.discovery.NodeRecord;
import dev.patchbay.p2p.devp2p.discovery.Outage;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the network finds nodes that the operator has not named. Node discovery has the UDP port with
 * the number of the TCP port, or any free one while that is taken.
 *
 * <p>Threading: any thread; {@link #lookUp} by one thread only.
 */
final class NodeDiscovery implements AutoCloseable {
  /** Time between two lookups while they find new nodes. */
  static final Duration MIN_PAUSE = Duration.ofSeconds(4);

  /** Greatest time between two lookups; the pause doubles while they find nothing new. */
  static final Duration MAX_PAUSE = Duration.ofMinutes(1);

  private static final Logger LOG = LoggerFactory.getLogger(NodeDiscovery.class);

  private final DiscoveryOptions options;
  private final NodeKey key;
  private final DevP2pSettings settings;
  private final @Nullable Path database;
  private final Supplier<Map<String, Bytes>> protocolEntries;
  private final Predicate<Map<String, Bytes>> accepts;
  private final Predicate<NodeUrl> dialer;
  private final InstantSource clock;
  private final IntSupplier tcpPort;
  private final Scheduler scheduler;
  private final BootNodes bootNodes;

  /** Whether boot nodes of version 4 are configured. */
  private final boolean hasBootUrls;

  /** The start on the wanted UDP port. */
  private final Outage outage = new Outage(LOG::warn, text -> {});

  private volatile @Nullable Discovery discovery;
  private volatile boolean quickly = true;
  private Duration pause = MIN_PAUSE;
  private Instant nextLookup;

  /** Guarded by this. */
  private boolean closed;

  /**
   * Creates a discovery that is not started.
   *
   * @param database file of the known nodes; null when they are not stored
   * @param protocolEntries returns what the sub-protocols add to the node record
   * @param accepts whether a sub-protocol accepts the entries of a node record
   * @param dialer gets the nodes that are found; returns whether a node was not known
   * @param tcpPort returns the port of RLPx; 0 while the node accepts no connections
   * @param scheduler runs what is tried again
   * @param resolver looks up the names of boot nodes
   */
  NodeDiscovery(
      DiscoveryOptions options,
      NodeKey key,
      DevP2pSettings settings,
      @Nullable Path database,
      Supplier<Map<String, Bytes>> protocolEntries,
      Predicate<Map<String, Bytes>> accepts,
      Predicate<NodeUrl> dialer,
      InstantSource clock,
      IntSupplier tcpPort,
      Scheduler scheduler,
      BootNodes.Resolver resolver) {
    this.options = options;
    this.key = key;
    this.settings = settings;
    this.database = database;
    this.protocolEntries = protocolEntries;
    this.accepts = accepts;
    this.dialer = dialer;
    this.clock = clock;
    this.tcpPort = tcpPort;
    this.scheduler = scheduler;
    nextLookup = clock.instant();
    List<NodeUrl> urls =
        settings.bootNodes().stream()
            .filter(url -> url.udpPort() != 0 && !url.id().equals(key.id()))
            .toList();
    bootNodes = new BootNodes(urls, resolver, scheduler, LOG::warn, LOG::info);
    hasBootUrls = !urls.isEmpty();
  }

  /**
   * Starts; does nothing when node discovery is off. A UDP port that cannot be used is logged, and
   * tried again.
   */
  void start() {
    if (!options.isOn()) {
      return;
    }
    if (options.v5() && !options.v4() && hasBootUrls && options.bootRecords().isEmpty()) {
      LOG.warn(
          "{}: v5 starts from node records (enr:…), and {} has enode URLs only",
          DevP2pSettings.optionOf("discovery"),
          DevP2pSettings.optionOf("boot.nodes"));
    }
    if (!bind()) {
      scheduler.retry(BindFailure.MIN_PAUSE, BindFailure.MAX_PAUSE, this::bind);
    }
    if (options.v4()) {
      bootNodes.start(this::bootNodesChanged);
    }
  }

  /** Starts discovery, or moves it to its UDP port; returns whether no further try is needed. */
  private synchronized boolean bind() {
    if (closed) {
      return true;
    }
    int port = tcpPort.getAsInt() == 0 ? Math.max(0, settings.port()) : tcpPort.getAsInt();
    InetSocketAddress address = new InetSocketAddress(settings.host(), port);
    try {
      Discovery running = discovery;
      if (running == null) {
        running = started(address);
        discovery = running;
      } else {
        running.rebind(address);
      }
      LOG.info("node discovery {} uses UDP port {}", options.versions(), running.port());
      outage.succeeded("");
      return true;
    } catch (Throwable failure) { // an error, too, must not end the retries
      outage.failed(failed(BindFailure.of(failure, address, "UDP port")));
      return false;
    }
  }

  /** Starts discovery on any port when the port is the cause; returns what does not work. */
  private String failed(BindFailure failure) {
    if (discovery == null && failure.isOfPort()) {
      try {
        discovery = started(new InetSocketAddress(settings.host(), 0));
      } catch (Throwable again) { // the first failure counts
        LOG.debug("node discovery cannot use any UDP port: {}", again.toString());
      }
    }
    Discovery running = discovery;
    String state =
        running == null
            ? "node discovery does not work: "
            : "node discovery uses UDP port " + running.port() + ": ";
    return state + failure.text() + ". The node tries again";
  }

  private Discovery started(InetSocketAddress address) throws IOException {
    Discovery created =
        new Discovery(
            new DiscoverySettings(
                key.copySecret(),
                address,
                tcpPort.getAsInt(),
                options.externalAddress(),
                bootNodes.nodes(),
                options.bootRecords(),
                options.dnsLists(),
                database,
                settings.networks()::allows,
                options.v4(),
                options.v5()),
            protocolEntries,
            accepts,
            this::found);
    try {
      created.start();
    } catch (Throwable failure) { // no memory for a thread: the next attempt needs the port
      created.close();
      throw failure;
    }
    return created;
  }

  /** Announces the port of RLPx, which has changed. */
  synchronized void tcpPortChanged() {
    Discovery running = discovery;
    if (running != null) {
      running.setTcpPort(tcpPort.getAsInt());
    }
  }

  private void bootNodesChanged() {
    Discovery running = discovery;
    if (running != null) {
      running.setBootNodes(bootNodes.nodes());
      running.lookup();
    }
  }

  private void found(Node node) {
    if (dialer.test(NodeUrl.of(node))) {
      quickly = true;
    }
  }

  /** Closes the socket and ends the threads; does nothing when it has ended. */
  @Override
  public void close() {
    Discovery running;
    synchronized (this) {
      closed = true;
      running = discovery;
      discovery = null;
    }
    if (running != null) {
      running.close();
    }
  }

  /**
   * Looks for nodes when it is time to do so; they are given to the dialer as they are found.
   *
   * @param wanted whether more nodes are wanted
   * @return for how many milliseconds nothing is due
   */
  long lookUp(boolean wanted) {
    Discovery running = discovery;
    if (running == null || !wanted) {
      return MAX_PAUSE.toMillis();
    }
    Instant now = clock.instant();
    if (quickly) {
      quickly = false;
      pause = MIN_PAUSE;
      nextLookup = nextLookup.isAfter(now.plus(MIN_PAUSE)) ? now.plus(MIN_PAUSE) : nextLookup;
    }
    if (!now.isBefore(nextLookup)) {
      running.lookup();
      nextLookup = now.plus(pause);
      Duration doubled = pause.multipliedBy(2);
      pause = doubled.compareTo(MAX_PAUSE) > 0 ? MAX_PAUSE : doubled;
    }
    return Duration.between(now, nextLookup).toMillis() + 1;
  }

  /** Shortens the pause between lookups: a peer was lost, or a sub-protocol was added. */
  void hurry() {
    quickly = true;
  }

  /** Asks the sub-protocols again for what they add to the node record. */
  void updateRecord() {
    Discovery running = discovery;
    if (running != null) {
      running.updateLocalRecord();
    }
  }

  /** Returns the node record of this node; null while discovery does not run. */
  @Nullable NodeRecord localRecord() {
    Discovery running = discovery;
    try {
      return running == null ? null : running.localRecord();
    } catch (IllegalStateException closedMeanwhile) {
      return null;
    }
  }

  /** Returns the UDP port; 0 while discovery does not run. */
  int port() {
    Discovery running = discovery;
    try {
      return running == null ? 0 : running.port();
    } catch (IllegalStateException closedMeanwhile) {
      return 0;
    }
  }

  /** Returns what does not work, each as one line for the operator. */
  List<String> failures() {
    List<String> out = new ArrayList<>();
    String failure = outage.latest();
    if (failure != null) {
      out.add(failure);
    }
    Discovery running = discovery;
    String latest = running == null ? null : running.failure();
    if (latest != null) {
      out.add("node discovery: " + latest + "; the node tries again, see the log");
    }
    return out;
  }
}
