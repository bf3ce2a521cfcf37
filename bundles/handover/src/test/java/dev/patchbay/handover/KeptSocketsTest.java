// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.ListeningSockets.Served;
import dev.patchbay.binding.Loop;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sockets between two that serve them. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeptSocketsTest {
  private static final InetSocketAddress ADDRESS = new InetSocketAddress("127.0.0.1", 1);
  private static final Duration LIMIT = Duration.ofSeconds(5);

  @TempDir private Path folder;
  private final AtomicLong now = new AtomicLong();
  private final KeptSockets sockets = new KeptSockets(now::get);
  private int port;

  @AfterEach
  void close() {
    sockets.close();
    assertThat(sockets.count()).isZero();
  }

  private Served serve() throws IOException {
    return sockets.serve(ADDRESS, this::open);
  }

  private ServerSocketChannel open() throws IOException {
    ServerSocketChannel socket = ServerSocketChannel.open();
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    port = ((InetSocketAddress) socket.getLocalAddress()).getPort();
    return socket;
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port);
  }

  @Test
  void whoConnectsBetweenTwoServersIsServedByTheSecond() throws Exception {
    Served first = serve();
    try (Socket early = connect();
        SocketChannel accepted = first.channel().accept()) {
      assertThat(early.getPort()).isEqualTo(port);
      assertThat(accepted.isBlocking()).isTrue();
    }
    first.keep(LIMIT);
    first.channel().close();
    assertThat(sockets.count()).isEqualTo(1);
    try (Socket client = connect()) {
      client.getOutputStream().write(42);
      Served second = serve();
      assertThat(sockets.count()).isZero();
      try (SocketChannel accepted = second.channel().accept()) {
        ByteBuffer read = ByteBuffer.allocate(1);
        accepted.read(read);
        assertThat(read.get(0)).isEqualTo((byte) 42);
      }
      second.channel().close();
    }
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketThatIsNotKeptIsClosed() throws Exception {
    Served served = serve();
    served.channel().close();
    served.channel().close();
    assertThat(sockets.count()).isZero();
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketThatNobodyServesIsClosedWhenItsTimeIsOver() throws Exception {
    Served served = serve();
    served.keep(LIMIT);
    served.channel().close();
    now.addAndGet(Duration.ofSeconds(4).toNanos());
    assertThat(sockets.expire()).isEqualTo(1_001);
    connect().close();
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(sockets.expire()).isEqualTo(Loop.UNTIL_WOKEN);
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
    Served next = serve(); // at the same port
    connect().close();
    next.channel().close();
  }

  @Test
  void theFileOfASocketGoesWithIt() throws Exception {
    Path file = folder.resolve("socket");
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(file);
    Served served =
        sockets.serve(
            address,
            () -> {
              ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
              socket.bind(address);
              return socket;
            });
    served.keep(LIMIT);
    served.channel().close();
    SocketChannel.open(address).close();
    now.addAndGet(LIMIT.toNanos());
    sockets.expire();
    assertThat(Files.exists(file)).isFalse();
  }

  @Test
  void closingTheChannelEndsTheWaitForConnections() throws Exception {
    Served served = serve();
    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try (SocketChannel accepted = served.channel().accept()) {
                return accepted.isOpen();
              } catch (IOException closed) {
                throw new CompletionException(closed);
              }
            });
    served.keep(LIMIT);
    served.channel().close();
    assertThatThrownBy(waiting::join).hasCauseInstanceOf(ClosedChannelException.class);
    connect().close();
  }

  @Test
  void anAddressThatIsInUseIsReported() {
    assertThatThrownBy(
            () ->
                sockets.serve(
                    ADDRESS,
                    () -> {
                      throw new IOException("in use");
                    }))
        .hasMessage("in use");
  }
}
