// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.ForkId;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds the nodes of a lookup that are worth a dial: those whose record announces a TCP port and a
 * fork id of the local chain (EIP-2124, entry {@code eth}). The networks of many chains share one
 * node table: the others are skipped. A node whose record is not known is asked for it.
 */
final class CandidateFilter {
  private final Predicate<ForkId> isCompatible;
  private final Consumer<Node> dialer;

  /**
   * Creates a filter.
   *
   * @param isCompatible the fork id filter of EIP-2124
   * @param dialer gets the candidates
   */
  CandidateFilter(Predicate<ForkId> isCompatible, Consumer<Node> dialer) {
    this.isCompatible = isCompatible;
    this.dialer = dialer;
  }

  /** Offers nodes that were found with a protocol. */
  void offer(List<Contact> contacts, NodeProtocol protocol) {
    for (Contact contact : contacts) {
      if (contact.record() != null) {
        offer(contact);
      } else {
        protocol.requestRecord(contact, record -> offerWith(contact, record));
      }
    }
  }

  private void offerWith(Contact contact, @Nullable NodeRecord record) {
    if (record != null) {
      offer(contact.withRecord(record));
    }
  }

  /** Offers a node whose record is known. */
  void offer(Contact contact) {
    NodeRecord record = contact.record();
    ForkId forkId = record == null ? null : record.forkId();
    Node node = contact.dialable();
    if (forkId != null && node.tcpPort() != 0 && isCompatible.test(forkId)) {
      dialer.accept(node);
    }
  }
}
