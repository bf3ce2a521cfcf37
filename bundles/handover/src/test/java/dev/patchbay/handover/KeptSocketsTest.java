// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Proxy;
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
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.startlevel.BundleStartLevel;

/** Sockets between two that serve them. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeptSocketsTest {
  private static final InetSocketAddress ADDRESS = new InetSocketAddress("127.0.0.1", 1);
  private static final Duration LIMIT = Duration.ofSeconds(5);

  @TempDir private Path folder;
  private final AtomicLong now = new AtomicLong();
  private int state = Bundle.ACTIVE;
  private int framework = Bundle.ACTIVE;
  private boolean startsAgain = true;
  private final Bundle bundle = bundle(() -> state);
  private final KeptSockets sockets = new KeptSockets(context(), now::get);
  private int port;

  private static <T> T stub(Class<T> type, Function<String, Object> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> answers.apply(method.getName())));
  }

  private Bundle bundle(IntSupplier current) {
    BundleStartLevel level = stub(BundleStartLevel.class, name -> startsAgain);
    return stub(
        Bundle.class, name -> name.equals("getState") ? (Object) current.getAsInt() : level);
  }

  private BundleContext context() {
    Bundle system = bundle(() -> framework);
    ServiceRegistration<?> registration = stub(ServiceRegistration.class, name -> null);
    return stub(BundleContext.class, name -> name.equals("getBundle") ? system : registration);
  }

  @AfterEach
  void close() {
    sockets.close();
    assertThat(sockets.count()).isZero();
  }

  private ServerSocketChannel serve() throws IOException {
    return sockets.of(bundle).open(ADDRESS, LIMIT, this::open);
  }

  private void pass(int seconds) {
    now.addAndGet(Duration.ofSeconds(seconds).toNanos());
    sockets.look();
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
    ServerSocketChannel first = serve();
    try (Socket early = connect();
        SocketChannel accepted = first.accept()) {
      assertThat(early.getPort()).isEqualTo(port);
      assertThat(accepted.isBlocking()).isTrue();
    }
    state = Bundle.STOPPING;
    first.close();
    assertThat(sockets.count()).isEqualTo(1);
    try (Socket client = connect()) {
      client.getOutputStream().write(42);
      state = Bundle.ACTIVE;
      ServerSocketChannel second = serve();
      assertThat(sockets.count()).isZero();
      try (SocketChannel accepted = second.accept()) {
        ByteBuffer read = ByteBuffer.allocate(1);
        accepted.read(read);
        assertThat(read.get(0)).isEqualTo((byte) 42);
      }
      second.close();
    }
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketOfAnActiveBundleIsClosed() throws Exception {
    ServerSocketChannel served = serve();
    served.close();
    served.close();
    assertThat(sockets.count()).isZero();
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketOfABundleThatStopsForGoodIsClosed() throws Exception {
    ServerSocketChannel served = serve();
    state = Bundle.STOPPING;
    startsAgain = false;
    served.close();
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketIsClosedWhenTheFrameworkStops() throws Exception {
    ServerSocketChannel served = serve();
    state = Bundle.STOPPING;
    framework = Bundle.STOPPING;
    served.close();
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void theTimeOfASocketBeginsWhenTheBundleHasStopped() throws Exception {
    ServerSocketChannel served = serve();
    state = Bundle.STOPPING;
    served.close();
    pass(100); // requests under way are answered
    connect().close();
    state = Bundle.RESOLVED;
    pass(1);
    pass(4);
    connect().close();
    pass(1);
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
    state = Bundle.ACTIVE;
    ServerSocketChannel next = serve(); // at the same port
    connect().close();
    next.close();
  }

  @Test
  void aSocketOfABundleThatIsUninstalledIsClosed() throws Exception {
    ServerSocketChannel served = serve();
    state = Bundle.STOPPING;
    served.close();
    state = Bundle.RESOLVED;
    pass(0);
    connect().close();
    state = Bundle.UNINSTALLED;
    pass(0);
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void aSocketThatTheSuccessorDoesNotServeIsClosed() throws Exception {
    ServerSocketChannel served = serve();
    state = Bundle.STOPPING;
    served.close();
    state = Bundle.ACTIVE;
    pass(0);
    connect().close();
    pass(5);
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
  }

  @Test
  void theFileOfASocketIsDeletedWithIt() throws Exception {
    Path file = folder.resolve("socket");
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(file);
    ServerSocketChannel served =
        sockets
            .of(bundle)
            .open(
                address,
                LIMIT,
                () -> {
                  ServerSocketChannel socket =
                      ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                  socket.bind(address);
                  return socket;
                });
    state = Bundle.STOPPING;
    served.close();
    SocketChannel.open(address).close();
    startsAgain = false;
    pass(0);
    assertThat(Files.exists(file)).isFalse();
  }

  @Test
  void closingTheChannelEndsTheWaitForConnections() throws Exception {
    ServerSocketChannel served = serve();
    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try (SocketChannel accepted = served.accept()) {
                return accepted.isOpen();
              } catch (IOException closed) {
                throw new CompletionException(closed);
              }
            });
    state = Bundle.STOPPING;
    served.close();
    assertThatThrownBy(waiting::join).hasCauseInstanceOf(ClosedChannelException.class);
    connect().close();
  }

  @Test
  void anAddressThatIsInUseIsReported() {
    assertThatThrownBy(
            () ->
                sockets
                    .of(bundle)
                    .open(
                        ADDRESS,
                        LIMIT,
                        () -> {
                          throw new IOException("in use");
                        }))
        .hasMessage("in use");
  }
}
