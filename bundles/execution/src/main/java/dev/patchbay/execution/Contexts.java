// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.FeeMarket;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Makes what code learns about its block out of a header. */
final class Contexts {
  private Contexts() {}

  /**
   * Returns the context of a block.
   *
   * @param blobBaseFee wei per blob gas in place of what the header gives; null for that
   * @param ancestors gives hashes of blocks by number; null for a block that has none
   */
  static BlockContext of(
      BlockHeader header,
      Address feeRecipient,
      @Nullable UInt256 blobBaseFee,
      ExecutionRules rules,
      ChainConfig config,
      LongFunction<@Nullable Hash> ancestors) {
    BlobSchedule blobs = config.blobScheduleAt(header.timestamp());
    Long excess = header.excessBlobGas();
    UInt256 blobFee =
        blobBaseFee != null
            ? blobBaseFee
            : excess == null ? UInt256.ZERO : FeeMarket.blobBaseFee(excess, blobs);
    return new BlockContext(
        config.forkOf(header),
        config.chainId(),
        feeRecipient,
        header.number(),
        header.timestamp(),
        header.gasLimit(),
        header.difficulty(),
        header.mixHash(),
        header.baseFeePerGas(),
        blobFee,
        header.slotNumber() == null ? 0 : header.slotNumber(),
        blobs.max(),
        ancestors,
        rules.transactionRules(header, config));
  }

  /**
   * Finds ancestors by walking up from a header: right on every branch, and each step is kept.
   *
   * @param headers finds headers by hash
   */
  static LongFunction<@Nullable Hash> ancestors(
      BlockHeader header, Function<Hash, @Nullable BlockHeader> headers) {
    Map<Long, Hash> known = new HashMap<>();
    known.put(header.number() - 1, header.parentHash());
    long[] lowest = {header.number() - 1};
    return number -> {
      while (number < lowest[0]) {
        Hash hash = known.get(lowest[0]);
        BlockHeader next = hash == null ? null : headers.apply(hash);
        if (next == null) {
          return null;
        }
        lowest[0]--;
        known.put(lowest[0], next.parentHash());
      }
      return known.get(number);
    };
  }
}
