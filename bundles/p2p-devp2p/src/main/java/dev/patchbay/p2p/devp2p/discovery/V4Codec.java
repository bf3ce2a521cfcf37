// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Endpoint;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrRequest;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrResponse;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Neighbors;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Pong;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The wire format of Node Discovery v4 (devp2p discv4.md; EIP-8 for the fields that a reader
 * ignores): {@code hash(32) || signature(65) || type(1) || RLP}.
 *
 * <p>Threading: any thread.
 */
final class V4Codec {
  /** Longest packet in bytes. */
  static final int MAX_BYTES = 1280;

  private static final int HASH_BYTES = 32;
  private static final int SIGNATURE_BYTES = 65;
  private static final int TYPE_OFFSET = HASH_BYTES + SIGNATURE_BYTES;
  private static final int HEADER_BYTES = TYPE_OFFSET + 1;

  private V4Codec() {}

  /**
   * A packet that is ready to be sent.
   *
   * @param hash identifies it in the response
   */
  record Sealed(Hash hash, byte[] bytes) {}

  /**
   * A received packet whose hash is right and whose signature is not verified yet.
   *
   * @param signature 65 bytes: r, s, recovery id
   * @param signedHash hash of what was signed
   */
  record Received(Hash hash, byte[] signature, byte[] signedHash, V4Packet packet) {
    /**
     * Recovers the public key of the sender, 64 bytes: the expensive part of the verification.
     *
     * @throws MalformedPacketException when the signature is of no key
     */
    Bytes recoverSender() throws MalformedPacketException {
      byte[] key =
          Secp256k1.recover(
              signedHash,
              Arrays.copyOf(signature, 32),
              Arrays.copyOfRange(signature, 32, 64),
              signature[64] & 0xff);
      if (key == null) {
        throw new MalformedPacketException("wrong signature");
      }
      return Bytes.wrap(key);
    }

    @Override
    public String toString() {
      return packet.getClass().getSimpleName();
    }
  }

  // ---- reading

  /** Returns whether a datagram is a packet of this protocol: whether its hash is right. */
  static boolean matches(byte[] datagram) {
    if (datagram.length <= HEADER_BYTES || datagram.length > MAX_BYTES) {
      return false;
    }
    byte[] hash = Keccak.hash256(datagram, HASH_BYTES, datagram.length - HASH_BYTES);
    return Arrays.equals(hash, 0, HASH_BYTES, datagram, 0, HASH_BYTES);
  }

  /**
   * Decodes a datagram that {@link #matches}; does not verify its signature.
   *
   * @throws MalformedPacketException when its type is unknown or its content malformed
   */
  static Received decode(byte[] datagram) throws MalformedPacketException {
    V4Packet packet;
    try {
      RlpReader content = RlpReader.of(datagram, HEADER_BYTES).list();
      packet =
          switch (datagram[TYPE_OFFSET]) {
            case Ping.TYPE -> readPing(content);
            case Pong.TYPE -> readPong(content);
            case FindNode.TYPE -> new FindNode(readKey(content), content.number());
            case Neighbors.TYPE -> readNeighbors(content);
            case EnrRequest.TYPE -> new EnrRequest(content.number());
            case EnrResponse.TYPE -> new EnrResponse(content.hash(), Bytes.wrap(content.raw()));
            default -> throw new MalformedPacketException("unknown packet type");
          };
    } catch (IllegalArgumentException malformed) {
      throw new MalformedPacketException(String.valueOf(malformed.getMessage()));
    }
    return new Received(
        Hash.wrap(Arrays.copyOf(datagram, HASH_BYTES)),
        Arrays.copyOfRange(datagram, HASH_BYTES, TYPE_OFFSET),
        Keccak.hash256(datagram, TYPE_OFFSET, datagram.length - TYPE_OFFSET),
        packet);
  }

  private static Ping readPing(RlpReader content) {
    content.skip(); // the version: EIP-8 has receivers ignore it
    return new Ping(
        readEndpoint(content.list()),
        readEndpoint(content.list()),
        content.number(),
        readOptionalNumber(content));
  }

  private static Pong readPong(RlpReader content) {
    return new Pong(
        readEndpoint(content.list()),
        content.hash(),
        content.number(),
        readOptionalNumber(content));
  }

