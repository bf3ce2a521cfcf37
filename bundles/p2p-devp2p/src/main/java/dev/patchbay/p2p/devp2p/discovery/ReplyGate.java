// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Admits a few packets of the nodes to which this node has sent a request, when {@link
 * AdmissionGate} is exhausted: a flood must not keep this node from its own requests. A node is
 * known by its address until its packet is verified, so that a flood with the forged address of
 * such a node takes its packets, and no more.
 *
 * <p>Threading: any thread.
 */
final class ReplyGate {
  /** Packets of an address for each request: a Ping next to the response, or a list in parts. */
  static final int PACKETS_PER_REQUEST = 8;

  /** Packets of an address for all requests to it. */
  static final int MAX_PACKETS_PER_ADDRESS = 32;

  /** Packets that are admitted and not released, in total. */
  static final int MAX_IN_FLIGHT = 128;

  /** Addresses with requests; the least recent is evicted. */
  static final int MAX_ADDRESSES = 1_024;

  /** Time after a request until which packets are admitted; longer than requests wait. */
  static final long EXPIRES_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final LongSupplier nanoTime;
  private final Map<InetAddress, Allowance> allowances = new LinkedHashMap<>(16, 0.75f, true);
  private int inFlight;

  private record Allowance(int packets, long sinceNanos) {}

  /** Creates a gate that admits nothing; {@code nanoTime} as of {@link System#nanoTime}. */
  ReplyGate(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Admits packets of an address from now on: a request goes there. */
  synchronized void expect(InetAddress address) {
    long now = nanoTime.getAsLong();
    Allowance before = allowances.get(address);
    int left = before == null || isOver(before, now) ? 0 : before.packets;
    int packets = Math.min(MAX_PACKETS_PER_ADDRESS, left + PACKETS_PER_REQUEST);
    allowances.put(address, new Allowance(packets, now));
    if (allowances.size() > MAX_ADDRESSES) {
      allowances.remove(allowances.keySet().iterator().next());
    }
  }

  private static boolean isOver(Allowance allowance, long now) {
    return now - allowance.sinceNanos > EXPIRES_NANOS;
  }

  /** Admits a packet, which must be released; returns false when the packet must be dropped. */
  synchronized boolean tryEnter(InetAddress address) {
    Allowance allowance = allowances.get(address);
    if (allowance == null || inFlight >= MAX_IN_FLIGHT) {
      return false;
    }
    if (isOver(allowance, nanoTime.getAsLong())) {
      allowances.remove(address);
      return false;
    }
    if (allowance.packets == 1) {
      allowances.remove(address);
    } else {
      allowances.put(address, new Allowance(allowance.packets - 1, allowance.sinceNanos));
    }
    inFlight++;
    return true;
  }

  /** Releases a packet that was admitted. */
  synchronized void leave() {
    inFlight--;
  }
}
