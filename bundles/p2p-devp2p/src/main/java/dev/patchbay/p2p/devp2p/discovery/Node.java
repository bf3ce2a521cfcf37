// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * A node of the network and where it is reached. Threading: immutable.
 *
 * @param publicKey 64 bytes: x, y of its secp256k1 key
 * @param udpPort port of discovery, 1 to 65535; 0 when the node has no discovery
 * @param tcpPort port of RLPx, 1 to 65535; 0 when the node accepts no connections
 */
public record Node(Bytes publicKey, InetAddress address, int udpPort, int tcpPort) {
  /** Length of a public key in bytes. */
  static final int KEY_BYTES = 64;

  /**
   * Checks lengths and ranges; does not check that the key is a point of the curve.
   *
   * @throws IllegalArgumentException when one is out of range
   */
  public Node {
    if (publicKey.size() != KEY_BYTES) {
      throw new IllegalArgumentException("a node key has 64 bytes, not " + publicKey.size());
    }
    checkPort(udpPort);
    checkPort(tcpPort);
  }

  private static void checkPort(int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is out of range");
    }
  }

  /** Returns the node id of discovery: the Keccak-256 hash of the key. Computed by each call. */
  public Hash id() {
    return publicKey.keccak();
  }

  /** Returns the address and the UDP port. */
  public InetSocketAddress udpEndpoint() {
    return new InetSocketAddress(address, udpPort);
  }
}
