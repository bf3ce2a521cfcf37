// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The messages of one peer that wait to be handled. They are handled one at a time and in order,
 * one task of a shared executor each, so that a busy peer does not hold a thread for long.
 *
 * <p>Threading: any thread. The handler is called outside the lock.
 */
final class MessageQueue {
  /**
   * A message of a sub-protocol as it has arrived.
   *
   * @param protocol which sub-protocol
   * @param id number of the message in the sub-protocol
   * @param data the data of the frame
   * @param from where the payload begins in it
   */
  record Message(SharedProtocol protocol, int id, byte[] data, int from) {}

  /** Handles messages. */
  interface Handler {
    /** Called once, before the first message. */
    void begin();

    /** Handles a message. */
    void handle(Message message);

    /** Called once, after the last message. */
    void end();

    /** Called with what another call has thrown. Must not throw: all peers share the thread. */
    void failed(Throwable failure);
  }

  private final Executor executor;
  private final Handler handler;
  private final BooleanSupplier writable;
  private final Runnable taken;

  // all guarded by this
  private final Deque<Message> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private boolean begun;
  private boolean running;
  private boolean closed;
  private boolean ended;

  /**
   * Creates an empty queue.
   *
   * @param writable whether the next message may be handled; {@link #wake} must follow when it may
   *     again
   * @param taken called after each message that was taken from the queue
   */
  MessageQueue(Executor executor, Handler handler, BooleanSupplier writable, Runnable taken) {
    this.executor = executor;
    this.handler = handler;
    this.writable = writable;
    this.taken = taken;
  }

  /** Begins: the handler is called, and then messages are handled. */
  void open() {
    schedule();
  }

  /** Appends a message; does nothing when the queue is closed. */
  void add(Message message) {
    synchronized (this) {
      if (closed) {
        return;
      }
      waiting.add(message);
      waitingBytes += message.data().length;
    }
    schedule();
  }

  /** Continues after the condition of the queue has become true. */
  void wake() {
    schedule();
  }

  /** Drops the messages that wait. The handler ends once it is not busy. */
  void close() {
    synchronized (this) {
      closed = true;
      waiting.clear();
      waitingBytes = 0;
    }
    schedule();
  }

  /** Returns the number of messages that wait. */
  synchronized int size() {
    return waiting.size();
  }

  /** Returns the bytes of the messages that wait. */
  synchronized long bytes() {
    return waitingBytes;
  }

  private void schedule() {
    synchronized (this) {
      if (running || !hasWork()) {
        return;
      }
      running = true;
    }
    try {
      executor.execute(this::run);
    } catch (RejectedExecutionException shutDown) { // the handler must end nevertheless
      run();
    }
  }

  private boolean hasWork() {
    if (closed) {
      return !ended;
    }
    return !begun || !waiting.isEmpty() && writable.getAsBoolean();
  }

  private void run() {
    try {
      step();
    } catch (Throwable failure) {
      handler.failed(failure);
    } finally {
      synchronized (this) {
        running = false;
      }
      schedule();
    }
  }

  private void step() {
    boolean begins;
    boolean ends;
    Message next;
    synchronized (this) {
      begins = !begun && !closed;
      ends = closed && !ended;
      next = begins || ends ? null : poll();
      begun = true;
      ended |= ends;
    }
    if (begins) {
      handler.begin();
    } else if (ends) {
      handler.end();
    } else if (next != null) {
      taken.run();
      handler.handle(next);
    }
  }

  private @Nullable Message poll() {
    Message next = waiting.poll();
    if (next != null) {
      waitingBytes -= next.data().length;
    }
    return next;
  }
}
