// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * What a trace is about.
 *
 * @param blockHash hash of the block that holds the transaction; null for a call that is in none
 * @param blockNumber its number; that of the block the call is made on
 * @param transactionHash hash of the transaction; null for a call
 * @param transactionIndex position of the transaction in the block, from 0; 0 for a call
 */
public record TraceSubject(
    @Nullable Hash blockHash,
    long blockNumber,
    @Nullable Hash transactionHash,
    int transactionIndex) {}
