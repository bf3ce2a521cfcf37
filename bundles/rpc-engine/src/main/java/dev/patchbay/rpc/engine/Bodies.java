// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Bodies of blocks that a consensus client has without them. Threading: any thread. */
final class Bodies {
  /** As geth; the specification asks for 32. */
  private static final int MOST = 1_024;

  /** As the specification asks for: a block is executed again for its access list. */
  private static final int MAX_WITH_ACCESS_LISTS = 32;

  private final ChainReader chain;
  private final BlockExecutor executor;

  Bodies(ChainReader chain, BlockExecutor executor) {
    this.chain = chain;
    this.executor = executor;
  }

  /**
   * Returns the bodies of blocks by hash, null for those that are not there, or have been pruned.
   *
   * @param accessLists whether each has its block access list (EIP-7928), which is null before
   *     Amsterdam and when the state before the block is not there
   */
  Object byHash(Params params, boolean accessLists) throws RpcError {
    requireSize(params.list(0).size(), accessLists);
    List<@Nullable Object> out = new ArrayList<>();
    for (Hash hash : params.hashes(0)) {
      out.add(body(() -> chain.block(hash), accessLists));
    }
    return out;
  }

  /**
   * Returns the bodies of blocks of the chain by number, null for those that have been pruned; the
   * list ends with the head.
   *
   * @param accessLists as of {@link #byHash}
   */
  Object byRange(Params params, boolean accessLists) throws RpcError {
    long start = Params.quantity64("start", params.optional(0));
    long count = Params.quantity64("count", params.optional(1));
    if (start == 0 || count == 0) {
      throw RpcError.invalidParams(
          "start and count must be at least 1, not " + start + ", " + count);
    }
    requireSize(count, accessLists);
    long end = chain.head().number();
    List<@Nullable Object> out = new ArrayList<>();
    for (long i = 0; i < count && start > 0 && start + i <= end; i++) {
      long number = start + i;
      out.add(body(() -> chain.block(number), accessLists));
    }
    return out;
  }

  private static void requireSize(long count, boolean accessLists) throws RpcError {
    int most = accessLists ? MAX_WITH_ACCESS_LISTS : MOST;
    if (count < 0 || count > most) {
      throw EngineErrors.tooLarge(
          Long.toUnsignedString(count) + " bodies, at most " + most + " are answered at once");
    }
  }

  private @Nullable Object body(Supplier<@Nullable Block> finder, boolean accessList) {
    Block block;
    try {
      block = finder.get();
    } catch (PrunedException pruned) {
      block = null;
    }
    if (block == null) {
      return null;
    }
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("transactions", block.transactions().stream().map(Transaction::encoding).toList());
    List<Withdrawal> withdrawals = block.withdrawals();
    out.put(
        "withdrawals",
        withdrawals == null ? null : withdrawals.stream().map(Results::withdrawal).toList());
    if (accessList) {
      Deadline.check();
      Bytes list = executor.accessList(block);
      out.put("blockAccessList", list);
    }
    return out;
  }
}
