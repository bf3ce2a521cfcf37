// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a Unix-domain socket: a thread reads and answers, another writes. A client that
 * leaves too many notifications unread is cut; its next request is answered when the response to
 * the previous one is written, and read before that: a client may send it before it reads.
 */
final class IpcConnection implements RpcSession {
  private static final Logger LOG = LoggerFactory.getLogger(IpcConnection.class);
  private static final int MAX_UNSENT_BYTES = 1 << 24;

  /** Something to send, and an action for when it is written or the connection has ended. */
  private record Unsent(Answer answer, Runnable done) {}

  private final Unsent end = new Unsent(Answer.of(), () -> {});

  private final SocketChannel channel;
  private final Dispatcher dispatcher;
  private final Terms terms;
  private final Connections.Entry entry;
  private final BlockingQueue<Unsent> unsent = new LinkedBlockingQueue<>();
  private final MemoryBudget.Account notifications;

  /** Bytes that notifications may still take until they are written. */
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
      CountDownLatch written = new CountDownLatch(0);
      do {
        written = answerNext(frames, written);
      } while (written != null && endsRequest());
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

  /**
   * Reads a message, and answers it when the response to the previous one is written.
   *
   * @param previous counted down when that response is written
   * @return the same of this message; null when no more are answered
   */
  private @Nullable CountDownLatch answerNext(JsonFrames frames, CountDownLatch previous)
      throws IOException, InterruptedException {
    MemoryBudget.Account memory = dispatcher.memory().open();
    CountDownLatch written = new CountDownLatch(1);
    Runnable done =
        () -> {
          memory.close();
          written.countDown();
        };
    boolean queued = false;
    try {
      byte[] message = frames.next(memory);
      previous.await();
      if (message == null || !beginsRequest()) {
        return null;
      }
      Answer answer = answer(message, memory);
      if (answer != null) {
        Answer line = answer.line();
        memory.shrinkTo(line.length());
        queue(new Unsent(line, done));
        queued = true;
      }
      subscribing.answered(); // notifications of new subscriptions follow the response
      return written;
    } finally {
      if (!queued) {
        done.run();
      }
    }
  }

  /** Queues something to be sent, unless the connection has ended. */
  private void queue(Unsent next) {
    synchronized (unsent) {
      if (!ended) {
        unsent.add(next);
        return;
      }
    }
    next.done.run();
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

  /** Answers a message, or one that was skipped; meanwhile the connection does not idle. */
  private @Nullable Answer answer(byte[] message, MemoryBudget.Account memory)
      throws InterruptedException {
    if (message.length == 0) {
      return dispatcher.noMemory(terms);
    }
    entry.hold();
    try {
      AwaitedReply reply = new AwaitedReply();
      dispatcher.answer(message, terms, this, new Exchange(null, memory), reply);
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
          next.done.run();
        }
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
      unsent.forEach(left -> left.done.run());
      unsent.clear();
      unsent.add(end);
    }
    notifications.close();
    try {
      channel.close();
    } catch (IOException gone) {
      // so it is closed
    }
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
    int bytes = message.length();
    int permits = Math.min(bytes, MAX_UNSENT_BYTES);
    if (!channel.isOpen() || !room.tryAcquire(permits) || !notifications.tryGrow(bytes)) {
      close();
      return false;
    }
    Unsent next =
        new Unsent(
            message,
            () -> {
              notifications.shrink(bytes);
              room.release(permits);
            });
    subscribing.send(subscription, () -> queue(next));
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
  public boolean isGone() {
    return !channel.isOpen();
  }

  @Override
  public void disconnect() {
    close();
  }
}
