// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.WireProtocol;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A sub-protocol that both sides of a connection speak, and its message numbers on the connection
 * (devp2p, rlpx.md, "Capability Messaging").
 *
 * @param protocol the implementation of this node
 * @param capability its name and version
 * @param offset number of its message 0 on the connection
 * @param length how many numbers it has
 */
record SharedProtocol(WireProtocol protocol, Capability capability, int offset, int length) {
  /** Greatest number of messages of a sub-protocol. */
  static final int MAX_MESSAGES = 256;

  /**
   * Chooses the highest common version of each name, and assigns message numbers in the order of
   * the names, from 0x10.
   *
   * @param own the sub-protocols of this node
   * @param remote the capabilities in Hello of the peer
   * @return the common sub-protocols by offset; empty when there are none
   */
  static List<SharedProtocol> match(Collection<WireProtocol> own, Set<Capability> remote) {
    Map<String, WireProtocol> highest = new TreeMap<>(); // upper case before lower case
    for (WireProtocol protocol : own) {
      Capability capability = protocol.capability();
      if (remote.contains(capability)) {
        highest.merge(
            capability.name(),
            protocol,
            (one, other) ->
                one.capability().version() >= other.capability().version() ? one : other);
      }
    }
    List<SharedProtocol> out = new ArrayList<>();
    int offset = BaseMessages.COUNT;
    for (WireProtocol protocol : highest.values()) {
      int length = protocol.messageCount();
      if (length < 1 || length > MAX_MESSAGES) {
        throw new IllegalStateException(
            protocol.capability() + " has " + length + " messages, not 1 to " + MAX_MESSAGES);
      }
      out.add(new SharedProtocol(protocol, protocol.capability(), offset, length));
      offset += length;
    }
    return List.copyOf(out);
  }

  /** Returns whether a message number of the connection belongs to the sub-protocol. */
  boolean owns(int id) {
    return id >= offset && id < offset + length;
  }
}
