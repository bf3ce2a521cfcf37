// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.UInt256;

/**
 * A block reward, without fees (Yellow Paper, section 11.3).
 *
 * @param to the account that receives it
 * @param wei amount in wei
 * @param forOmmer whether it is for an ommer of the block, and not for the block itself
 */
public record Reward(Address to, UInt256 wei, boolean forOmmer) {}
