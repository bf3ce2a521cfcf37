// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hex;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The logs that filters and subscriptions report of blocks that become canonical, or are no longer.
 *
 * @param first number of the first block
 * @param last number of the last block; {@link Long#MAX_VALUE} for no end
 */
record LiveLogs(LogSearch.Query query, long first, long last) {
  /** Returns whether a block may have such logs. */
  boolean mayMatch(BlockHeader header) {
    return header.number() >= first
        && header.number() <= last
        && query.mayMatch(header.logsBloom());
  }

  /**
   * Returns what {@link LogCriteria#parse} makes criteria of, whose logs of new blocks are these.
   */
  Map<String, @Nullable Object> toJson() {
    Map<String, @Nullable Object> out = query.toJson();
    out.put("fromBlock", Hex.quantity(first));
    out.put("toBlock", last == Long.MAX_VALUE ? "latest" : Hex.quantity(last));
    return out;
  }
}
