// SPDX-License-Identifier: Apache-2.0
/**
 * Node discovery: protocol versions 4 and 5.1 on one UDP port, node records (EIP-778), the node
 * table, and node lists in the DNS (EIP-1459). {@code Discovery} is the entry point.
 *
 * <p>Threading: all state of the protocols belongs to one thread, the discovery thread. A class
 * without a threading line is used by this thread only.
 */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.devp2p.discovery;
