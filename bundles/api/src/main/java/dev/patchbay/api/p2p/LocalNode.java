// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import org.jspecify.annotations.Nullable;

/**
 * This node as its peers see it.
 *
 * @param id what identifies it: on devp2p the 128 hexadecimal digits of its public key
 * @param url what peers dial: on devp2p {@code enode://…}, without an address while the node does
 *     not listen
 * @param record its node record, {@code enr:…}; null where the network has none
 * @param host its address as far as it is known
 * @param tcpPort port that accepts connections; 0 when the node does not listen
 * @param udpPort port of discovery; 0 when discovery is off
 */
public record LocalNode(
    String id, String url, @Nullable String record, String host, int tcpPort, int udpPort) {}
