// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.primitives.Bytes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sub-protocols that are registered. A bundle registers several, and an updated bundle removes
 * its sub-protocols to add them again: after a change they are not settled for a moment, in which
 * it is too early to agree on them with a peer.
 *
 * <p>Threading: any thread.
 */
final class SubProtocols {
  /** After that time without another change a change is complete that added a sub-protocol. */
  static final Duration SETTLE_ADDED = Duration.ofMillis(300);

  /** After that time one that was removed is not expected back. */
  static final Duration SETTLE_REMOVED = Duration.ofMillis(1_500);

  private static final Logger LOG = LoggerFactory.getLogger(SubProtocols.class);

  private final NamedServices<WireProtocol> services =
      new NamedServices<>("sub-protocol", LOG::warn);
  private final InstantSource clock;
  private volatile Instant settled = Instant.MIN;

  SubProtocols(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * Adds a sub-protocol.
   *
   * @return false when it is refused: it has too many messages, or none
   */
  boolean add(NamedServices.Registration registration, WireProtocol protocol) {
    int messages = protocol.messageCount();
    if (messages < 1 || messages > SharedProtocol.MAX_MESSAGES) {
      LOG.warn(
          "sub-protocol {} of {} is not used: it has {} messages, not 1 to {}",
          protocol.capability(),
          registration.bundle(),
          messages,
          SharedProtocol.MAX_MESSAGES);
      return false;
    }
    services.add(registration, protocol.capability().toString(), protocol);
    settled = clock.instant().plus(SETTLE_ADDED);
    return true;
  }

  /** Removes a sub-protocol. */
  void remove(NamedServices.Registration registration) {
    services.remove(registration);
    settled = clock.instant().plus(SETTLE_REMOVED);
  }

  /** Returns those in use: one for each name and version. */
  List<WireProtocol> inUse() {
    List<WireProtocol> out = new ArrayList<>();
    for (String name : services.names()) {
      WireProtocol protocol = services.get(name);
      if (protocol != null) {
        out.add(protocol);
      }
    }
    return out;
  }

  /** Returns whether there is none: a peer would have no use for this node. */
  boolean isEmpty() {
    return services.names().isEmpty();
  }

  /** Returns after how many milliseconds they are settled; 0 when they are. */
  long millisUntilSettled() {
    Instant now = clock.instant();
    Instant then = settled;
    return now.isBefore(then) ? Duration.between(now, then).toMillis() + 1 : 0;
  }

  /** Returns what they add to the node record of this node. */
  Map<String, Bytes> recordEntries() {
    Map<String, Bytes> out = new TreeMap<>();
    inUse().forEach(protocol -> out.putAll(protocol.recordEntries()));
    return out;
  }

  /** Returns whether one of them has use for a node with these entries in its record. */
  boolean acceptsRecord(Map<String, Bytes> entries) {
    return inUse().stream().anyMatch(protocol -> protocol.acceptsRecord(entries));
  }
}
