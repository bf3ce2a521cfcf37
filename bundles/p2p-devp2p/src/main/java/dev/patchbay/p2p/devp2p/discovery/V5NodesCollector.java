// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.p2p.devp2p.discovery.V5Message.Nodes;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Collects the NODES messages of a response to FINDNODE. */
final class V5NodesCollector implements V5Calls.ResponseHandler {
  /** Messages that are read, whatever number the node announces. */
  static final int MAX_MESSAGES = 16;

  private final Contact contact;
  private final List<Integer> distances;
  private final Hash self;
  private final Predicate<InetAddress> allowed;
  private final Consumer<RequestResult<List<Contact>>> done;
  private final Map<Hash, Contact> found = new LinkedHashMap<>();
  private int messages;

  /**
   * Creates a collector.
   *
   * @param contact the node that was asked
   * @param distances that it was asked for
   * @param done as of {@link NodeProtocol#findNode}
   */
  V5NodesCollector(
      Contact contact,
      List<Integer> distances,
      Hash self,
      Predicate<InetAddress> allowed,
      Consumer<RequestResult<List<Contact>>> done) {
    this.contact = contact;
    this.distances = distances;
    this.self = self;
    this.allowed = allowed;
    this.done = done;
  }

  @Override
  public boolean accept(V5Message.Response message) throws MalformedPacketException {
    if (!(message instanceof Nodes nodes)) {
      throw new MalformedPacketException("not NODES");
    }
    messages++;
    for (Bytes encoded : nodes.records()) {
      if (found.size() >= NodeTable.BUCKET_SIZE) {
        return true;
      }
      add(DiscoveryV5.decodeRecord(encoded));
    }
    return messages >= Math.min(nodes.total(), MAX_MESSAGES);
  }

  /** Skips a record that was not asked for: a node must not fill the table at will. */
  private void add(NodeRecord record) {
    Contact other = Contact.of(record);
    if (other != null
        && distances.contains(Distance.log(contact.id(), other.id()))
        && !other.id().equals(self)
        && other.node().udpPort() >= DiscoveryV4.MIN_PORT
        && Addresses.isRelayable(contact.node().address(), other.node().address())
        && allowed.test(other.node().address())) {
      found.put(other.id(), other);
    }
  }

  @Override
  public void end(boolean sent) {
    done.accept(new RequestResult<>(sent, messages == 0 ? null : List.copyOf(found.values())));
  }
}
