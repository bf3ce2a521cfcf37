// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * The first message of each side (devp2p, rlpx.md, "Hello (0x00)").
 *
 * @param version version of the base protocol; from 5 on, all later messages are compressed
 * @param clientId name and version of the program, at most 256 characters, printable ASCII
 * @param capabilities the sub-protocols of the node, in order
 * @param port where the node listens; 0 when it does not, or does not say so
 * @param nodeId the public key of the node: 64 bytes when it is valid
 */
record Hello(int version, String clientId, Set<Capability> capabilities, int port, Bytes nodeId) {
  /** The version that this node speaks (EIP-706). */
  static final int VERSION = 5;

  /** The first version with compression. */
  private static final int SNAPPY_VERSION = 5;

  /** The oldest version that this node accepts. */
  static final int MIN_VERSION = 4;

  private static final int MAX_CLIENT_CHARS = 256;

  /** More capabilities than any client has; the size of the message allows a few hundred. */
  private static final int MAX_CAPABILITIES = 128;

  /** Copies the capabilities. */
  Hello {
    capabilities = java.util.Collections.unmodifiableSet(new TreeSet<>(capabilities));
  }

  /** Creates the message of this node. */
  static Hello of(String clientId, Collection<Capability> capabilities, int port, NodeId id) {
    return new Hello(VERSION, clientId, new TreeSet<>(capabilities), port, id.key());
  }

  /** Returns whether messages after this one are compressed. */
  boolean isSnappy() {
    return version >= SNAPPY_VERSION;
  }

  /** Encodes the payload. */
  byte[] encode() {
    return new RlpWriter()
        .list(
            list -> {
              list.number(version).bytes(clientId.getBytes(StandardCharsets.UTF_8));
              list.list(
                  all ->
                      capabilities.forEach(
                          one ->
                              all.list(
                                  pair ->
                                      pair.bytes(one.name().getBytes(StandardCharsets.US_ASCII))
                                          .number(one.version()))));
              list.number(port).bytes(nodeId);
            })
        .toArray();
  }

  /**
   * Decodes a payload. Capabilities with names or versions out of range are skipped: no
   * sub-protocol has them. Further items are ignored (EIP-8).
   *
   * @throws PeerBreachException when it is malformed
   */
  static Hello decode(byte[] payload) throws PeerBreachException {
    try {
      RlpReader items = RlpReader.of(payload).list();
      long version = items.number();
      String clientId = printable(items.byteArray());
      Set<Capability> capabilities = new TreeSet<>();
      RlpReader all = items.list();
      for (int count = 0; all.hasNext(); count++) {
        if (count == MAX_CAPABILITIES) {
          throw new RlpException("more than " + MAX_CAPABILITIES + " capabilities");
        }
        addCapability(all.list(), capabilities);
      }
      int port = port(items.byteArray());
      Bytes nodeId = items.bytes();
      return new Hello(clamp(version), clientId, capabilities, port, nodeId);
    } catch (RlpException malformed) {
      throw new PeerBreachException(
          DisconnectReason.PROTOCOL_BREACH, "Hello is malformed: " + malformed.getMessage());
    }
  }

  private static void addCapability(RlpReader pair, Set<Capability> capabilities) {
    byte[] name = pair.byteArray();
    long version = pair.number();
    if (name.length > 0 && name.length <= 8 && version >>> 31 == 0) {
      String text = new String(name, StandardCharsets.ISO_8859_1);
      if (text.chars().allMatch(c -> c > 32 && c < 127)) {
        capabilities.add(new Capability(text, (int) version));
      }
    }
  }

  /** Reads a port, also with a leading zero: ethereumjs sends 0x00 when it does not listen. */
  private static int port(byte[] bytes) {
    int port = 0;
    for (byte one : bytes) {
      if (port > 0xff) {
        return 0; // out of range, and of no use
      }
      port = port << 8 | one & 0xff;
    }
    return port;
  }

  private static int clamp(long version) {
    return version >>> 31 == 0 ? (int) version : Integer.MAX_VALUE;
  }

  /** Replaces characters that are not printable ASCII: the text goes to logs and terminals. */
  private static String printable(byte[] text) {
    StringBuilder out = new StringBuilder(Math.min(text.length, MAX_CLIENT_CHARS));
    for (int i = 0; i < text.length && i < MAX_CLIENT_CHARS; i++) {
      out.append(text[i] >= 32 && text[i] < 127 ? (char) text[i] : '?');
    }
    return out.toString();
  }
}
