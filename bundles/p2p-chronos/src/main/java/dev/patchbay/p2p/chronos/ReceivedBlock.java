// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;

/**
 * A block that a peer has sent; its body is the one of its header.
 *
 * @param bytes size of its message
 */
record ReceivedBlock(Block block, int bytes) {}
