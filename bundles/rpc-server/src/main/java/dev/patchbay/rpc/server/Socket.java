// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.StatusCode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JSON-RPC over one WebSocket. What a client does not read is not kept without bound: its next
 * request is read when the last answer has been sent, and when too many notifications wait, it is
 * cut.
 */
public final class Socket extends Session.Listener.Abstract implements RpcSession {
  private static final Logger LOG = LoggerFactory.getLogger(Socket.class);
  private static final int FRAGMENTS_AT_ONCE = 16;
  private static final String RESTART = "the server is restarted";
  private static final int MAX_UNSENT = 1_024;
  private static final int MAX_UNSENT_CHARS = 1 << 24;

  private final Dispatcher dispatcher;
  private final Terms terms;
  private final Object client;
  private final Executor executor;
  private final OpenSockets open;
  private final Runnable leave;
  private final @Nullable WatchedEndPoint connection;

  /** The next message while it comes, then the response while the client reads it. */
  private final Connections.@Nullable Transfer transfer;

  private final Exchange exchange;
  private final AtomicInteger unsent = new AtomicInteger();
  private final AtomicInteger unsentChars = new AtomicInteger();
  private final Subscribing subscribing = new Subscribing();
  private final CloseActions closeActions = new CloseActions();

  /** Counts the request and its response. */
  private final MemoryBudget.Account memory;

  /** Counts the notifications that are not sent yet. */
  private final MemoryBudget.Account notifications;

  /** What has come of the next message. */
  private ByteArrayOutputStream partial = new ByteArrayOutputStream();

  /** Bytes of the next message so far, also of one that is refused. */
  private long received;

  /** Fragments of the next message so far. */
  private int fragments;

  /** Whether there is no memory for the next message, whose rest is left out. */
  private boolean refused;

  /** Whether a request is answered now; guarded by this. */
  private boolean answering;

  /** Whether no further request is answered; guarded by this. */
  private boolean finishing;

  /**
   * Creates a socket that is not open yet.
   *
   * @param client the client, as of {@link Connections#client}
   * @param executor runs what is put behind the work for other connections
   * @param open takes note of the socket while it is open
   * @param leave takes the socket out of the count; it may run more than once
   * @param connection the connection of the socket, when it is watched
   */
  Socket(
      Dispatcher dispatcher,
      Terms terms,
      Object client,
      Executor executor,
      OpenSockets open,
      Runnable leave,
      @Nullable WatchedEndPoint connection) {
    this.dispatcher = dispatcher;
    this.terms = terms;
    this.client = client;
    this.executor = executor;
    this.open = open;
    this.leave = leave;
    this.connection = connection;
    transfer = connection == null ? null : connection.entry().transfer();
    memory = dispatcher.memory().open();
    notifications = dispatcher.memory().open();
    exchange = new Exchange(null, memory);
  }

  @Override
  public void onWebSocketOpen(Session session) {
    super.onWebSocketOpen(session);
    open.opened(this);
    closeActions.add(
        () -> {
          endTransfer(); // over HTTP/2 the connection goes on
          open.closed(this);
          memory.close();
          notifications.close();
          leave.run();
        });
    session.demand();
  }

  @Override
  public void onWebSocketPartialText(String payload, boolean last) {
    received(payload.getBytes(StandardCharsets.UTF_8), last);
  }

  /** Some clients, web3.py among them, send their requests as bytes. */
  @Override
  public void onWebSocketPartialBinary(ByteBuffer payload, boolean last, Callback callback) {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    callback.succeed();
    received(bytes, last);
  }

  /** Takes a part of a message. A message that is too long ends the connection, as in HTTP. */
  private void received(byte[] bytes, boolean last) {
    Session session = getSession();
    received += bytes.length;
    if (received > terms.limits().bodyBytes()) {
      session.close(
          StatusCode.MESSAGE_TOO_LARGE,
          "message too large: at most " + terms.limits().bodyBytes() + " bytes",
          Callback.NOOP);
      return;
    }
    if (!refused && memory.tryGrow(2L * bytes.length)) {
      partial.writeBytes(bytes);
    } else {
      refused = true;
      partial = new ByteArrayOutputStream();
      memory.shrinkTo(0);
    }
    if (!last) {
      if (fragments == 0) {
        beginTransfer(terms.limits().bodyBytes());
      }
      demandNext(session);
      return;
    }
    endTransfer();
    fragments = 0;
    byte[] whole = partial.toByteArray();
    partial = new ByteArrayOutputStream(); // a silent client holds nothing
    received = 0;
    if (refused) {
      refused = false;
      send(dispatcher.noMemory(terms));
    } else {
      answer(whole);
    }
  }

  /** Gives the client as long as over HTTP: it may hold memory, and ping meanwhile. */
  private void beginTransfer(long bytes) {
    if (transfer != null) {
      transfer.begin(bytes);
    }
  }

