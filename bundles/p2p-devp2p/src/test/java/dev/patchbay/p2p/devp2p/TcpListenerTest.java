// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.socket.SocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A TCP port that is taken is tried again. */
class TcpListenerTest {
  private final InetAddress loopback = InetAddress.getLoopbackAddress();
  private final Transport transport = new Transport();
  private final ManualScheduler scheduler = new ManualScheduler();
  private final CompletableFuture<SocketChannel> accepted = new CompletableFuture<>();
  private int later;

  @AfterEach
  void close() {
    transport.close(Duration.ofSeconds(1));
  }

  private TcpListener listener(int port) {
    return new TcpListener(
        transport, new InetSocketAddress(loopback, port), accepted::complete, scheduler);
  }

  @Test
  void aFreePortIsUsedAtOnce() {
    TcpListener listener = listener(0);
    listener.start(() -> later++);
    assertThat(listener.port()).isPositive();
    assertThat(listener.failure()).isNull();
    assertThat(scheduler.size()).isZero();
  }

  @Test
  void aTakenPortIsUsedWhenItIsFree() throws Exception {
    TcpListener listener;
    try (ServerSocket taken = new ServerSocket(0, 1, loopback)) {
      listener = listener(taken.getLocalPort());
      listener.start(() -> later++);
      scheduler.advance(Duration.ofMinutes(10));
      assertThat(listener.port()).isZero();
      assertThat(listener.failure())
          .contains("devp2p does not accept connections")
          .contains("port " + taken.getLocalPort() + " cannot be used")
          .contains("tries again");
      assertThat(scheduler.size()).isEqualTo(1);
    }
    assertThat(later).isZero();
    scheduler.advance(BindFailure.MAX_PAUSE);
    assertThat(listener.port()).isPositive();
    assertThat(listener.failure()).isNull();
    assertThat(later).isEqualTo(1);
    assertThat(scheduler.size()).isZero();
    try (Socket socket = new Socket(loopback, listener.port())) {
      assertThat(accepted.get(60, TimeUnit.SECONDS)).isNotNull();
      assertThat(socket.isConnected()).isTrue();
    }
  }

  @Test
  void aClosedListenerTriesNoLonger() throws Exception {
    TcpListener listener;
    try (ServerSocket taken = new ServerSocket(0, 1, loopback)) {
      listener = listener(taken.getLocalPort());
      listener.start(() -> later++);
      listener.close();
    }
    scheduler.advance(Duration.ofHours(1));
    assertThat(listener.port()).isZero();
    assertThat(scheduler.size()).isZero();
    assertThat(later).isZero();
  }
}
