// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;

/**
 * The logs of some blocks that match a query. The logs are held while they are short. Otherwise
 * only the hashes of their blocks are held, and the blocks are read again while the result is
 * written.
 *
 * <p>Threading: one thread at a time.
 */
final class FoundLogs {
  /** Characters of the JSON of the logs that are held, as of {@link BlockLogs.Entry#length}. */
  static final long MAX_HELD_LENGTH = 1 << 20;

  private final LogSearch.Query query;
  private final Reader reader;
  private final List<Source> blocks = new ArrayList<>();
  private final List<Object> held = new ArrayList<>();
  private int count;
  private long length;

  /** A block that has matching logs. */
  private record Source(Hash hash, boolean removed) {}

  /** Reads blocks again. */
  interface Reader {
    /**
     * Returns the logs of a block.
     *
     * @param removed whether the block is no longer canonical
     * @throws RpcError when the block or its receipts are not stored
     */
    BlockLogs read(Hash hash, boolean removed) throws RpcError;
  }

  /** Creates an empty result of a query. */
  FoundLogs(LogSearch.Query query, Reader reader) {
    this.query = query;
    this.reader = reader;
  }

  /** Appends the logs of a block that match. */
  void add(BlockLogs logs) {
    List<BlockLogs.Entry> matching = logs.matching(query);
    if (matching.isEmpty()) {
      return;
    }
    blocks.add(new Source(logs.block().hash(), logs.removed()));
    count += matching.size();
    length += matching.stream().mapToLong(BlockLogs.Entry::length).sum();
    if (isHeld()) {
      matching.forEach(entry -> held.add(entry.toJson()));
    } else {
      held.clear();
    }
  }

  /** Returns the number of logs. */
  int count() {
    return count;
  }

  /** Returns about how many characters the JSON of the logs has. */
  long length() {
    return length;
  }

  /** Returns whether the result is held, and not written as an {@link RpcStream}. */
  boolean isHeld() {
    return length <= MAX_HELD_LENGTH;
  }

  /**
   * Returns the logs as methods answer them, in the order in which they were added: a list when
   * they are held, otherwise an {@link RpcStream}, which fails when a block cannot be read again.
   */
  Object result() {
    return isHeld() ? held : (RpcStream) this::writeTo;
  }

  private void writeTo(JsonWriter out) throws RpcError {
    out.beginArray();
    for (Source block : blocks) {
      Deadline.check();
      for (BlockLogs.Entry entry : reader.read(block.hash, block.removed).matching(query)) {
        out.value(entry.toJson());
      }
    }
    out.endArray();
  }
}
