// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks for nodes of the account trie and of storage tries by their paths (0x06).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param root root of the state
 * @param sets sets of paths in compact form: a path of the account trie alone, or the hash of an
 *     address and paths of its storage trie; none is empty
 * @param bytes size of the nodes from which on the reply ends, unsigned 64 bits
 */
record GetTrieNodes(long requestId, Hash root, List<List<Bytes>> sets, long bytes) {
  /** Copies the lists. */
  GetTrieNodes {
    sets = sets.stream().map(List::copyOf).toList();
  }

  /** Decodes a payload. */
  static GetTrieNodes decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new GetTrieNodes(r.number(), r.hash(), readSets(r), r.number()));
  }

  private static List<List<Bytes>> readSets(RlpReader reader) {
    List<List<Bytes>> sets = new ArrayList<>();
    int paths = 0;
    for (RlpReader lists = reader.list(); lists.hasNext(); ) {
      if (sets.size() == SnapLimits.MAX_ITEMS) {
        throw new RlpException("more than " + SnapLimits.MAX_ITEMS + " sets of paths");
      }
      List<Bytes> set = RlpList.read(lists, SnapLimits.MAX_PATHS - paths, RlpReader::bytes);
      if (set.isEmpty()) {
        throw new RlpException("a set of paths is empty");
      }
      paths += set.size();
      sets.add(set);
    }
    return sets;
  }
}
