// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Limits of blocks that hold under every consensus protocol: those that verification checks and a
 * builder must keep to. Threading: stateless.
 */
public final class BlockLimits {
  /** Least gas limit of a block (Yellow Paper, section 4.3.4). */
  public static final long MIN_GAS_LIMIT = 5_000;

  /** By less than the gas limit over this the next gas limit may differ (Yellow Paper, 4.3.4). */
  public static final long GAS_LIMIT_BOUND_DIVISOR = 1_024;

  /**
   * Most bytes of the RLP of a block from Osaka on: 10 MiB less 2 MiB for the beacon block around
   * it (EIP-7934).
   */
  public static final long MAX_BYTES = 8 << 20;

  /** More than the fixed fields of a header and the prefixes of all lists of a block take. */
  private static final long HEADER_BYTES = 1_024;

  /** More than a withdrawal takes. */
  private static final long WITHDRAWAL_BYTES = 64;

  private BlockLimits() {}

  /** Returns the most bytes that the RLP of a block may have in a fork. */
  public static long maxBytes(Fork fork) {
    return fork.includes(Fork.OSAKA) ? MAX_BYTES : Long.MAX_VALUE;
  }

  /** Returns at least as many bytes as the RLP of a block without transactions has. */
  public static long bytesWithoutTransactions(BlockHeader header, List<Withdrawal> withdrawals) {
    return HEADER_BYTES + header.extraData().size() + WITHDRAWAL_BYTES * withdrawals.size();
  }

  /** Returns how many bytes a transaction adds to the RLP of a block. */
  public static long bytesInBody(Transaction transaction) {
    int size = transaction.encodedSize();
    return transaction.type() == TransactionType.LEGACY ? size : RlpWriter.sizeWithHeader(size);
  }
}
