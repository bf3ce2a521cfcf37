// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The logs of a block, read once for any number of queries. Threading: one thread at a time.
 *
 * <p>The JSON of a log is made when it is asked for.
 */
final class BlockLogs {
  /** Characters of the JSON of a log without topics and data. */
  private static final int FIELDS_LENGTH = 512;

  private static final int TOPIC_LENGTH = 70;

  private final Block block;
  private final boolean removed;
  private final List<Entry> entries = new ArrayList<>();

  /** A log of the block. */
  final class Entry {
    private final Log log;
    private final int transaction;
    private final int index;
    private @Nullable SharedResult result;

    private Entry(Log log, int transaction, int index) {
      this.log = log;
      this.transaction = transaction;
      this.index = index;
    }

    /** Returns the log as subscriptions send it; the same object each time. */
    SharedResult result() {
      SharedResult known = result;
      if (known == null) {
        known = new SharedResult(toJson());
        result = known;
      }
      return known;
    }

    /** Returns the log as methods answer it; a new object each time, which is not held here. */
    Map<String, @Nullable Object> toJson() {
      return Results.log(log, block, transaction, index, removed);
    }

    /** Returns about how many characters the JSON of the log has. */
    long length() {
      return FIELDS_LENGTH + (long) TOPIC_LENGTH * log.topics().size() + 2L * log.data().size();
    }
  }

  /**
   * Takes the logs of a block.
   *
   * @param removed whether the block is no longer canonical
   */
  BlockLogs(Block block, List<Receipt> receipts, boolean removed) {
    this.block = block;
    this.removed = removed;
    for (int i = 0; i < receipts.size(); i++) {
      for (Log log : receipts.get(i).logs()) {
        entries.add(new Entry(log, i, entries.size()));
      }
    }
  }

  Block block() {
    return block;
  }

  /** Returns whether the block is no longer canonical. */
  boolean removed() {
    return removed;
  }

  /** Returns the logs that match a query, in their order. */
  List<Entry> matching(LogSearch.Query query) {
    return entries.stream().filter(entry -> query.matches(entry.log)).toList();
  }
}
