// SPDX-License-Identifier: Apache-2.0
/**
 * RLPx: identities of nodes, the encryption handshake, and encrypted frames (devp2p, rlpx.md).
 * Nothing here reads the network or the clock.
 */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.devp2p.rlpx;
