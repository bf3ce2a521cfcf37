// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.rpc.eth.ClientQuota.Share;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One subscription of a connection.
 *
 * <p>Threading: any thread; the hashes are for the thread that notifies alone.
 */
final class Subscription {
  /** Which events a subscription is for. */
  enum Kind {
    HEADS,
    LOGS,
    PENDING,
    RECEIPTS,
    SYNCING
  }

  /**
   * The events that subscriptions with equal topics are for. They get the same results, but for
   * those that want the receipts of some transactions only.
   *
   * @param logs which logs; null unless the topic is logs
   * @param full whether whole transactions are sent, not their hashes
   */
  record Topic(Kind kind, @Nullable LiveLogs logs, boolean full) {}

  final String id;
  final RpcSession session;
  final Topic topic;

  /** Transactions whose receipts have not been sent yet; null for all transactions. */
  final @Nullable Set<String> hashes;

  /** The journal of its events. */
  final Journal<?> journal;

  /** Position of the first event that the subscription is for. */
  final long from;

  final List<Share> shares;

  /** The action of the session that ends the subscription. */
  final Runnable onClose;

  Subscription(
      String id,
      RpcSession session,
      Topic topic,
      @Nullable Set<String> hashes,
      Journal<?> journal,
      long from,
      List<Share> shares,
      Runnable onClose) {
    this.id = id;
    this.session = session;
    this.topic = topic;
    this.hashes = hashes;
    this.journal = journal;
    this.from = from;
    this.shares = shares;
    this.onClose = onClose;
  }

  /** Returns the parameters of {@code eth_subscribe} that make an equal subscription. */
  List<Object> toParams() {
    return switch (topic.kind()) {
      case HEADS -> List.of("newHeads");
      case LOGS -> List.of("logs", topic.logs() == null ? Map.of() : topic.logs().toJson());
      case PENDING -> List.of("newPendingTransactions", topic.full());
      case RECEIPTS ->
          List.of(
              "transactionReceipts",
              hashes == null ? Map.of() : Map.of("transactionHashes", List.copyOf(hashes)));
      case SYNCING -> List.of("syncing");
    };
  }
}
