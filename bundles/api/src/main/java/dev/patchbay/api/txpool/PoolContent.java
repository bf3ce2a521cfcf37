// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

import dev.patchbay.primitives.Transaction;
import java.util.List;

/**
 * The transactions of one sender.
 *
 * @param pending those that can be executed now, in the order of nonces
 * @param queued those behind a nonce gap, in the order of nonces
 */
public record PoolContent(List<Transaction> pending, List<Transaction> queued) {
  /** No transactions. */
  public static final PoolContent EMPTY = new PoolContent(List.of(), List.of());

  /** Copies the lists. */
  public PoolContent {
    pending = List.copyOf(pending);
    queued = List.copyOf(queued);
  }
}
