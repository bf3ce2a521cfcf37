// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Limits the packets that wait for, or are in, their cryptographic verification: in total and by
 * source, in number and in rate. A source is an IPv4 address or an IPv6 /64. What the gate does not
 * admit is dropped: UDP senders repeat. The rate in total counts packets of the right form only:
 * otherwise a little garbage from many forged sources would keep all others out.
 *
 * <p>Threading: any thread.
 */
final class AdmissionGate {
  /** Packets that are admitted and not released, in total. */
  static final int MAX_IN_FLIGHT = 256;

  /** Packets of a source that are admitted and not released. */
  static final int MAX_IN_FLIGHT_PER_SOURCE = 32;

  /** Packets per second of a source, on average. */
  static final int RATE_PER_SOURCE = 100;

  /** Packets per second in total, on average: about a tenth of one core. */
  static final int RATE = 2_000;

  /** Sources whose rate is known; the least recent is evicted. */
  static final int MAX_SOURCES = 4_096;

  private final LongSupplier nanoTime;
  private final TokenBucket all;
  private final Map<Bytes, Integer> inFlight = new HashMap<>();
  private final Map<Bytes, TokenBucket> rates =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Bytes, TokenBucket> eldest) {
          return size() > MAX_SOURCES;
        }
      };
  private int total;

  /** A token bucket with a burst of two seconds. */
  private static final class TokenBucket {
    private final int perSecond;
    private double tokens;
    private long filledNanos;

    TokenBucket(int perSecond, long nowNanos) {
      this.perSecond = perSecond;
      this.tokens = 2.0 * perSecond;
      this.filledNanos = nowNanos;
    }

    boolean takeToken(long nowNanos) {
      double added = (nowNanos - filledNanos) * 1e-9 * perSecond;
      tokens = Math.min(2.0 * perSecond, tokens + added);
      filledNanos = nowNanos;
      if (tokens < 1) {
        return false;
      }
      tokens--;
      return true;
    }
  }

  /** Creates an open gate; {@code nanoTime} as of {@link System#nanoTime}. */
  AdmissionGate(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.all = new TokenBucket(RATE, nanoTime.getAsLong());
  }

  /**
   * Admits a packet, which must be released, to the check of its form; returns false when the
   * packet must be dropped.
   */
  synchronized boolean tryEnter(InetAddress address) {
    Bytes source = Addresses.source(address);
    if (total >= MAX_IN_FLIGHT || inFlight.getOrDefault(source, 0) >= MAX_IN_FLIGHT_PER_SOURCE) {
      return false;
    }
    long now = nanoTime.getAsLong();
    TokenBucket rate =
        rates.computeIfAbsent(source, added -> new TokenBucket(RATE_PER_SOURCE, now));
    if (!rate.takeToken(now)) {
      return false;
    }
    total++;
    inFlight.merge(source, 1, Integer::sum);
    return true;
  }

  /**
   * Counts a packet that was admitted and has the right form; returns false when there are too many
   * in total, and the packet must be dropped.
   */
  synchronized boolean tryVerify() {
    return all.takeToken(nanoTime.getAsLong());
  }

  /** Releases a packet that was admitted. */
  synchronized void leave(InetAddress address) {
    total--;
    inFlight.computeIfPresent(
        Addresses.source(address), (key, count) -> count == 1 ? null : count - 1);
  }
}
