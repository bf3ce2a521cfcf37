// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;

/**
 * The latest block of a peer as the peer states it; not checked.
 *
 * @param hash hash of the block
 * @param number number of the block, unsigned 64 bits; null when the peer has not stated it
 * @param totalDifficulty total difficulty up to and with the block; null when the peer has not
 *     stated it
 */
public record ChainHead(Hash hash, @Nullable Long number, @Nullable UInt256 totalDifficulty) {}
