// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Predicts the external address of this node by what other nodes state in their Pongs. All nodes of
 * a subnet have one vote, so that the owner of a subnet cannot outvote the others.
 */
final class AddressPredictor {
  /** Statements that must agree. */
  static final int MIN_STATEMENTS = 10;

  /** Age at which a statement expires. */
  static final long WINDOW_MILLIS = TimeUnit.MINUTES.toMillis(5);

  static final int MAX_STATEMENTS = 512;

  private final Timers timers;

  /** By the subnet that stated it, the oldest first. */
  private final Map<Bytes, Statement> statements = new LinkedHashMap<>();

  private record Statement(InetAddress address, long millis) {}

  AddressPredictor(Timers timers) {
    this.timers = timers;
  }

  /** Adds what a node states; a private address counts only when the node is in a private one. */
  void add(InetAddress from, InetAddress stated) {
    if (!Addresses.isRelayable(from, stated)) {
      return;
    }
    Bytes voter = Addresses.isLan(from) ? Bytes.wrap(from.getAddress()) : Subnets.prefix(from);
    statements.remove(voter);
    statements.put(voter, new Statement(stated, timers.nowMillis()));
    if (statements.size() > MAX_STATEMENTS) {
      statements.remove(statements.keySet().iterator().next());
    }
  }

  /**
   * Returns the address that at least ten subnets, and more than half of all, have stated within
   * five minutes; null when there is none.
   */
  @Nullable InetAddress predict() {
    long oldest = timers.nowMillis() - WINDOW_MILLIS;
    statements.values().removeIf(statement -> statement.millis() < oldest);
    Map<InetAddress, Integer> votes = new HashMap<>();
    for (Statement statement : statements.values()) {
      int count = votes.merge(statement.address(), 1, Integer::sum);
      if (count >= MIN_STATEMENTS && 2 * count > statements.size()) {
        return statement.address();
      }
    }
    return null;
  }
}
