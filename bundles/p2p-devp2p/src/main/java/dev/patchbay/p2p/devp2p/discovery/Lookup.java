// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An iterative search for the nodes closest to a target (Kademlia; devp2p discv4.md, "Recursive
 * Lookup"): queries the closest known nodes, {@link #CONCURRENCY} at a time, until the closest ones
 * have all been queried.
 */
final class Lookup {
  /** Queries under way at a time: alpha of Kademlia. */
  static final int CONCURRENCY = 3;

  /** Limit of queries, which ends a chain of ever closer nodes that hostile nodes invent. */
  static final int MAX_QUERIES = 48;

  private final LookupTarget target;
  private final Hash self;
  private final NodeTable table;
  private final NodeProtocol protocol;
  private final Consumer<List<Contact>> done;

  private final Set<Hash> seen = new HashSet<>();
  private final Set<Hash> queried = new HashSet<>();

  /** Counts {@link #closest}, so that the nodes of one operator are not all of the result. */
  private final Subnets subnets = new Subnets(NodeTable.MAX_SUBNET_PER_BUCKET);

  /** The closest nodes found, the closest first. */
  private final List<Contact> closest = new ArrayList<>();

  private int pending;
  private boolean advancing;
  private boolean completed;

  /**
   * Creates a search that is not started.
   *
   * @param table where it starts, and to which the nodes that are found are added
   * @param done gets the closest nodes, at most {@link NodeTable#BUCKET_SIZE}, once
   */
  Lookup(
      LookupTarget target,
      Hash self,
      NodeTable table,
      NodeProtocol protocol,
      Consumer<List<Contact>> done) {
    this.target = target;
    this.self = self;
    this.table = table;
    this.protocol = protocol;
    this.done = done;
  }

  /** Starts the search; completes at once when the table is empty. */
  void start() {
    seen.add(self);
    table.closest(target.id(), NodeTable.BUCKET_SIZE, false).forEach(this::insert);
    advance();
  }

  private void insert(Contact contact) {
    InetAddress address = contact.node().address();
    if (!subnets.allows(address) || !seen.add(contact.id())) {
      return;
    }
    int at = 0;
    while (at < closest.size()
        && Distance.compare(target.id(), closest.get(at).id(), contact.id()) <= 0) {
      at++;
    }
    closest.add(at, contact);
    subnets.add(address);
    if (closest.size() > NodeTable.BUCKET_SIZE) {
      subnets.remove(closest.remove(NodeTable.BUCKET_SIZE).node().address());
    }
  }

  /** A protocol may call back before {@code findNode} returns: the loop is then not re-entered. */
  private void advance() {
    if (advancing || completed) {
      return;
    }
    advancing = true;
    while (pending < CONCURRENCY && queried.size() < MAX_QUERIES) {
      Contact next = nextToQuery();
      if (next == null) {
        break;
      }
      queried.add(next.id());
      pending++;
      protocol.findNode(next, target, result -> received(next, result));
    }
    advancing = false;
    if (pending == 0) {
      completed = true;
      done.accept(List.copyOf(closest));
    }
  }

  private @Nullable Contact nextToQuery() {
    for (Contact contact : closest) {
      if (!queried.contains(contact.id())) {
        return contact;
      }
    }
    return null;
  }

  /** A node that could not be asked stays a result: nothing speaks against it. */
  private void received(Contact from, RequestResult<List<Contact>> result) {
    pending--;
    if (result.sent()) {
      table.recordFind(from.id(), !result.isTimeout());
    }
    if (result.isTimeout() && closest.remove(from)) {
      subnets.remove(from.node().address());
    }
    List<Contact> found = result.response();
    if (found != null) {
      for (Contact contact : found) {
        table.addFound(contact);
        insert(contact);
      }
    }
    advance();
  }
}
