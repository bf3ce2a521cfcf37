// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.primitives.Bytes;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Dials the nodes that are due. A dial is under way from the time when its node is due until the
 * sub-protocols of the peer are established, or the dial has failed, at the latest until this
 * dialer is closed: a node that says Hello and follows another chain is a failure. A dial ends
 * exactly once, and at most one dial to a node is under way.
 *
 * <p>Threading: any thread; {@link #dialDue} by one thread only.
 */
final class Dialer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Dialer.class);

  private final DialSchedule schedule;
  private final NetRestrict networks;
  private final Executor resolver;
  private final Connector connector;
  private final Runnable onEnd;

  /** The dials under way. */
  private final Map<NodeId, Dial> underWay = new ConcurrentHashMap<>();

  private volatile boolean closed;

  /** One attempt to connect to a node. */
  static final class Dial {
    private final NodeUrl url;

    Dial(NodeUrl url) {
      this.url = url;
    }

    /** Returns the node. */
    NodeUrl url() {
      return url;
    }
  }

  /** Opens connections. */
  interface Connector {
    /**
     * Begins to connect. A connection that is established ends the dial with {@link #succeeded} or
     * {@link #failed}.
     *
     * @return fails when the TCP connection is not established
     */
    Future<?> connect(Dial dial, InetSocketAddress address);
  }

  /**
   * Creates a dialer.
   *
   * @param networks the addresses that may be dialed
   * @param resolver looks up names, which may take seconds; a dial is one task at most
   * @param onEnd called after the end of each dial; must return at once
   */
  Dialer(
      DialSchedule schedule,
      NetRestrict networks,
      Executor resolver,
      Connector connector,
      Runnable onEnd) {
    this.schedule = schedule;
    this.networks = networks;
    this.resolver = resolver;
    this.connector = connector;
    this.onEnd = onEnd;
  }

  /**
   * Begins to dial the nodes that are due.
   *
   * @param candidates how many peers may be dialed that are not configured
   * @param excluded whether a node is not dialed now: it is connected or banned
   * @param peersOf how many peers of a subnet were dialed that are not configured
   */
  void dialDue(int candidates, Predicate<NodeId> excluded, ToIntFunction<Bytes> peersOf) {
    for (NodeUrl url :
        schedule.due(candidates, id -> underWay.containsKey(id) || excluded.test(id), peersOf)) {
      begin(new Dial(url));
    }
  }

  private void begin(Dial dial) {
    underWay.put(dial.url.id(), dial);
    InetAddress literal = dial.url.literalAddress();
    try {
      if (closed) {
        failed(dial, false, null);
      } else if (literal == null) {
        resolver.execute(() -> resolve(dial));
      } else {
        connect(dial, literal);
      }
    } catch (Throwable failure) { // no memory for a thread: the other nodes are dialed
      failed(dial, failure);
    }
  }

  private void resolve(Dial dial) {
    try {
      connect(dial, InetAddress.getByName(dial.url.host()));
    } catch (Throwable failure) { // the thread resolves the names of all nodes
      failed(dial, failure);
    }
  }

  private void connect(Dial dial, InetAddress address) {
    if (closed || !networks.allows(address)) {
      failed(dial, false, null);
      return;
    }
    connector
        .connect(dial, new InetSocketAddress(address, dial.url.tcpPort()))
        .addListener(
            done -> {
              if (!done.isSuccess()) { // refused, timed out, or no file descriptor
                LOG.debug("dialing {} failed: {}", dial.url, String.valueOf(done.cause()));
                failed(dial, false, null);
              }
            });
  }

  private void failed(Dial dial, Throwable failure) {
    if (failure instanceof UnknownHostException || failure instanceof RejectedExecutionException) {
      LOG.debug("dialing {} failed: {}", dial.url, failure.toString()); // or the network ends
    } else {
      LOG.warn("dialing {} failed: {}", dial.url, failure.toString());
    }
    failed(dial, false, null);
  }

  /**
   * Records that the sub-protocols of the node of a dial are established; does nothing when the
   * dial has ended.
   */
  void succeeded(Dial dial) {
    if (end(dial)) {
      schedule.succeeded(dial.url.id());
      onEnd.run();
    }
  }

  /**
   * Records that the node of a dial has not become a peer; does nothing when the dial has ended.
   *
   * @param byPeer whether the peer has ended the connection
   * @param reason the reason that was sent or received; null when there is none
   */
  void failed(Dial dial, boolean byPeer, @Nullable DisconnectReason reason) {
    if (end(dial)) {
      schedule.failed(dial.url.id(), byPeer, reason);
      onEnd.run();
    }
  }

  private boolean end(Dial dial) {
    return underWay.remove(dial.url.id(), dial);
  }

  /** Returns the URLs of the nodes that are being dialed. */
  List<String> underWay() {
    return underWay.values().stream().map(dial -> dial.url.toString()).toList();
  }

  /** Ends all dials; later ones fail. Connections stay. */
  @Override
  public void close() {
    closed = true;
    underWay.values().forEach(dial -> failed(dial, false, null));
  }
}
