// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.Failures;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * TCP by Netty: the event loops, the listener, and connections. Buffers are not pooled, so that no
 * thread keeps any when the bundle stops.
 *
 * <p>Threading: any thread.
 */
final class Transport {
  private static final int EVENT_LOOPS = 2;
  private static final int BACKLOG = 128;
  private static final int DIAL_MILLIS = 15_000;
  private static final int MAX_READ_BYTES = 64 * 1024;

  private final NamedThreads threads = new NamedThreads("io");
  private final EventLoopGroup group;
  private volatile @Nullable Channel listener;

  /** Creates the event loops; their threads start with the first task or connection. */
  Transport() {
    group = new MultiThreadIoEventLoopGroup(EVENT_LOOPS, threads, NioIoHandler.newFactory());
  }

  /**
   * Listens.
   *
   * @param accepted called in the event loop of each connection
   * @return the port
   * @throws Exception when the address cannot be used
   */
  int listen(InetSocketAddress address, Consumer<SocketChannel> accepted) throws Exception {
    Channel channel =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.ALLOCATOR, new UnpooledByteBufAllocator(false))
            .childOption(ChannelOption.RECVBUF_ALLOCATOR, reads())
            .childHandler(initializer(accepted))
            .bind(address)
            .sync()
            .channel();
    listener = channel;
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  /**
   * Connects.
   *
   * @param created called in the event loop of the connection before it is established
   */
  ChannelFuture connect(InetSocketAddress address, Consumer<SocketChannel> created) {
    return new Bootstrap()
        .group(group)
        .channel(NioSocketChannel.class)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.SO_KEEPALIVE, true)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, DIAL_MILLIS)
        .option(ChannelOption.ALLOCATOR, new UnpooledByteBufAllocator(false))
        .option(ChannelOption.RECVBUF_ALLOCATOR, reads())
        .handler(initializer(created))
        .connect(address);
  }

  /** One read at a time: the other connections of the event loop are read before the next one. */
  private static RecvByteBufAllocator reads() {
    return new AdaptiveRecvByteBufAllocator(64, 2048, MAX_READ_BYTES).maxMessagesPerRead(1);
  }

  private static ChannelInitializer<SocketChannel> initializer(Consumer<SocketChannel> action) {
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(SocketChannel channel) {
        action.accept(channel);
      }
    };
  }

  /**
   * Runs a task repeatedly until the event loops end, also after it has failed. It must return at
   * once.
   */
  void repeat(Duration pause, Runnable task, Failures failures) {
    long nanos = pause.toNanos();
    group.scheduleWithFixedDelay(() -> run(task, failures), nanos, nanos, TimeUnit.NANOSECONDS);
  }

  private static void run(Runnable task, Failures failures) {
    try {
      task.run();
      failures.succeeded();
    } catch (Throwable failure) { // otherwise it would not be run again
      failures.failed(failure);
    }
  }

  /** Stops listening; connections stay. */
  void stopListening() {
    Channel open = listener;
    if (open != null) {
      open.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
      listener = null;
    }
  }

  /** Closes all connections, and waits for the threads, at most for a time. */
  void close(Duration limit) {
    stopListening();
    group.shutdownGracefully(0, limit.toMillis(), TimeUnit.MILLISECONDS);
    threads.join(limit.plusSeconds(1));
  }
}
