// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection of which one can find out, while a request of it is answered and so nothing is
 * read, whether the client has closed it. What comes meanwhile is kept for whoever reads next.
 *
 * <p>Threading: any thread; {@link #isClosed} only while a request is answered.
 */
final class WatchedEndPoint extends SocketChannelEndPoint {
  private static final int MAX_AHEAD = 1 << 12;

  private final Executor executor;
  private final Connections.Entry entry;
  private final CloseActions closeActions = new CloseActions();

  /** What was read ahead, up to its position. */
  private ByteBuffer ahead = ByteBuffer.allocate(0);

  private boolean ended;

  WatchedEndPoint(
      SocketChannel channel,
      ManagedSelector selector,
      SelectionKey key,
      Scheduler scheduler,
      Executor executor,
      Connections connections) {
    super(channel, selector, key, scheduler);
    this.executor = executor;
    entry = connections.entry(Connections.client(getRemoteSocketAddress()), this::close);
  }

  /** Counts the connection, which is open now. */
  void opened() {
    entry.open();
    if (!isOpen()) {
      entry.closed(); // it was closed before it was counted
    }
  }

  /** Returns the connection that a request came by, when it is one of these. */
  static @Nullable WatchedEndPoint of(Request request) {
    return request.getConnectionMetaData().getConnection().getEndPoint()
            instanceof WatchedEndPoint watched
        ? watched
        : null;
  }

  /** Returns the count of this connection. */
  Connections.Entry entry() {
    return entry;
  }

  /** Runs an action when the connection is closed, or at once when it is. */
  void onceClosed(Runnable action) {
    closeActions.add(action);
  }

  @Override
  public void onClose(@Nullable Throwable failure) {
    entry.closed();
    try {
      super.onClose(failure);
    } finally {
      closeActions.run();
    }
  }

  /**
   * Returns whether the client has closed the connection, or its way of sending: nobody would read
   * an answer. A client that has sent a lot meanwhile is taken to be there.
   */
  synchronized boolean isClosed() {
    if (ahead.capacity() == 0) {
      ahead = ByteBuffer.allocate(MAX_AHEAD);
    }
    try {
      for (int read = 1; !ended && read != 0 && ahead.hasRemaining(); ) {
        read = getChannel().read(ahead);
        ended = read < 0;
      }
    } catch (IOException reset) {
      ended = true;
    }
    return ended;
  }

  /** Returns what {@link #isClosed} has come upon so far. */
  synchronized ByteBuffer ahead() {
    return ahead.duplicate().flip();
  }

  @Override
  public synchronized int fill(ByteBuffer buffer) throws IOException {
    if (ahead.position() == 0) {
      int filled = super.fill(buffer);
      if (filled > 0) {
        entry.received();
      }
      return filled;
    }
    entry.received();
    int position = BufferUtil.flipToFill(buffer);
    ahead.flip();
    int length = Math.min(ahead.remaining(), buffer.remaining());
    buffer.put(ahead.slice(0, length));
    ahead.position(length).compact();
    BufferUtil.flipToFlush(buffer, position);
    notIdle();
    return length;
  }

  @Override
  protected void needsFillInterest() {
    boolean has;
    synchronized (this) {
      has = ahead.position() > 0;
    }
    if (has) {
      executor.execute(() -> getFillInterest().fillable()); // the selector knows nothing of it
    } else {
      super.needsFillInterest();
    }
  }
}
