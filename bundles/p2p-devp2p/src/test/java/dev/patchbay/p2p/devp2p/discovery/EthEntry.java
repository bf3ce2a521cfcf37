// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The entry that the eth sub-protocol adds to node records. */
final class EthEntry {
  private EthEntry() {}

  /** Returns the entries of a node; none for null. */
  static Map<String, Bytes> of(@Nullable ForkId id) {
    if (id == null) {
      return Map.of();
    }
    byte[] hash = ByteBuffer.allocate(4).putInt(id.hash()).array();
    RlpWriter writer = new RlpWriter();
    writer.list(all -> all.list(fork -> fork.bytes(hash).number(id.next())));
    return Map.of("eth", Bytes.wrap(writer.toArray()));
  }

  /** Accepts the nodes with one fork id. */
  static Predicate<Map<String, Bytes>> filter(ForkId id) {
    Bytes value = of(id).get("eth");
    return entries -> entries.get("eth") != null && entries.get("eth").equals(value);
  }
}
