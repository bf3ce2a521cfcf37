// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The record of the local node. Its sequence number is stored, and grows whenever the content
 * changes; the first one is the time in milliseconds, so that it grows too when the database was
 * lost.
 *
 * <p>Threading: {@link #current} by any thread, the rest by the discovery thread, or before it
 * starts.
 */
final class LocalRecord {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRecord.class);

  private final byte[] privateKey;
  private final NodeDatabase database;
  private final AddressPredictor predictor;
  private final Supplier<Map<String, Bytes>> protocolEntries;
  private final @Nullable InetAddress fixedAddress;
  private final InetAddress fallbackAddress;
  private final InstantSource clock;

  private int udpPort;
  private int tcpPort;
  private @Nullable InetAddress predicted;
  private boolean hasProtocolEntries;
  private volatile NodeRecord current;

  /**
   * Creates the record, with the number of the stored one when the content is the same.
   *
   * @param protocolEntries returns the entries of the sub-protocols, the values as RLP items
   * @param fixedAddress external address by configuration; null to predict it
   * @param fallbackAddress used while nothing is configured or predicted
   * @param udpPort port of discovery
   * @param tcpPort port of RLPx; 0 when the node accepts no connections
   */
  LocalRecord(
      byte[] privateKey,
      NodeDatabase database,
      AddressPredictor predictor,
      Supplier<Map<String, Bytes>> protocolEntries,
      @Nullable InetAddress fixedAddress,
      InetAddress fallbackAddress,
      InstantSource clock,
      int udpPort,
      int tcpPort) {
    this.privateKey = privateKey;
    this.database = database;
    this.predictor = predictor;
    this.protocolEntries = protocolEntries;
    this.fixedAddress = fixedAddress;
    this.fallbackAddress = fallbackAddress;
    this.clock = clock;
    this.udpPort = udpPort;
    this.tcpPort = tcpPort;
    this.current = build(database.localRecord());
  }

  /** Returns the record. */
  NodeRecord current() {
    return current;
  }

  /** Returns the address that the record has. */
  InetAddress address() {
    if (fixedAddress != null) {
      return fixedAddress;
    }
    return predicted != null ? predicted : fallbackAddress;
  }

  /** Returns whether the sub-protocols had entries when the record was last built. */
  boolean hasProtocolEntries() {
    return hasProtocolEntries;
  }

  /** Returns the port of discovery. */
  int udpPort() {
    return udpPort;
  }

  /** Sets the port of discovery, and updates the record. */
  void setUdpPort(int port) {
    udpPort = port;
    update();
  }

  /** Returns the port of RLPx. */
  int tcpPort() {
    return tcpPort;
  }

  /** Sets the port of RLPx, and updates the record. */
  void setTcpPort(int port) {
    tcpPort = port;
    update();
  }

  /** Adds what a node states about the address of this node. */
  void addStatement(InetAddress from, InetAddress stated) {
    predictor.add(from, stated);
    if (fixedAddress != null) {
      return;
    }
    InetAddress next = predictor.predict();
    if (next != null && !next.equals(predicted)) {
      LOG.info("The external address of this node is {}, as other nodes report", next);
      predicted = next;
      update();
    }
  }

  /** Signs a new record when its content, such as the fork id, has changed. */
  void update() {
    current = build(current);
  }

  /** Entries that make the record too long are left out. */
  private NodeRecord build(@Nullable NodeRecord previous) {
    Map<String, Bytes> own = entries();
    Map<String, Bytes> all = new TreeMap<>(protocolEntries.get());
    hasProtocolEntries = !all.isEmpty();
    all.putAll(own);
    try {
      return build(previous, all);
    } catch (IllegalArgumentException tooLong) {
      LOG.warn("The node record has no entries of sub-protocols: {}", tooLong.getMessage());
      return build(previous, own);
    }
  }

  private NodeRecord build(@Nullable NodeRecord previous, Map<String, Bytes> entries) {
    if (previous == null) {
      return sign(clock.millis(), entries);
    }
    NodeRecord same = NodeRecord.sign(previous.seq(), entries, privateKey);
    if (same.entries().equals(previous.entries())) {
      return previous;
    }
    return sign(Math.max(previous.seq() + 1, 1), entries);
  }

  private NodeRecord sign(long seq, Map<String, Bytes> entries) {
    NodeRecord record = NodeRecord.sign(seq, entries, privateKey);
    database.setLocalRecord(record);
    return record;
  }

  private Map<String, Bytes> entries() {
    Map<String, Bytes> entries = new TreeMap<>();
    InetAddress address = address();
    boolean v4 = address instanceof Inet4Address;
    entries.put(v4 ? "ip" : "ip6", NodeRecord.rlp(address.getAddress()));
    entries.put(v4 ? "udp" : "udp6", NodeRecord.rlp(udpPort));
    if (tcpPort != 0) {
      entries.put(v4 ? "tcp" : "tcp6", NodeRecord.rlp(tcpPort));
    }
    return entries;
  }
}
