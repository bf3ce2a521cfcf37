// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.util.List;
import java.util.function.Consumer;

/**
 * The requests that the upkeep of a table and lookups send, over either version of the protocol.
 * Each callback is called exactly once, by the discovery thread, possibly before the method
 * returns.
 */
interface NodeProtocol {
  /** Returns whether a node can be asked only when its record is known. */
  boolean needsRecords();

  /**
   * Pings a node.
   *
   * @param done gets the contact, with a newer record when the node has announced one
   */
  void ping(Contact contact, Consumer<RequestResult<Contact>> done);

  /**
   * Asks a node for the nodes closest to a target that it knows.
   *
   * @param done gets at most {@link NodeTable#BUCKET_SIZE} contacts with checked keys and addresses
   */
  void findNode(Contact contact, LookupTarget target, Consumer<RequestResult<List<Contact>>> done);

  /**
   * Asks a node for its record.
   *
   * @param done gets the record, which is of this node
   */
  void requestRecord(Contact contact, Consumer<RequestResult<NodeRecord>> done);
}
