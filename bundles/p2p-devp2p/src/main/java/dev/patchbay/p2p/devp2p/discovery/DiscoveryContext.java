// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetAddress;
import java.time.InstantSource;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * What both versions of the protocol share.
 *
 * @param privateKey 32 bytes: key of the local node
 * @param clock wall clock, for expirations
 * @param timers of the discovery thread
 * @param random cryptographically strong outside of tests
 * @param allowed whether packets may come from, and go to, an address
 */
record DiscoveryContext(
    byte[] privateKey,
    InstantSource clock,
    Timers timers,
    RandomGenerator random,
    PacketSender sender,
    LocalRecord localRecord,
    NodeDatabase database,
    Predicate<InetAddress> allowed) {
  /** Shows nothing: the key is secret. */
  @Override
  public String toString() {
    return "DiscoveryContext";
  }
}
