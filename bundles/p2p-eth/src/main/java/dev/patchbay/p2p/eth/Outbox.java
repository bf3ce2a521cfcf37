// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.p2p.eth.NewPooledTransactionHashes.Announced;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Transactions that a peer is going to get, in full or by their hashes. While the peer does not
 * read, they wait; of more than 4,096 the oldest are dropped.
 *
 * <p>Threading: one thread at a time.
 */
final class Outbox {
  private static final int MAX_WAITING = 4_096;

  /** Bytes of transactions from which on a message takes no more of them. */
  private static final int PACK_BYTES = 100 * 1024;

  private final PeerConnection connection;
  private final HashSetRing known;
  private final Deque<Transaction> transactions = new ArrayDeque<>();
  private final Deque<Announced> announcements = new ArrayDeque<>();

  /**
   * Creates an empty one.
   *
   * @param known the transactions that the peer has; what is sent to it is added
   */
  Outbox(PeerConnection connection, HashSetRing known) {
    this.connection = connection;
    this.known = known;
  }

  /** Adds a transaction to be sent in full, unless the peer has it. */
  void add(Transaction transaction) {
    if (known.add(transaction.hash())) {
      append(transactions, transaction);
    }
  }

  /** Adds an announcement, unless the peer has the transaction. */
  void announce(Announced announced) {
    if (known.add(announced.hash())) {
      append(announcements, announced);
    }
  }

  /** Adds an announcement, also when it was sent before. */
  void announceAgain(Announced announced) {
    known.add(announced.hash());
    append(announcements, announced);
  }

  private static <T> void append(Deque<T> queue, T item) {
    if (queue.size() == MAX_WAITING) {
      queue.poll();
    }
    queue.add(item);
  }

  /** Sends what the peer takes now. */
  void flush() {
    while (!transactions.isEmpty()) {
      List<Transaction> pack = new ArrayList<>();
      int bytes = 0;
      for (Transaction transaction : transactions) {
        if (bytes >= PACK_BYTES) {
          break;
        }
        pack.add(transaction);
        bytes += transaction.encodedSize();
      }
      if (!offer(new Transactions(pack))) {
        return;
      }
      pack.forEach(sent -> transactions.poll());
    }
    while (!announcements.isEmpty()) {
      List<Announced> pack = List.copyOf(announcements);
      if (!offer(new NewPooledTransactionHashes(pack))) {
        return;
      }
      announcements.clear();
    }
  }

  private boolean offer(EthMessage message) {
    return connection.offer(message.code(), message.encode());
  }
}
