// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.rpc.codec.Results;
import dev.patchbay.rpc.eth.Events.HeadChange;
import dev.patchbay.rpc.eth.Subscription.Kind;
import dev.patchbay.rpc.eth.Subscription.Topic;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes the notifications of head changes: headers, logs and receipts. A block is read once for all
 * subscriptions.
 *
 * <p>Threading: one thread at a time.
 */
final class HeadDelivery implements Notifier.Delivery<HeadChange> {
  /** Blocks that a reorg may remove for all of their logs to be sent. */
  private static final int MAX_WHOLE_REORG = 64;

  private final Subscriptions subscriptions;
  private final LogSearch logs;
  private final Function<Block, List<Object>> receipts;
  private final Consumer<Throwable> failed;

  /**
   * What notifications have of a block.
   *
   * @param receipts receipts as methods answer them; empty when no topic is for them
   */
  private record Content(BlockLogs logs, List<Object> receipts) {}

  /**
   * Creates a delivery.
   *
   * @param receipts returns the receipts of a block as methods answer them
   * @param failed reports that a block cannot be read
   */
  HeadDelivery(
      Subscriptions subscriptions,
      LogSearch logs,
      Function<Block, List<Object>> receipts,
      Consumer<Throwable> failed) {
    this.subscriptions = subscriptions;
    this.logs = logs;
    this.receipts = receipts;
    this.failed = failed;
  }

  @Override
  public boolean isFor(Topic topic, HeadChange change) {
    return switch (topic.kind()) {
      case HEADS, RECEIPTS -> !change.removed();
      case LOGS -> topic.logs() != null && topic.logs().mayMatch(change.header());
      case PENDING, SYNCING -> false;
    };
  }

  @Override
  public Function<Topic, Consumer<Subscription>> prepare(HeadChange change, List<Topic> topics) {
    boolean needsBlock = topics.stream().anyMatch(topic -> topic.kind() != Kind.HEADS);
    boolean needsReceipts = topics.stream().anyMatch(topic -> topic.kind() == Kind.RECEIPTS);
    Content content = needsBlock ? read(change, needsReceipts) : null;
    return topic -> notification(change, topic, content);
  }

  /** Returns the content of a block; null when it can no longer be read. */
  private @Nullable Content read(HeadChange change, boolean needsReceipts) {
    try {
      BlockLogs found = logs.logsOf(change.hash(), change.removed());
      return found == null
          ? null
          : new Content(found, needsReceipts ? receipts.apply(found.block()) : List.of());
    } catch (StorageUnavailableException retried) {
      throw retried;
    } catch (Throwable unreadable) { // it would be the same again
      failed.accept(unreadable);
      return null;
    }
  }

  private Consumer<Subscription> notification(
      HeadChange change, Topic topic, @Nullable Content content) {
    if (topic.kind() == Kind.HEADS) {
      SharedResult header = new SharedResult(Results.header(change.header(), change.hash()));
      return subscription -> subscriptions.notify(subscription, header);
    }
    if (content == null) {
      return subscriptions::disconnect;
    }
    if (topic.logs() != null) {
      List<BlockLogs.Entry> found = content.logs.matching(topic.logs().query());
      boolean whileRoom = change.removed() && change.depth() > MAX_WHOLE_REORG;
      return subscription -> sendLogs(subscription, found, whileRoom);
    }
    SharedResult all = new SharedResult(content.receipts);
    return subscription -> sendReceipts(subscription, content.receipts, all);
  }

  /**
   * Sends logs. Those of a deep reorg are sent as long as the client reads them: it is not
   * disconnected for blocks that are removed all at once.
   */
  private void sendLogs(Subscription subscription, List<BlockLogs.Entry> found, boolean whileRoom) {
    for (BlockLogs.Entry entry : found) {
      if ((whileRoom && !subscription.session.hasRoom())
          || !subscriptions.notify(subscription, entry.result())) {
        return;
      }
    }
  }

  /** Sends the receipts of a block in one list; the subscription ends with the last one wanted. */
  private void sendReceipts(Subscription subscription, List<Object> all, SharedResult shared) {
    Set<String> wanted = subscription.hashes;
    if (wanted == null) {
      if (!all.isEmpty()) {
        subscriptions.notify(subscription, shared);
      }
      return;
    }
    List<Object> found = new ArrayList<>();
    for (Object receipt : all) {
      if (receipt instanceof Map<?, ?> map
          && wanted.remove(String.valueOf(map.get("transactionHash")))) {
        found.add(receipt);
      }
    }
    if (!found.isEmpty()) {
      subscriptions.notify(subscription, found);
    }
    if (wanted.isEmpty()) {
      subscriptions.end(subscription.id);
    }
  }
}
