// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.ForkId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Nodes that exchange packets in one thread and in simulated time. The same seed gives the same
 * course of events.
 */
final class SimulatedNetwork {
  /** What a node of version 4 announces until it has predicted its address. */
  private static final InetAddress LOOPBACK = Addresses.of(new byte[] {127, 0, 0, 1});

  private static final Duration TICK = Duration.ofMillis(50);

  final TestClock clock = new TestClock();
  final Random random;
  private final Map<InetSocketAddress, Simulated> nodes = new LinkedHashMap<>();
  private final Queue<Packet> packets = new ArrayDeque<>();
  private final List<Packet> sent = new ArrayList<>();

  /** Returns whether a packet arrives. */
  private Predicate<Packet> delivery = packet -> true;

  /** A packet under way. */
  record Packet(byte[] bytes, InetSocketAddress from, InetSocketAddress to) {}

  /** A node of the network, of one version of the protocol. */
  final class Simulated {
    final byte[] key;
    final InetSocketAddress endpoint;
    final NodeTable table;
    final NodeDatabase database;
    final LocalRecord localRecord;
    final DiscoveryContext context;
    final @Nullable DiscoveryV4 v4;
    final @Nullable DiscoveryV5 v5;
    final List<String> dropped = new ArrayList<>();
    private final Timers timers;
    boolean online = true;

    /** Whether the buffers of its socket are full. */
    boolean congested;

    @Nullable ForkId forkId = new ForkId(0x01020304, 0);

    private Simulated(byte[] key, InetSocketAddress endpoint, int version) {
      this.key = key;
      this.endpoint = endpoint;
      this.timers = new Timers(clock::nanoTime);
      this.database = new NodeDatabase(null, clock);
      this.localRecord =
          new LocalRecord(
              key,
              database,
              new AddressPredictor(timers),
              () -> EthEntry.of(forkId),
              null,
              version == 4 ? LOOPBACK : endpoint.getAddress(),
              clock,
              endpoint.getPort(),
              30_303);
      this.context =
          new DiscoveryContext(
              key, clock, timers, random, this::send, localRecord, database, address -> true);
      this.table = new NodeTable(localRecord.current().id(), random);
      this.v4 = version == 4 ? new DiscoveryV4(context, table) : null;
      this.v5 = version == 5 ? new DiscoveryV5(context, table) : null;
    }

    boolean send(byte[] packet, InetSocketAddress to) {
      if (congested) {
        return false;
      }
      Packet created = new Packet(packet, endpoint, to);
      sent.add(created);
      if (online) {
        packets.add(created);
      }
      return true;
    }

    NodeProtocol protocol() {
      return v4 != null ? v4 : java.util.Objects.requireNonNull(v5);
    }

    Contact contact() {
      Node node =
          new Node(
              localRecord.current().publicKey(), endpoint.getAddress(), endpoint.getPort(), 30_303);
      return new Contact(node.id(), node, v5 == null ? null : localRecord.current());
    }

    TableMaintenance maintain(Simulated... bootNodes) {
      List<Contact> contacts = new ArrayList<>();
      for (Simulated bootNode : bootNodes) {
        contacts.add(bootNode.contact());
      }
      return new TableMaintenance(context, table, protocol(), contacts);
    }

    private void receive(Packet packet) {
      try {
        if (v4 != null) {
          if (V4Codec.matches(packet.bytes())) {
            V4Codec.Received received = V4Codec.decode(packet.bytes());
            v4.checkExpiration(received, packet.from());
            v4.handle(received, packet.from());
          }
        } else if (v5 != null) {
          v5.handle(v5.decode(packet.bytes()), packet.from());
        }
      } catch (MalformedPacketException malformed) {
        dropped.add(String.valueOf(malformed.getMessage()));
      }
    }
  }

  SimulatedNetwork(long seed) {
    random = new Random(seed);
  }

  byte[] newKey() {
    while (true) {
      byte[] key = new byte[32];
      random.nextBytes(key);
      try {
        Secp256k1.checkPrivateKey(key);
        return key;
      } catch (IllegalArgumentException outOfRange) {
        // one in 2^128: draw again
      }
    }
  }

  /** Adds a node in a subnet of its own. */
  Simulated add(int version) {
    int number = nodes.size();
    return add(version, 50 + number / 200, number % 200, 1, 1);
  }

  Simulated add(int version, int... address) {
    byte[] bytes = new byte[4];
    for (int i = 0; i < 4; i++) {
      bytes[i] = (byte) address[i];
    }
    InetAddress ip = Addresses.of(bytes);
    Simulated node =
        new Simulated(newKey(), new InetSocketAddress(ip, 30_000 + nodes.size()), version);
    nodes.put(node.endpoint, node);
    return node;
  }

  /** Replaces a node by one with the same key and endpoint, and without any other state. */
  Simulated restart(Simulated node) {
    Simulated restarted = new Simulated(node.key, node.endpoint, node.v4 == null ? 5 : 4);
    nodes.put(node.endpoint, restarted);
    return restarted;
  }

  void setDelivery(Predicate<Packet> predicate) {
    delivery = predicate;
  }

  /** Sends a packet from anywhere. */
  void inject(byte[] bytes, InetSocketAddress from, InetSocketAddress to) {
    packets.add(new Packet(bytes, from, to));
  }

  /** Returns the packets that were sent since the last call, in order. */
  List<Packet> takeSent() {
    List<Packet> all = List.copyOf(sent);
    sent.clear();
    return all;
  }

  /** Delivers the packets under way, and their responses. */
  void deliver() {
    Packet packet;
    while ((packet = packets.poll()) != null) {
      Simulated to = nodes.get(packet.to());
      if (to != null && to.online && delivery.test(packet)) {
        to.receive(packet);
      }
    }
  }

  /** Lets time pass. */
  void run(Duration duration) {
    for (Duration left = duration; left.compareTo(Duration.ZERO) > 0; left = left.minus(TICK)) {
      deliver();
      clock.advance(TICK);
      for (Simulated node : List.copyOf(nodes.values())) {
        node.timers.runDue();
      }
    }
    deliver();
  }
}
