// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;

/**
 * A block that was built.
 *
 * @param block the block
 * @param value wei of tips that the fee recipient gets
 * @param outcome what the block does: whoever trusts this node need not execute it again
 * @param sidecars the sidecars of its blob transactions that the pool has, in their order
 */
public record Payload(
    Block block, UInt256 value, BlockExecutor.Outcome outcome, List<BlobSidecar> sidecars) {
  /** Copies the list. */
  public Payload {
    sidecars = List.copyOf(sidecars);
  }

  /**
   * Returns all that a client is told of this payload, in less memory: without receipts and
   * changes, which are empty.
   */
  public Payload withoutEffects() {
    BlockExecutor.Outcome told =
        new BlockExecutor.Outcome(
            List.of(),
            outcome.gasUsed(),
            outcome.blobGasUsed(),
            outcome.requests(),
            outcome.accessList(),
            new StateChanges(List.of()));
    return new Payload(block, value, told, sidecars);
  }

  /** Returns the requests of EIP-7685, each with its type byte; none before Prague. */
  public List<byte[]> requests() {
    List<byte[]> requests = outcome.requests();
    return requests == null ? List.of() : requests;
  }
}
