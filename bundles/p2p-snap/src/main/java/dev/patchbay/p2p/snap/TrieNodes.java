// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Nodes of tries in the order of the request (0x07).
 *
 * @param requestId id of the request, unsigned 64 bits
 * @param nodes RLP of the nodes; the empty string for a path at which there is none
 */
record TrieNodes(long requestId, List<Bytes> nodes) implements SnapMessage {
  /** Copies the list. */
  TrieNodes {
    nodes = List.copyOf(nodes);
  }

  @Override
  public int code() {
    return MessageCode.TRIE_NODES;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          RlpList.write(w, nodes, RlpWriter::bytes);
        });
  }
}
