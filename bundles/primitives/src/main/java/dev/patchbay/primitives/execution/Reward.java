// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.UInt256;

/**
 * What an account is credited for a block, beyond fees (Yellow Paper, section 11.3).
 *
 * @param to the account
 * @param wei how much
 * @param forOmmer whether it is for an ommer that the block names, and not for the block itself
 */
public record Reward(Address to, UInt256 wei, boolean forOmmer) {}
