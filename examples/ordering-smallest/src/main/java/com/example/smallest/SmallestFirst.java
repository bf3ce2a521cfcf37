// SPDX-License-Identifier: Apache-2.0
package com.example.smallest;

import dev.patchbay.api.payload.TransactionOrdering;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.osgi.service.component.annotations.Component;

/** Fills blocks with the transactions that ask for the least gas, whatever they pay. */
@Component
public final class SmallestFirst implements TransactionOrdering {
  @Override
  public Queue order(BlockHeader header, Map<Address, List<Transaction>> pending) {
    PriorityQueue<Deque<Transaction>> senders =
        new PriorityQueue<>(Comparator.comparingLong(rest -> rest.getFirst().gasLimit()));
    pending.values().forEach(own -> senders.add(new ArrayDeque<>(own)));
    return new Queue() {
      private Deque<Transaction> current = new ArrayDeque<>();

      @Override
      public Transaction next() {
        if (!current.isEmpty()) {
          senders.add(current);
        }
        current = senders.isEmpty() ? new ArrayDeque<>() : senders.remove();
        return current.pollFirst();
      }

      @Override
      public void skipped(Transaction transaction) {
        current.clear();
      }
    };
  }
}