  private void endTransfer() {
    if (transfer != null) {
      transfer.end();
    }
  }

  /** Reads on, now and then behind what others have sent: fragments may come without end. */
  private void demandNext(Session session) {
    fragments++;
    if (fragments % FRAGMENTS_AT_ONCE == 0) {
      executor.execute(session::demand);
    } else {
      session.demand();
    }
  }

  private void answer(byte[] message) {
    synchronized (this) {
      if (finishing) {
        return; // it came after the last response
      }
      answering = true;
    }
    dispatcher.answer(
        message,
        terms,
        this,
        exchange,
        new Reply() {
          @Override
          public void answered(@Nullable Answer response) {
            send(response);
          }

          @Override
          public void failed(Throwable failure) {
            LOG.error("answering over a WebSocket failed: {}", failure.toString(), failure);
            getSession().disconnect();
          }
        });
  }

  /** Sends a response, and then reads the next request. */
  private void send(@Nullable Answer response) {
    Session session = getSession();
    if (response == null) {
      subscribing.answered();
      answered(session);
      return;
    }
    memory.shrinkTo(2L * response.length());
    beginTransfer(response.length() + (long) unsentChars.get()); // it follows notifications
    // the next request is not begun before both are done: it may subscribe, too
    AtomicInteger steps = new AtomicInteger(2);
    Runnable step =
        () -> {
          if (steps.decrementAndGet() == 0) {
            answered(session);
          }
        };
    session.sendText(
        new String(response.toByteArray(), StandardCharsets.UTF_8),
        Callback.from(
            step,
            failure -> {
              endTransfer();
              session.disconnect();
            }));
    subscribing.answered();
    step.run();
  }

  /** Reads the next request, unless the response was the last one. */
  private void answered(Session session) {
    endTransfer();
    memory.shrinkTo(0);
    synchronized (this) {
      answering = false;
      if (!finishing) {
        session.demand();
        return;
      }
    }
    session.close(StatusCode.SERVICE_RESTART, RESTART, Callback.NOOP);
  }

  /**
   * Closes the socket after the response to the request under way, when there is one: the server is
   * restarted, and the client may connect again.
   */
  void finish() {
    synchronized (this) {
      finishing = true;
      if (answering) {
        return;
      }
    }
    Session session = getSession();
    if (session != null) {
      session.close(StatusCode.SERVICE_RESTART, RESTART, Callback.NOOP);
    }
  }

  /** Also true when the client is about to leave. */
  @Override
  public boolean isGone() {
    WatchedEndPoint watched = connection;
    return watched != null && (watched.isClosed() || bidsFarewell(watched.ahead()));
  }

  /** Returns whether frames begin with one that closes, but for pings (RFC 6455, section 5.2). */
  static boolean bidsFarewell(ByteBuffer frames) {
    while (frames.remaining() >= 2) {
      int opcode = frames.get(frames.position()) & 0x0f;
      int length = 6 + (frames.get(frames.position() + 1) & 0x7f);
      if (opcode == 8) {
        return true;
      }
      if (opcode < 8 || frames.remaining() < length) {
        return false;
      }
      frames.position(frames.position() + length);
    }
    return false;
  }

  /** A client that leaves without a word is nothing to report. */
  @Override
  public void onWebSocketError(Throwable cause) {
    LOG.debug("a WebSocket ends: {}", cause.toString());
  }

  @Override
  public void onWebSocketClose(int statusCode, String reason, Callback callback) {
    closeActions.run();
    callback.succeed(); // only now is the close frame answered
  }

  @Override
  public LogLimits logLimits() {
    return terms.limits().logs();
  }

  @Override
  public Object client() {
    return client;
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
    Session session = getSession();
    if (session == null || !session.isOpen()) {
      return false;
    }
    String text =
        new String(dispatcher.notification(method, subscription, result), StandardCharsets.UTF_8);
    if (unsent.incrementAndGet() > MAX_UNSENT
        || unsentChars.addAndGet(text.length()) > MAX_UNSENT_CHARS
        || !notifications.tryGrow(2L * text.length())) {
      session.disconnect(); // a close frame would wait behind what is not read
      return false;
    }
    subscribing.send(
        subscription,
        () -> session.sendText(text, Callback.from(() -> sent(text), failure -> sent(text))));
    return true;
  }

  @Override
  public boolean hasRoom() {
    return unsent.get() < MAX_UNSENT / 4 && unsentChars.get() < MAX_UNSENT_CHARS / 4;
  }

  private void sent(String text) {
    unsent.decrementAndGet();
    unsentChars.addAndGet(-text.length());
    notifications.shrink(2L * text.length());
  }

  @Override
  public void onClose(Runnable action) {
    closeActions.add(action);
  }

  @Override
  public void removeOnClose(Runnable action) {
    closeActions.remove(action);
  }

  @Override
  public void disconnect() {
    Session session = getSession();
    if (session != null) {
      session.disconnect();
    }
  }
}
