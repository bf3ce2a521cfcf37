// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.Threads;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The UDP socket, with a thread that reads it.
 *
 * <p>Threading: any thread; {@code receiver} is called by the thread of the socket.
 */
final class UdpSocket implements PacketSender, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UdpSocket.class);
  private static final long CLOSE_MILLIS = 2_000;

  /** More than the longest packet, so that a longer one is seen to be too long. */
  private static final int BUFFER_BYTES = V4Codec.MAX_BYTES + 1;

  private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
  private final MultiThreadIoEventLoopGroup group;
  private final Channel channel;

  /**
   * Binds a socket.
   *
   * @param address port 0 for any port
   * @param receiver gets each datagram, at most 1281 bytes of it, and its source
   * @throws IOException when the address cannot be bound
   */
  UdpSocket(InetSocketAddress address, BiConsumer<byte[], InetSocketAddress> receiver)
      throws IOException {
    ThreadFactory factory =
        body -> {
          Thread thread = Threads.create(body, "p2p-devp2p-udp-0");
          threads.add(thread);
          return thread;
        };
    group = new MultiThreadIoEventLoopGroup(1, factory, NioIoHandler.newFactory());
    ChannelFuture bound =
        new Bootstrap()
            .group(group)
            .channel(NioDatagramChannel.class)
            .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(BUFFER_BYTES))
            .handler(new Receiver(receiver))
            .bind(address)
            .awaitUninterruptibly();
    channel = bound.channel();
    Throwable failure = bound.cause();
    if (failure != null) {
      close();
      throw new IOException(
          "UDP " + address + " cannot be bound: " + failure.getMessage(), failure);
    }
  }

  private static final class Receiver extends SimpleChannelInboundHandler<DatagramPacket> {
    private final BiConsumer<byte[], InetSocketAddress> receiver;

    Receiver(BiConsumer<byte[], InetSocketAddress> receiver) {
      this.receiver = receiver;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
      byte[] bytes = new byte[packet.content().readableBytes()];
      packet.content().readBytes(bytes);
      receiver.accept(bytes, packet.sender());
    }

    /** An ICMP "port unreachable" arrives here: the socket stays open. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
      LOG.debug("UDP: {}", String.valueOf(failure.getMessage()));
    }
  }

  /** Returns the bound port. */
  int port() {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  /** Drops the datagram when the kernel's buffer and Netty's are full. */
  @Override
  public boolean send(byte[] packet, InetSocketAddress recipient) {
    boolean writable = channel.isWritable();
    if (writable) {
      channel.writeAndFlush(
          new DatagramPacket(Unpooled.wrappedBuffer(packet), recipient), channel.voidPromise());
    }
    return writable;
  }

  /** Closes the socket and waits until its thread has ended, at most 2 seconds. */
  @Override
  public void close() {
    group.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS);
    group.terminationFuture().awaitUninterruptibly(CLOSE_MILLIS);
    try {
      for (Thread thread : threads) {
        thread.join(CLOSE_MILLIS);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
