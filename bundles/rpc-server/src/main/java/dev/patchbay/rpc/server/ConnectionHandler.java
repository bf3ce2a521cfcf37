// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Tells the connection of each request when the request begins and ends. */
final class ConnectionHandler extends Handler.Wrapper {
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
      connection.entry().begin(length < 0 ? maxBodyBytes : Math.min(length, maxBodyBytes));
      Request.addCompletionListener(request, failure -> connection.entry().end());
    }
    return super.handle(request, response, callback);
  }
}
