// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import java.util.List;

/**
 * A block that was built.
 *
 * @param block the block
 * @param value wei of tips that the fee recipient gets
 * @param requests the requests of EIP-7685, each with its type byte; none before Prague
 * @param sidecars the sidecars of its blob transactions that the pool has, in their order
 */
public record Payload(
    Block block, UInt256 value, List<byte[]> requests, List<BlobSidecar> sidecars) {
  /** Copies the lists. */
  public Payload {
    requests = List.copyOf(requests);
    sidecars = List.copyOf(sidecars);
  }
}
