// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * A node as discovery handles it. Threading: immutable.
 *
 * @param id the node id, {@link Node#id}
 * @param node its key, and the endpoint at which it is asked
 * @param record its record; null when it is not known. The endpoint of the record may differ: in
 *     version 4 the endpoint that the node has proven counts
 */
record Contact(Hash id, Node node, @Nullable NodeRecord record) {
  /** Returns a contact without a record. */
  static Contact of(Node node) {
    return new Contact(node.id(), node, null);
  }

  /** Returns the contact that a record describes; null when the record has no UDP endpoint. */
  static @Nullable Contact of(NodeRecord record) {
    Node node = record.node();
    return node == null || node.udpPort() == 0 ? null : new Contact(record.id(), node, record);
  }

  /** Returns a copy with another record. */
  Contact withRecord(NodeRecord newRecord) {
    return new Contact(id, node, newRecord);
  }

  /** Returns the sequence number of the record; 0 when it is not known. */
  long recordSeq() {
    return record == null ? 0 : record.seq();
  }

  /**
   * Returns the node to dial: the endpoint at which it responds to discovery, with the TCP port of
   * its record when the record has one.
   */
  Node dialable() {
    Node stated = record == null ? null : record.node();
    int tcpPort = stated == null || stated.tcpPort() == 0 ? node.tcpPort() : stated.tcpPort();
    return new Node(node.publicKey(), node.address(), node.udpPort(), tcpPort);
  }
}
