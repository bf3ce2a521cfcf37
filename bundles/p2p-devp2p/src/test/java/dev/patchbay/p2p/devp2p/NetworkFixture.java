// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;

/** Networks of one process that connect to each other over the loopback interface. */
abstract class NetworkFixture {
  static final SecureRandom RANDOM = new SecureRandom();
  static final long LIMIT_SECONDS = 60;

  final List<DevP2pNetwork> networks = new ArrayList<>();
  final List<Socket> sockets = new ArrayList<>();

  @AfterEach
  void closeAll() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    networks.forEach(DevP2pNetwork::close);
    assertThat(threads()).isEmpty();
  }

  static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.startsWith("p2p-devp2p-"))
        .toList();
  }

  DevP2pNetwork start(int maxPeers, WireProtocol... protocols) {
    return start(
        NodeKey.random(RANDOM), 0, maxPeers, SessionSettings.DEFAULT, List.of(), protocols);
  }

  DevP2pNetwork start(
      NodeKey key,
      int port,
      int maxPeers,
      SessionSettings settings,
      List<String> networkList,
      WireProtocol... protocols) {
    return start(key, settings(port, maxPeers, networkList), settings, protocols);
  }

  static DevP2pSettings settings(int port, int maxPeers, List<String> networkList) {
    return new DevP2pSettings(
        "127.0.0.1", port, maxPeers, List.of(), List.of(), List.of(), new NetRestrict(networkList));
  }

  DevP2pNetwork start(
      NodeKey key, DevP2pSettings network, SessionSettings session, WireProtocol... protocols) {
    return start(key, network, session, InstantSource.system(), protocols);
  }

  DevP2pNetwork start(
      NodeKey key,
      DevP2pSettings network,
      SessionSettings session,
      InstantSource clock,
      WireProtocol... protocols) {
    DevP2pNetwork created =
        new DevP2pNetwork(
            key,
            network,
            session,
            "Patchbay/test",
            new BanList(null, clock, text -> {}),
            clock,
            RANDOM);
    networks.add(created);
    for (int i = 0; i < protocols.length; i++) {
      created.addProtocol(registration(i), protocols[i]);
    }
    created.start();
    return created;
  }

  /** Returns the usual settings with two other times. */
  static SessionSettings times(Duration encryption, Duration disconnect) {
    SessionSettings usual = SessionSettings.DEFAULT;
    return new SessionSettings(
        encryption,
        usual.hello(),
        usual.establish(),
        usual.frameRead(),
        usual.frameWrite(),
        usual.ping(),
        disconnect,
        usual.maxWaitingMessages(),
        usual.maxWaitingBytes(),
        usual.lowUnsentBytes(),
        usual.highUnsentBytes(),
        usual.maxUnsentBytes());
  }

  static Registration registration(int id) {
    return new Registration(id, 0, "test", "bundle test");
  }

  static TestProtocol protocol() {
    return new TestProtocol("test", 1, 2);
  }

  static TestProtocol.Event next(TestProtocol protocol) {
    try {
      TestProtocol.Event event = protocol.events.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      assertThat(event).as("an event of the sub-protocol").isNotNull();
      return event;
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("a time before the limit").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  static boolean counted(DevP2pNetwork network, String end) {
    return network.disconnects().containsKey(end);
  }

  static String url(DevP2pNetwork network) {
    return network.localNode().url();
  }

  static InetSocketAddress address(DevP2pNetwork network) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), network.localNode().tcpPort());
  }

  Socket connect(DevP2pNetwork network) throws IOException {
    Socket socket = new Socket();
    sockets.add(socket);
    socket.connect(address(network));
    socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
    return socket;
  }
}
