// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

import dev.patchbay.primitives.UInt256;

/**
 * How full the pool is.
 *
 * @param pending number of transactions that can be executed now
 * @param queued number of transactions behind a nonce gap
 * @param maxTransactions how many transactions without blobs the pool holds at most
 * @param blobs number of blobs
 * @param maxBlobs how many blobs the pool holds at most
 * @param bytes heap that the transactions occupy, estimated, without blobs
 * @param maxBytes the most that {@code bytes} can be
 * @param minTip least tip cap of a transaction, in wei per gas
 */
public record PoolStatus(
    int pending,
    int queued,
    int maxTransactions,
    int blobs,
    int maxBlobs,
    long bytes,
    long maxBytes,
    UInt256 minTip) {}
