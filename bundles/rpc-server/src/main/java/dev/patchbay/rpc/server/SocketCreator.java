// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.websocket.server.ServerUpgradeRequest;
import org.eclipse.jetty.websocket.server.ServerUpgradeResponse;
import org.eclipse.jetty.websocket.server.WebSocketCreator;
import org.jspecify.annotations.Nullable;

/**
 * Creates the WebSockets of a listener, or answers the request for one with the reason of the
 * refusal. A refused connection stays open for other requests.
 */
final class SocketCreator implements WebSocketCreator {
  private final Dispatcher dispatcher;
  private final Terms terms;
  private final HttpHandler handler;
  private final int limit;
  private final Executor executor;
  private final OpenSockets open;

  /**
   * Creates a creator.
   *
   * @param handler checks hosts, origins and tokens
   * @param executor the threads of the listener
   * @param limit WebSockets that may be open at a time
   */
  SocketCreator(
      Dispatcher dispatcher, Terms terms, HttpHandler handler, Executor executor, int limit) {
    this.executor = executor;
    this.dispatcher = dispatcher;
    this.terms = terms;
    this.handler = handler;
    this.limit = limit;
    open = new OpenSockets(limit);
  }

  /** Returns the number of open WebSockets. */
  int count() {
    return open.count();
  }

  /** Ends all WebSockets after the responses to their requests under way, and waits for that. */
  void finish(Duration time) throws InterruptedException {
    open.finish(time);
  }

  @Override
  public @Nullable Object createWebSocket(
      ServerUpgradeRequest request, ServerUpgradeResponse response, Callback callback) {
    if (handler.refusesUpgrade(request, response, callback)) {
      return null;
    }
    if (!open.tryEnter()) {
      HttpHandler.refuse(
          response,
          callback,
          HttpStatus.TOO_MANY_REQUESTS_429,
          "too many WebSocket connections: at most " + limit);
      return null;
    }
    WatchedEndPoint connection = WatchedEndPoint.of(request);
    if (connection != null) {
      connection.entry().hold(); // a WebSocket may be silent: its idle time is another
    }
    Connections.Transfer transfer = ConnectionHandler.transfer(request);
    if (transfer != null) {
      transfer.end(); // a WebSocket over HTTP/2 may outlast it
    }
    AtomicBoolean left = new AtomicBoolean();
    Runnable leave =
        () -> {
          if (left.compareAndSet(false, true)) {
            open.leave();
            if (connection != null) {
              connection.entry().release(0);
            }
          }
        };
    try {
      // the handshake may still fail, and then the socket is neither opened nor closed
      Request.addCompletionListener(
          request,
          failure -> {
            int status = response.getStatus();
            if (failure != null || !isUpgraded(status)) {
              leave.run();
            } else if (connection != null && status == HttpStatus.SWITCHING_PROTOCOLS_101) {
              connection.onceClosed(leave); // the connection is for the socket alone
            }
          });
      return new Socket(
          dispatcher, terms, HttpHandler.client(request), executor, open, leave, connection);
    } catch (Throwable failure) {
      leave.run();
      throw failure;
    }
  }

  /** Returns whether a request became a WebSocket, over HTTP/1.1 or HTTP/2 (RFC 8441). */
  private static boolean isUpgraded(int status) {
    return status == HttpStatus.SWITCHING_PROTOCOLS_101 || status == HttpStatus.OK_200;
  }
}
