// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Outage;
import io.netty.channel.socket.SocketChannel;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TCP port of the node. While it cannot be used the node goes on without it, and tries again.
 *
 * <p>Threading: any thread.
 */
final class TcpListener {
  private static final Logger LOG = LoggerFactory.getLogger(TcpListener.class);

  private final Transport transport;
  private final InetSocketAddress address;
  private final Consumer<SocketChannel> accepted;
  private final Scheduler scheduler;
  private final Outage outage = new Outage(LOG::warn, LOG::debug); // the network logs its URL
  private volatile int port;

  /** Guarded by this. */
  private boolean closed;

  /**
   * Creates a listener that does not listen.
   *
   * @param address port 0 for any port
   * @param accepted as of {@link Transport#listen}
   * @param scheduler runs further attempts
   */
  TcpListener(
      Transport transport,
      InetSocketAddress address,
      Consumer<SocketChannel> accepted,
      Scheduler scheduler) {
    this.transport = transport;
    this.address = address;
    this.accepted = accepted;
    this.scheduler = scheduler;
  }

  /**
   * Listens, or tries again until it does.
   *
   * @param later is called by the scheduler when a further attempt has succeeded
   */
  void start(Runnable later) {
    if (!listen()) {
      scheduler.retry(
          BindFailure.MIN_PAUSE,
          BindFailure.MAX_PAUSE,
          () -> {
            boolean done = listen();
            if (port != 0) {
              later.run();
            }
            return done;
          });
    }
  }

  /** Returns whether no further attempt is needed. */
  private synchronized boolean listen() {
    if (closed) {
      return true;
    }
    try {
      port = transport.listen(address, accepted);
      outage.succeeded(
          "devp2p listens on " + address.getAddress().getHostAddress() + " port " + port);
      return true;
    } catch (Throwable failure) { // an error, too, must not end the retries
      if (failure instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      outage.failed(
          "devp2p does not accept connections: "
              + BindFailure.of(failure, address, "port").text()
              + ". The node tries again");
      return false;
    }
  }

  /** Returns the port; 0 while the node does not listen. */
  int port() {
    return port;
  }

  /** Returns why the node does not listen, as one line; null when it does, or need not. */
  @Nullable String failure() {
    return outage.latest();
  }

  /** Stops listening; connections stay. */
  void close() {
    synchronized (this) {
      closed = true;
    }
    transport.stopListening();
  }
}
