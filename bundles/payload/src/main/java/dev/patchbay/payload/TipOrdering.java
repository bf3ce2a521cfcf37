// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.payload.TransactionOrdering;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What pays the most tip per gas first.
 *
 * @param leastTip wei per gas below which nothing is taken
 */
record TipOrdering(Supplier<UInt256> leastTip) implements TransactionOrdering {
  private record Candidate(Deque<Transaction> rest, UInt256 tip) {}

  @Override
  public Queue order(BlockHeader header, Map<Address, List<Transaction>> pending) {
    UInt256 least = leastTip.get();
    PriorityQueue<Candidate> candidates =
        new PriorityQueue<>(Comparator.comparing(Candidate::tip).reversed());
    for (List<Transaction> own : pending.values()) {
      offer(candidates, new ArrayDeque<>(own), header, least);
    }
    return new Queue() {
      private @Nullable Deque<Transaction> current;

      @Override
      public @Nullable Transaction next() {
        if (current != null) {
          offer(candidates, current, header, least);
        }
        Candidate best = candidates.poll();
        current = best == null ? null : best.rest;
        return current == null ? null : current.removeFirst();
      }

      @Override
      public void skipped(Transaction transaction) {
        current = null;
      }
    };
  }

  private static void offer(
      PriorityQueue<Candidate> candidates,
      Deque<Transaction> rest,
      BlockHeader header,
      UInt256 least) {
    Transaction next = rest.peekFirst();
    UInt256 baseFee = header.baseFeePerGas();
    if (next != null && Builder.pays(next, baseFee)) {
      UInt256 tip = next.effectiveTip(baseFee);
      if (tip.compareTo(least) >= 0) {
        candidates.add(new Candidate(rest, tip));
      }
    }
  }
}
