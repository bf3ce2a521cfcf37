// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A WebSocket whose messages wait to be taken; that it was closed is one of them. */
final class WebSocketClient implements WebSocket.Listener, AutoCloseable {
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final StringBuilder part = new StringBuilder();
  private WebSocket socket;

  private WebSocketClient() {}

  static WebSocketClient to(int port) throws Exception {
    WebSocketClient opened = new WebSocketClient();
    opened.socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create("ws://127.0.0.1:" + port), opened)
            .get(5, TimeUnit.SECONDS);
    return opened;
  }

  /** Sends a text and returns the next message. */
  String ask(String text) throws Exception {
    socket.sendText(text, true).get(5, TimeUnit.SECONDS);
    return next();
  }

  /** Sends bytes and returns the next message. */
  String ask(byte[] bytes) throws Exception {
    socket.sendBinary(ByteBuffer.wrap(bytes), true).get(5, TimeUnit.SECONDS);
    return next();
  }

  /** Says goodbye and returns the next message. */
  String goodbye() throws Exception {
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(5, TimeUnit.SECONDS);
    return next();
  }

  /** Returns the next message, "null" when none comes for ten seconds. */
  String next() throws InterruptedException {
    return next(10_000);
  }

  /** Returns the next message, "null" when none comes in time. */
  String next(long millis) throws InterruptedException {
    return String.valueOf(messages.poll(millis, TimeUnit.MILLISECONDS));
  }

  /** Returns what sends frames of any kind. */
  WebSocket frames() {
    return socket;
  }

  @Override
  public void close() {
    socket.abort();
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    part.append(data);
    if (last) {
      messages.add(part.toString());
      part.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int status, String reason) {
    messages.add("closed: " + status);
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable failure) {
    messages.add("failed: " + failure);
  }
}
