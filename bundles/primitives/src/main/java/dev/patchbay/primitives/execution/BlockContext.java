// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the code of a transaction can learn about its block.
 *
 * @param fork the rules in force
 * @param chainId the chain id
 * @param coinbase recipient of the fees
 * @param number block number
 * @param timestamp seconds since the Unix epoch
 * @param gasLimit gas limit of the block
 * @param difficulty difficulty before the merge
 * @param prevRandao previous RANDAO from the merge on
 * @param baseFee wei per gas; null before London
 * @param blobBaseFee wei per blob gas; zero before Cancun
 * @param slotNumber slot of the beacon block; 0 before Amsterdam
 * @param maxBlobs blobs that one block may hold
 * @param blockHash returns the hash of an ancestor, null when unknown; asked for the last 256
 *     numbers only
 * @param rules what the chain does differently from Ethereum
 */
public record BlockContext(
    Fork fork,
    UInt256 chainId,
    Address coinbase,
    long number,
    long timestamp,
    long gasLimit,
    UInt256 difficulty,
    Hash prevRandao,
    @Nullable UInt256 baseFee,
    UInt256 blobBaseFee,
    long slotNumber,
    int maxBlobs,
    LongFunction<@Nullable Hash> blockHash,
    TransactionRules rules) {}
