// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How fast each host may send on all its connections together. It outlives them: a host that
 * connects again has not more. The hosts are bounded, the one used least recently is evicted.
 * Threading: any thread.
 */
final class HostRates {
  static final int MAX_HOSTS = 4_096;

  /** Guarded by this. */
  private final Map<Bytes, Rates> hosts =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Bytes, Rates> eldest) {
          return size() > MAX_HOSTS;
        }
      };

  /**
   * Returns what the connections of a host share; null for this machine, whose connections are
   * limited each on its own.
   *
   * @param now monotonic time in nanoseconds
   */
  synchronized @Nullable Rates of(InetAddress address, long now) {
    return address.isLoopbackAddress()
        ? null
        : hosts.computeIfAbsent(
            Sources.host(address), host -> new Rates(Limits.MAX_PER_ADDRESS, now));
  }
}
