// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** Notifies the connection of each request when the request begins and ends. */
final class ConnectionHandler extends Handler.Wrapper {
  private static final String TRANSFER = Connections.Transfer.class.getName();

  private final int maxBodyBytes;

  /**
   * Creates a handler around another.
   *
   * @param maxBodyBytes length that is assumed of a body of unknown length
   */
  ConnectionHandler(Handler handler, int maxBodyBytes) {
    super(handler);
    this.maxBodyBytes = maxBodyBytes;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    WatchedEndPoint connection = WatchedEndPoint.of(request);
    if (connection != null) {
      long length = request.getLength();
      long bytes = length < 0 ? maxBodyBytes : Math.min(length, maxBodyBytes);
      Connections.Transfer transfer = connection.entry().transfer();
      request.setAttribute(TRANSFER, transfer);
      connection.entry().begin(bytes);
      transfer.begin(bytes);
      Request.addCompletionListener(
          request,
          failure -> {
            transfer.end();
            connection.entry().end();
          });
    }
    return super.handle(request, response, callback);
  }

  /** Returns the transfer of a request, which ends with it; null when there is none. */
  static Connections.@Nullable Transfer transfer(Request request) {
    return (Connections.Transfer) request.getAttribute(TRANSFER);
  }
}
