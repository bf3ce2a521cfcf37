// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.primitives.UInt256;
import java.util.concurrent.TimeUnit;

/**
 * The checked configuration of the pool.
 *
 * @param limits of transactions without blobs
 * @param blobLimits of transactions with blobs
 * @param leftBlobs number of blobs that are kept of transactions that have left the pool
 * @param minTip least tip cap in wei per gas
 * @param priceBump percent by which a replacement raises the fees
 * @param blobPriceBump percent by which a replacement of a blob transaction raises the fees
 * @param queuedMillis after which queued transactions of an idle sender are dropped
 */
record PoolSettings(
    SubPool.Limits limits,
    SubPool.Limits blobLimits,
    int leftBlobs,
    UInt256 minTip,
    int priceBump,
    int blobPriceBump,
    long queuedMillis) {
  private static final int MAX_BLOBS_PER_SENDER = 16;

  /** Transactions and blobs have this share each. */
  private static final int MAX_HEAP_PERCENT = 25;

  /** A blob with its cell proofs. */
  private static final long BLOB_BYTES = 140_000;

  /**
   * Checks a configuration.
   *
   * @param heapBytes the most that the heap can be
   * @throws dev.patchbay.binding.InvalidConfigurationException when a value is not valid
   */
  static PoolSettings of(
      TransactionPoolComponent.Config config, ConfigurationValues values, long heapBytes) {
    int transactions = values.integer("max.transactions", config::max_transactions, 1, 10_000_000);
    int queued = values.integer("max.queued", config::max_queued, 0, 10_000_000);
    int perSender =
        values.integer("max.sender.transactions", config::max_sender_transactions, 1, 1_000_000);
    int blobs = values.integer("max.blobs", config::max_blobs, 0, 100_000);
    long percent = values.integer("heap.percent", config::heap_percent, 1, MAX_HEAP_PERCENT);
    long bytes = heapBytes / 100 * percent;
    long blobsInShare = bytes / BLOB_BYTES;
    int blobsInHeap = (int) Math.min(blobs, blobsInShare * 3 / 4); // the rest for those that leave
    int leftBlobs = (int) Math.min(blobsInHeap / 2, blobsInShare - blobsInHeap);
    return new PoolSettings(
        new SubPool.Limits(transactions, queued, perSender, 0, bytes),
        new SubPool.Limits(blobsInHeap, blobsInHeap, MAX_BLOBS_PER_SENDER, blobsInHeap, bytes),
        leftBlobs,
        UInt256.of(values.number("min.tip", config::min_tip, 0, Long.MAX_VALUE)),
        values.integer("price.bump.percent", config::price_bump_percent, 0, 1_000),
        values.integer("blob.price.bump.percent", config::blob_price_bump_percent, 0, 1_000),
        TimeUnit.SECONDS.toMillis(
            values.integer("queued.seconds", config::queued_seconds, 1, Integer.MAX_VALUE)));
  }
}
