// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks whether headers are what a GetBlockHeaders asks for; it may get fewer. */
final class HeaderReplyCheck {
  private HeaderReplyCheck() {}

  /** Returns how headers contradict a request; null when they do not. */
  static @Nullable String fault(GetBlockHeaders request, List<BlockHeader> headers) {
    if (Long.compareUnsigned(headers.size(), request.limit()) > 0) {
      return headers.size() + " headers, " + Long.toUnsignedString(request.limit()) + " requested";
    }
    if (headers.isEmpty()) {
      return null;
    }
    List<Hash> hashes = headers.stream().map(BlockHeader::computeHash).toList();
    long first = headers.get(0).number();
    if (request.origin() instanceof GetBlockHeaders.ByHash origin
        && !hashes.get(0).equals(origin.hash())) {
      return "the first header has another hash than the requested one";
    }
    if (request.origin() instanceof GetBlockHeaders.ByNumber origin && first != origin.number()) {
      return "the first header has number "
          + Long.toUnsignedString(first)
          + ", requested is "
          + Long.toUnsignedString(origin.number());
    }
    long step = request.reverse() ? -request.skip() - 1 : request.skip() + 1;
    for (int i = 1; i < headers.size(); i++) {
      if (headers.get(i).number() != first + i * step) {
        return "header " + i + " has number " + Long.toUnsignedString(headers.get(i).number());
      }
      int child = request.reverse() ? i - 1 : i;
      int parent = request.reverse() ? i : i - 1;
      if (request.skip() == 0 && !headers.get(child).parentHash().equals(hashes.get(parent))) {
        return "header " + child + " is not a child of header " + parent;
      }
    }
    return null;
  }
}
