// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The nodes to stay connected to, and when each is dialed: at once, then after 1, 2, 4 … 60
 * seconds, and from 1 second again after a handshake. A node that is connected the other way, from
 * the same IP address, is not dialed. Threading: any thread.
 */
final class Dials {
  private static final class Dial {
    private boolean underWay;
    private long due;
    private long pause = Limits.MIN_REDIAL.toMillis();
    private @Nullable Address address;
    private @Nullable InetAddress host;
    private @Nullable InetAddress latest;

    private Dial(long due) {
      this.due = due;
    }
  }

  private final LongSupplier millis;

  /** Guarded by this. */
  private final Map<HostPort, Dial> dials = new LinkedHashMap<>();

  /**
   * Creates the nodes.
   *
   * @param millis monotonic time in milliseconds
   */
  Dials(Set<HostPort> nodes, LongSupplier millis) {
    this.millis = millis;
    nodes.forEach(this::add);
  }

  /** Adds a node; returns false when it was added before. */
  synchronized boolean add(HostPort node) {
    return dials.putIfAbsent(node, new Dial(millis.getAsLong())) == null;
  }

  /** Removes a node; returns whether it was one. */
  synchronized boolean remove(HostPort node) {
    return dials.remove(node) != null;
  }

  synchronized boolean contains(HostPort node) {
    return dials.containsKey(node);
  }

  /**
   * Returns the nodes to dial now, for each of which {@link #ended} must follow.
   *
   * @param isConnected whether a peer that states an address is connected from an IP address
   */
  synchronized List<HostPort> due(BiPredicate<Address, InetAddress> isConnected) {
    long now = millis.getAsLong();
    List<HostPort> out = new ArrayList<>();
    dials.forEach(
        (node, dial) -> {
          boolean isHere =
              dial.address != null
                  && dial.host != null
                  && isConnected.test(dial.address, dial.host);
          if (!dial.underWay && now - dial.due >= 0 && !isHere) {
            dial.underWay = true;
            out.add(node);
          }
        });
    return out;
  }

  /** Notes at which IP address a node is dialed. */
  synchronized void dialed(HostPort node, InetAddress host) {
    Dial dial = dials.get(node);
    if (dial != null) {
      dial.latest = host;
    }
  }

  /** Returns whether a node was last dialed at an IP address. */
  synchronized boolean isAt(InetAddress host) {
    return dials.values().stream().anyMatch(dial -> host.equals(dial.latest));
  }

  /** Notes that the handshake with a node is completed. */
  synchronized void established(HostPort node) {
    Dial dial = dials.get(node);
    if (dial != null) {
      dial.pause = Limits.MIN_REDIAL.toMillis();
    }
  }

  /** Notes which address a node states, and at which IP address it was reached. */
  synchronized void identified(HostPort node, Address address, InetAddress host) {
    Dial dial = dials.get(node);
    if (dial != null) {
      dial.address = address;
      dial.host = host;
    }
  }

  /** Notes that a dial has failed, or its connection has ended. */
  synchronized void ended(HostPort node) {
    Dial dial = dials.get(node);
    if (dial != null) {
      dial.underWay = false;
      dial.due = millis.getAsLong() + dial.pause;
      dial.pause = Math.min(Limits.MAX_REDIAL.toMillis(), 2 * dial.pause);
    }
  }
}
