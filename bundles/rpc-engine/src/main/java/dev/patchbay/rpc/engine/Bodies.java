// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Bodies of blocks that a consensus client has without them. Threading: any thread. */
final class Bodies {
  /** As geth; the specification asks for 32. */
  private static final int MOST = 1_024;

  private final ChainReader chain;

  Bodies(ChainReader chain) {
    this.chain = chain;
  }

  /**
   * Returns the bodies of blocks by hash, null for those that are not there.
   *
   * @param accessLists whether each has its block access list, which is null before Amsterdam
   */
  Object byHash(Params params, boolean accessLists) throws RpcError {
    requireSize(params.list(0).size());
    List<@Nullable Object> out = new ArrayList<>();
    for (Hash hash : params.hashes(0)) {
      out.add(body(chain.block(hash), accessLists));
    }
    return out;
  }

  /**
   * Returns the bodies of blocks of the chain by number; the list ends with the head.
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
    requireSize(count);
    long end = chain.head().number();
    List<@Nullable Object> out = new ArrayList<>();
    for (long i = 0; i < count && start > 0 && start + i <= end; i++) {
      out.add(body(chain.block(start + i), accessLists));
    }
    return out;
  }

  private static void requireSize(long count) throws RpcError {
    if (count < 0 || count > MOST) {
      throw EngineErrors.tooLarge(
          Long.toUnsignedString(count) + " bodies, at most " + MOST + " are answered at once");
    }
  }

  private static @Nullable Object body(@Nullable Block block, boolean accessList) {
    if (block == null) {
      return null;
    }
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put(
        "transactions", block.transactions().stream().map(t -> Hex.encode(t.encode())).toList());
    List<Withdrawal> withdrawals = block.withdrawals();
    out.put(
        "withdrawals",
        withdrawals == null ? null : withdrawals.stream().map(Results::withdrawal).toList());
    if (accessList) {
      out.put("blockAccessList", null);
    }
    return out;
  }
}
