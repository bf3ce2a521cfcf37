// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * A log entry (Yellow Paper, section 4.3.1).
 *
 * @param address the contract that logged
 * @param topics none to four topics
 * @param data the unindexed data
 */
public record Log(Address address, List<Hash> topics, Bytes data) {
  /** Copies the list. */
  public Log {
    topics = List.copyOf(topics);
  }

  /** Appends the RLP list. */
  public void write(RlpWriter writer) {
    writer.list(w -> w.address(address).list(t -> topics.forEach(t::hash)).bytes(data));
  }

  /** Reads the RLP list. */
  public static Log read(RlpReader reader) {
    RlpReader r = reader.list();
    Address address = r.address();
    List<Hash> topics = new ArrayList<>();
    for (RlpReader t = r.list(); t.hasNext(); ) {
      topics.add(t.hash());
    }
    Log log = new Log(address, topics, r.bytes());
    r.expectEnd();
    return log;
  }
}
