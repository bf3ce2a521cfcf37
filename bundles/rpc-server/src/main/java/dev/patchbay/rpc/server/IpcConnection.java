// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a Unix-domain socket: a thread reads and answers, another writes. A client that
 * leaves too many notifications unread is cut; its next request is read when there is room for the
 * answer.
 */
final class IpcConnection implements RpcSession {
  private static final Logger LOG = LoggerFactory.getLogger(IpcConnection.class);
  private static final int MAX_UNSENT_BYTES = 1 << 24;

  /** Something to send, and the account that it is counted in, of which it takes some bytes. */
  private record Unsent(Answer answer, MemoryBudget.Account memory) {}

  private final Unsent end;

  private final SocketChannel channel;
  private final Dispatcher dispatcher;
  private final Terms terms;
  private final Connections.Entry entry;
  private final BlockingQueue<Unsent> unsent = new LinkedBlockingQueue<>();
  private final MemoryBudget.Account notifications;
  private final Semaphore room = new Semaphore(MAX_UNSENT_BYTES);
  private final Subscribing subscribing = new Subscribing();
  private final CloseActions closeActions = new CloseActions();

  /** Whether nothing is sent any more; guarded by {@link #unsent}. */
  private boolean ended;

  /** Whether a request is answered now; guarded by this. */
  private boolean answering;

  /** Whether no further request is answered; guarded by this. */
  private boolean finishing;

  IpcConnection(
      SocketChannel channel,
      Dispatcher dispatcher,
      Terms terms,
      Connections connections,
      Consumer<IpcConnection> onEnd) {
    this.channel = channel;
    this.dispatcher = dispatcher;
    this.terms = terms;
    notifications = dispatcher.memory().open();
    end = new Unsent(Answer.of(), notifications);
    entry = connections.entry(Connections.ONE_CLIENT, this::close);
    closeActions.add(() -> end(onEnd));
  }

  /** Counts the connection, which is open now; another may be closed for it. */
  void opened() {
    entry.open();
  }

  /** Answers until the client asks no more; what is answered by then is still sent. */
  void read() {
    try {
      JsonFrames frames =
          new JsonFrames(
              new BufferedInputStream(Channels.newInputStream(channel), 1 << 16),
              terms.limits().bodyBytes());
      for (byte[] message = frames.next();
          message != null && beginsRequest();
          message = frames.next()) {
        answerAndQueue(message);
        subscribing.answered();
        if (!endsRequest()) {
          return;
        }
      }
    } catch (IOException ended) {
      // the client has gone, or sent what is no message: there is nobody to tell
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } catch (Throwable failure) { // the connection ends, the listener does not
      LOG.error("answering over a socket failed: {}", failure.toString(), failure);
    } finally {
      unsent.add(end);
    }
  }

  private void answerAndQueue(byte[] message) throws InterruptedException {
    MemoryBudget.Account memory = dispatcher.memory().open();
    boolean queued = false;
    try {
      Answer answer = answer(message, memory);
      if (answer != null) {
        Answer line = answer.line();
        memory.shrinkTo(line.length());
        room.acquire(permits(line));
        queued = queue(new Unsent(line, memory));
      }
    } finally {
      if (!queued) {
        memory.close();
      }
    }
  }

  /** Queues something to be sent; returns false when the connection has ended. */
  private boolean queue(Unsent next) {
    synchronized (unsent) {
      if (!ended) {
        unsent.add(next);
      }
      return !ended;
    }
  }

  private synchronized boolean beginsRequest() {
    answering = !finishing;
    return answering;
  }

  /** Returns whether another request is read. */
  private synchronized boolean endsRequest() {
    answering = false;
    return !finishing;
  }

  /** Ends the connection after the response to the request under way, when there is one. */
  void finish() {
    synchronized (this) {
      finishing = true;
      if (answering) {
        return;
      }
    }
    unsent.add(end);
  }

  /** Answers a message; meanwhile the connection does not idle. */
  private @Nullable Answer answer(byte[] message, MemoryBudget.Account memory)
      throws InterruptedException {
    if (!memory.tryGrow(message.length)) {
      return dispatcher.noMemory(terms);
    }
    entry.hold();
    try {
      AwaitedReply reply = new AwaitedReply();
      dispatcher.answer(message, terms, this, Exchange.held(memory), reply);
      return reply.await();
    } finally {
      entry.release(0);
    }
  }

  /** Sends what is to be sent, and closes the connection at its end. */
  void write() {
    try {
      for (Unsent next = unsent.take(); next != end; next = unsent.take()) {
        try {
          write(next.answer);
        } finally {
          next.memory.shrink(next.answer.length());
        }
        room.release(permits(next.answer));
      }
    } catch (IOException gone) {
      // nothing more can be sent
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } catch (Throwable failure) { // the connection ends, the listener does not
      LOG.error("sending over a socket failed: {}", failure.toString(), failure);
    } finally {
      close();
    }
  }

  private void write(Answer answer) throws IOException {
    for (ByteBuffer piece : answer.buffers()) {
      while (piece.hasRemaining()) {
        channel.write(piece);
      }
    }
  }

  /** Ends the connection, from any thread and any number of times. */
  void close() {
    closeActions.run();
  }

  private void end(Consumer<IpcConnection> onEnd) {
    entry.closed();
    onEnd.accept(this);
    synchronized (unsent) {
      ended = true;
      unsent.forEach(left -> left.memory.close());
      unsent.clear();
      unsent.add(end);
    }
    notifications.close();
    room.release(MAX_UNSENT_BYTES);
    try {
      channel.close();
    } catch (IOException gone) {
      // so it is closed
    }
  }

  private static int permits(Answer message) {
    return Math.min(message.length(), MAX_UNSENT_BYTES);
  }

  @Override
  public LogLimits logLimits() {
    return terms.limits().logs();
  }

  @Override
  public Object client() {
    return Connections.ONE_CLIENT;
  }

  @Override
  public boolean canNotify() {
    return true;
  }

  @Override
  public String newSubscription() {
    return subscribing.newId();
  }

  @Override
  public boolean notify(String method, String subscription, Object result) {
    Answer message = Answer.of(dispatcher.notification(method, subscription, result)).line();
    if (!channel.isOpen()
        || !room.tryAcquire(permits(message))
        || !notifications.tryGrow(message.length())) {
      close();
      return false;
    }
    subscribing.send(subscription, () -> queue(new Unsent(message, notifications)));
    return true;
  }

  @Override
  public boolean hasRoom() {
    return room.availablePermits() > MAX_UNSENT_BYTES * 3 / 4;
  }

  @Override
  public void onClose(Runnable action) {
    entry.hold(); // a client with subscriptions may be silent
    closeActions.add(action);
  }

  @Override
  public void removeOnClose(Runnable action) {
    if (closeActions.remove(action)) {
      entry.release(0);
    }
  }

  @Override
  public void disconnect() {
    close();
  }
}