  private static Neighbors readNeighbors(RlpReader content) {
    RlpReader items = content.list();
    List<Node> nodes = new ArrayList<>();
    while (items.hasNext()) {
      RlpReader item = items.list();
      Endpoint endpoint = readEndpoint(item);
      nodes.add(
          new Node(readKey(item), endpoint.address(), endpoint.udpPort(), endpoint.tcpPort()));
    }
    return new Neighbors(nodes, content.number());
  }

  private static Bytes readKey(RlpReader items) {
    return Bytes.wrap(items.fixed(Node.KEY_BYTES));
  }

  /** Some nodes send an empty address where they know none: it is read as unspecified. */
  private static Endpoint readEndpoint(RlpReader items) {
    byte[] address = items.byteArray();
    InetAddress ip = Addresses.of(address.length == 0 ? new byte[4] : address);
    int udpPort = readPort(items);
    return new Endpoint(ip, udpPort, items.hasNext() ? readPort(items) : 0);
  }

  private static int readPort(RlpReader items) {
    long port = items.number();
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port out of range");
    }
    return (int) port;
  }

  /** An element that is no number is of an extension: it is ignored. */
  private static long readOptionalNumber(RlpReader content) {
    try {
      return content.hasNext() ? content.number() : 0;
    } catch (IllegalArgumentException extension) {
      return 0;
    }
  }

  // ---- writing

  /**
   * Encodes and signs a packet.
   *
   * @param privateKey 32 bytes
   */
  static Sealed encode(V4Packet packet, byte[] privateKey) {
    RlpWriter writer = new RlpWriter(MAX_BYTES).rawByte(packet.type());
    writer.list(content -> write(packet, content));
    return seal(writer.toArray(), privateKey);
  }

  /**
   * Signs the type and the content of a packet.
   *
   * @param typeAndContent what follows the signature
   */
  static Sealed seal(byte[] typeAndContent, byte[] privateKey) {
    Secp256k1.Signature signature = Secp256k1.sign(Keccak.hash256(typeAndContent), privateKey);
    byte[] bytes = new byte[TYPE_OFFSET + typeAndContent.length];
    System.arraycopy(signature.r(), 0, bytes, HASH_BYTES, 32);
    System.arraycopy(signature.s(), 0, bytes, HASH_BYTES + 32, 32);
    bytes[TYPE_OFFSET - 1] = (byte) signature.yParity();
    System.arraycopy(typeAndContent, 0, bytes, TYPE_OFFSET, typeAndContent.length);
    byte[] hash = Keccak.hash256(bytes, HASH_BYTES, bytes.length - HASH_BYTES);
    System.arraycopy(hash, 0, bytes, 0, HASH_BYTES);
    return new Sealed(Hash.wrap(hash), bytes);
  }

  private static void write(V4Packet packet, RlpWriter out) {
    if (packet instanceof Ping ping) {
      out.number(V4Packet.VERSION)
          .list(from -> write(ping.from(), from))
          .list(to -> write(ping.to(), to))
          .number(ping.expiration());
      writeOptionalNumber(ping.recordSeq(), out);
    } else if (packet instanceof Pong pong) {
      out.list(to -> write(pong.to(), to)).hash(pong.pingHash()).number(pong.expiration());
      writeOptionalNumber(pong.recordSeq(), out);
    } else if (packet instanceof FindNode find) {
      out.bytes(find.target()).number(find.expiration());
    } else if (packet instanceof Neighbors neighbors) {
      out.list(nodes -> neighbors.nodes().forEach(node -> nodes.list(item -> write(node, item))))
          .number(neighbors.expiration());
    } else if (packet instanceof EnrRequest request) {
      out.number(request.expiration());
    } else if (packet instanceof EnrResponse response) {
      out.hash(response.requestHash()).raw(response.record().unsafeArray());
    }
  }

  private static void writeOptionalNumber(long value, RlpWriter out) {
    if (value != 0) {
      out.number(value);
    }
  }

  private static void write(Endpoint endpoint, RlpWriter out) {
    out.bytes(endpoint.address().getAddress())
        .number(endpoint.udpPort())
        .number(endpoint.tcpPort());
  }

  private static void write(Node node, RlpWriter out) {
    write(new Endpoint(node.address(), node.udpPort(), node.tcpPort()), out);
    out.bytes(node.publicKey());
  }
}
