// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Endpoint;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Pong;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;

/** A UDP socket that speaks version 4 byte by byte, to test a node from outside. */
final class V4Client implements AutoCloseable {
  /** Only a failing test waits so long. */
  private static final int TIMEOUT_MILLIS = 20_000;

  private final DatagramSocket socket;
  private InetSocketAddress node;
  private final byte[] key;
  private final TestClock clock;
  private int received;

  V4Client(String address, byte[] key, int nodePort, TestClock clock) throws IOException {
    this.socket = new DatagramSocket(new InetSocketAddress(InetAddress.getByName(address), 0));
    this.socket.setSoTimeout(TIMEOUT_MILLIS);
    this.node = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), nodePort);
    this.key = key;
    this.clock = clock;
  }

  /** Sends to another port of 127.0.0.1 from now on. */
  void setNode(int port) {
    node = new InetSocketAddress(node.getAddress(), port);
  }

  byte[] key() {
    return key;
  }

  Bytes publicKey() {
    return Bytes.wrap(Secp256k1.publicKey(key));
  }

  Endpoint endpoint() {
    return new Endpoint(socket.getLocalAddress(), socket.getLocalPort(), 0);
  }

  Endpoint nodeEndpoint() {
    return new Endpoint(node.getAddress(), node.getPort(), 0);
  }

  /** Returns an expiration in the future. */
  long future() {
    return clock.inSeconds(20);
  }

  Ping ping() {
    return new Ping(endpoint(), nodeEndpoint(), future(), 0);
  }

  Hash send(V4Packet packet) throws IOException {
    return send(V4Codec.encode(packet, key));
  }

  Hash send(V4Codec.Sealed sealed) throws IOException {
    send(sealed.bytes());
    return sealed.hash();
  }

  void send(byte[] datagram) throws IOException {
    socket.send(new DatagramPacket(datagram, datagram.length, node));
  }

  byte[] receiveBytes() throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[2_048], 2_048);
    socket.receive(packet);
    received += packet.getLength();
    return Arrays.copyOf(packet.getData(), packet.getLength());
  }

  /** Returns how many bytes were received. */
  int receivedBytes() {
    return received;
  }

  V4Codec.Received receive() throws IOException {
    byte[] datagram = receiveBytes();
    assertThat(V4Codec.matches(datagram)).isTrue();
    try {
      return V4Codec.decode(datagram);
    } catch (MalformedPacketException malformed) {
      throw new AssertionError(malformed);
    }
  }

  /** Receives packets up to one of a type. */
  <P extends V4Packet> P await(Class<P> type) throws IOException {
    while (true) {
      V4Packet packet = receive().packet();
      if (type.isInstance(packet)) {
        return type.cast(packet);
      }
    }
  }

  /** Receives packets up to one of a type, and responds to each ping before it. */
  <P extends V4Packet> P awaitAndRespond(Class<P> type) throws IOException {
    while (true) {
      V4Codec.Received next = receive();
      if (type.isInstance(next.packet())) {
        return type.cast(next.packet());
      }
      if (next.packet() instanceof Ping) {
        send(new Pong(nodeEndpoint(), next.hash(), future(), 0));
      }
    }
  }

  /**
   * Sends a ping, and receives everything up to its Pong: the node handles packets in order, so
   * that nothing else can follow in response to an earlier packet.
   *
   * @return what came before the Pong, without pings
   */
  java.util.List<V4Packet> drain() throws IOException {
    Hash sentinel = send(ping());
    java.util.List<V4Packet> packets = new java.util.ArrayList<>();
    while (true) {
      V4Packet packet = receive().packet();
      if (packet instanceof Pong pong && pong.pingHash().equals(sentinel)) {
        return packets;
      }
      if (!(packet instanceof Ping)) {
        packets.add(packet);
      }
    }
  }

  /** Proves the endpoints of both sides. */
  void bond() throws IOException {
    Hash hash = send(ping());
    boolean ponged = false;
    boolean pinged = false;
    while (!ponged || !pinged) {
      V4Codec.Received received = receive();
      if (received.packet() instanceof Pong pong && pong.pingHash().equals(hash)) {
        ponged = true;
      } else if (received.packet() instanceof Ping) {
        send(new Pong(nodeEndpoint(), received.hash(), future(), 0));
        pinged = true;
      }
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
