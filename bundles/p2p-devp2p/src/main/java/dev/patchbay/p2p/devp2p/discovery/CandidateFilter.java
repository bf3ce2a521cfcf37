// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.Failures;
import dev.patchbay.primitives.Bytes;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the nodes of a lookup that are worth a dial: those whose record announces a TCP port, and
 * whose entries a sub-protocol accepts, such as the fork id of the local chain (EIP-2124). The
 * networks of many chains share one node table: the others are skipped. A node whose record is not
 * known is asked for it.
 */
final class CandidateFilter {
  private static final Logger LOG = LoggerFactory.getLogger(CandidateFilter.class);

  private final Predicate<Map<String, Bytes>> accepts;
  private final Consumer<Node> dialer;
  private final Failures failures =
      new Failures("the check of discovered nodes", LOG::warn, LOG::info);

  /**
   * Creates a filter.
   *
   * @param accepts whether a sub-protocol accepts the entries of a record
   * @param dialer gets the candidates. When it or the filter throws, the node is skipped: the chain
   *     may be unavailable for a moment
   */
  CandidateFilter(Predicate<Map<String, Bytes>> accepts, Consumer<Node> dialer) {
    this.accepts = accepts;
    this.dialer = dialer;
  }

  /** Offers nodes that were found with a protocol. */
  void offer(List<Contact> contacts, NodeProtocol protocol) {
    for (Contact contact : contacts) {
      if (contact.record() != null) {
        offer(contact);
      } else {
        protocol.requestRecord(contact, result -> offerWith(contact, result.response()));
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
    failures.run(() -> check(contact));
  }

  private void check(Contact contact) {
    NodeRecord record = contact.record();
    Node node = contact.dialable();
    if (record != null && node.tcpPort() != 0 && accepts.test(record.entries())) {
      dialer.accept(node);
    }
  }

  /** Returns the latest failure as one line; null when there is none. */
  @Nullable String failure() {
    return failures.latest();
  }
}
