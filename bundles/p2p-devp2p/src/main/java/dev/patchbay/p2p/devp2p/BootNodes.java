// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Node;
import dev.patchbay.p2p.devp2p.discovery.Outage;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The boot nodes of node discovery. Those with a DNS name are looked up again and again: the node
 * may start before the network is up, and the address of a name may change. While a name is not
 * found, the address that was found before stays.
 *
 * <p>Threading: {@link #nodes} by any thread.
 */
final class BootNodes {
  /** Pause after a round in which a name was not found; doubles up to the limit below. */
  static final Duration MIN_PAUSE = Duration.ofSeconds(2);

  static final Duration MAX_PAUSE = Duration.ofMinutes(2);

  /** Pause after a round in which all names were found. */
  static final Duration REFRESH = Duration.ofMinutes(10);

  private final List<BootNode> all;
  private final Resolver resolver;
  private final Scheduler scheduler;

  /** Looks up a name. */
  interface Resolver {
    /**
     * Returns the address of a DNS name. May block for seconds.
     *
     * @throws UnknownHostException when the name has none, or the DNS does not respond
     */
    InetAddress resolve(String name) throws UnknownHostException;
  }

  /** A boot node, and its address as far as it is known. */
  private static final class BootNode {
    private final NodeUrl url;
    private final Outage outage;
    private volatile @Nullable InetAddress address;

    BootNode(NodeUrl url, Outage outage) {
      this.url = url;
      this.outage = outage;
      this.address = url.literalAddress();
    }

    boolean hasName() {
      return url.host() != null && url.literalAddress() == null;
    }
  }

  /**
   * Creates the list; no name is looked up before {@link #start}.
   *
   * @param warn logs that a name is not found
   * @param info logs that it is found
   */
  BootNodes(
      List<NodeUrl> urls,
      Resolver resolver,
      Scheduler scheduler,
      Consumer<String> warn,
      Consumer<String> info) {
    this.all = urls.stream().map(url -> new BootNode(url, new Outage(warn, info))).toList();
    this.resolver = resolver;
    this.scheduler = scheduler;
  }

  /**
   * Starts to look up the names, if there are any.
   *
   * @param changed is called by the scheduler when {@link #nodes} has changed
   */
  void start(Runnable changed) {
    if (all.stream().anyMatch(BootNode::hasName)) {
      scheduler.schedule(Duration.ZERO, () -> round(MIN_PAUSE, changed));
    }
  }

  /** Looks up all names, and schedules the next round; {@code pause} is for a failure. */
  private void round(Duration pause, Runnable changed) {
    if (resolveAll(changed)) {
      scheduler.schedule(REFRESH, () -> round(MIN_PAUSE, changed));
    } else {
      scheduler.schedule(pause, () -> round(Scheduler.doubled(pause, MAX_PAUSE), changed));
    }
  }

  /** Looks up all names; returns whether all were found. */
  private boolean resolveAll(Runnable changed) {
    boolean found = true;
    boolean different = false;
    for (BootNode node : all) {
      if (node.hasName()) {
        InetAddress before = node.address;
        found &= resolve(node);
        InetAddress now = node.address;
        different |= now != null && !now.equals(before);
      }
    }
    if (different) {
      changed.run();
    }
    return found;
  }

  private boolean resolve(BootNode node) {
    String what = DevP2pComponent.NAME + ": the host of the boot node " + node.url;
    try {
      InetAddress address = resolver.resolve(String.valueOf(node.url.host()));
      node.address = address;
      node.outage.succeeded(what + " has the address " + address.getHostAddress());
      return true;
    } catch (Throwable failure) { // an error, too, must not end the retries
      node.outage.failed(
          what
              + " is not known. The node looks it up again, at least every "
              + MAX_PAUSE.toMinutes()
              + " minutes");
      return false;
    }
  }

  /** Returns the boot nodes whose address is known. */
  List<Node> nodes() {
    List<Node> out = new ArrayList<>();
    for (BootNode node : all) {
      InetAddress address = node.address;
      if (address != null) {
        NodeUrl url = node.url;
        out.add(new Node(url.id().key(), address, url.udpPort(), url.tcpPort()));
      }
    }
    return out;
  }
}
