// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Accepts connections from a listening socket that may outlive it. When the channel is closed,
 * {@link #accept} ends, and the creator of the channel gets the socket.
 *
 * <p>Threading: any thread.
 */
final class ServedChannel extends ServerSocketChannel {
  private final ServerSocketChannel socket;
  private final Selector selector;
  private final Consumer<ServerSocketChannel> onClose;
  private final AtomicBoolean released = new AtomicBoolean();

  /**
   * Creates a channel.
   *
   * @param onClose takes the socket, once, when the channel is closed
   */
  ServedChannel(ServerSocketChannel socket, Consumer<ServerSocketChannel> onClose)
      throws IOException {
    super(socket.provider());
    this.socket = socket;
    this.onClose = onClose;
    socket.configureBlocking(false);
    selector = socket.provider().openSelector();
    socket.register(selector, SelectionKey.OP_ACCEPT);
  }

  @Override
  public SocketChannel accept() throws IOException {
    try {
      while (isOpen()) {
        SocketChannel accepted = socket.accept();
        if (accepted != null) {
          return accepted;
        }
        selector.select();
        if (Thread.currentThread().isInterrupted()) {
          throw new ClosedByInterruptException();
        }
        selector.selectedKeys().clear();
      }
    } catch (ClosedSelectorException closed) {
      // closed while it waited
    }
    throw new ClosedChannelException();
  }

  @Override
  protected void implCloseSelectableChannel() throws IOException {
    selector.close(); // ends the wait, and the socket has no key of it any more
    if (released.compareAndSet(false, true)) {
      onClose.accept(socket);
    }
  }

  @Override
  public ServerSocketChannel bind(@Nullable SocketAddress local, int backlog) {
    throw new UnsupportedOperationException("the socket is bound");
  }

  @Override
  protected void implConfigureBlocking(boolean block) {
    if (!block) {
      throw new UnsupportedOperationException("the channel is in blocking mode");
    }
  }

  @Override
  public <T> ServerSocketChannel setOption(SocketOption<T> name, T value) throws IOException {
    socket.setOption(name, value);
    return this;
  }

  @Override
  public <T> T getOption(SocketOption<T> name) throws IOException {
    return socket.getOption(name);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return socket.supportedOptions();
  }

  @Override
  public ServerSocket socket() {
    return socket.socket();
  }

  @Override
  public @Nullable SocketAddress getLocalAddress() throws IOException {
    return socket.getLocalAddress();
  }
}
