// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.binding.Threads;
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
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * TCP by Netty: the event loops, the threads that handle messages, the listener, and connections.
 * Nothing is read before it is asked for, and buffers are not pooled.
 *
 * <p>Threading: any thread.
 */
final class Transport implements AutoCloseable {
  private static final int EVENT_LOOPS = 2;
  private static final int WORKERS = 4;
  private static final int BACKLOG = 128;
  private static final int DIAL_MILLIS = 5_000;
  private static final int MAX_READ_BYTES = 64 * 1024;
  private static final int CLOSE_MILLIS = 3_000;
  private static final int QUIET_MILLIS = 100;

  private final List<Thread> threads = new ArrayList<>();
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(EVENT_LOOPS, factory("io"), NioIoHandler.newFactory());
  private final EventExecutorGroup workers =
      new DefaultEventExecutorGroup(WORKERS, factory("worker"));
  private volatile @Nullable Channel listener;

  private ThreadFactory factory(String role) {
    ThreadFactory created = Threads.factory("p2p-chronos-" + role);
    return body -> {
      synchronized (threads) {
        threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
        Thread thread = created.newThread(body);
        threads.add(thread);
        return thread;
      }
    };
  }

  /** Returns the threads in which messages are handled. */
  EventExecutorGroup workers() {
    return workers;
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
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, unsent())
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
        .option(ChannelOption.AUTO_READ, false)
        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, unsent())
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, DIAL_MILLIS)
        .option(ChannelOption.ALLOCATOR, new UnpooledByteBufAllocator(false))
        .option(ChannelOption.RECVBUF_ALLOCATOR, reads())
        .handler(initializer(created))
        .connect(address);
  }

  private static WriteBufferWaterMark unsent() {
    return new WriteBufferWaterMark(Limits.MAX_UNSENT_BYTES / 2, Limits.MAX_UNSENT_BYTES);
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

  /** Stops listening; connections stay. */
  void stopListening() {
    Channel open = listener;
    if (open != null) {
      open.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
      listener = null;
    }
  }

  /** Waits for the end of the connections and the threads, a few seconds at most. */
  @Override
  public void close() {
    stopListening();
    // a pipeline that ends goes from one kind of thread to the other and back
    group.shutdownGracefully(2 * QUIET_MILLIS, CLOSE_MILLIS, TimeUnit.MILLISECONDS);
    workers.shutdownGracefully(QUIET_MILLIS, CLOSE_MILLIS, TimeUnit.MILLISECONDS);
    List<Thread> all;
    synchronized (threads) {
      all = List.copyOf(threads);
    }
    try {
      for (Thread thread : all) {
        thread.join(CLOSE_MILLIS);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
