// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.api.StatusCode;
import org.jspecify.annotations.Nullable;

/**
 * JSON-RPC over one WebSocket. Notifications to a client that does not read them are not kept
 * without bound: it is cut.
 */
public final class Socket extends Session.Listener.AbstractAutoDemanding implements RpcSession {
  private static final int MAX_UNSENT = 1_024;

  private final Dispatcher dispatcher;
  private final Set<String> namespaces;
  private final Limits limits;
  private final Connections connections;
  private final AtomicInteger unsent = new AtomicInteger();
  private @Nullable List<Runnable> closers = new ArrayList<>();

  Socket(Dispatcher dispatcher, Set<String> namespaces, Limits limits, Connections connections) {
    this.dispatcher = dispatcher;
    this.namespaces = namespaces;
    this.limits = limits;
    this.connections = connections;
  }

  @Override
  public void onWebSocketText(String message) {
    byte[] answer =
        dispatcher.answer(message.getBytes(StandardCharsets.UTF_8), namespaces, limits, this);
    if (answer != null) {
      send(new String(answer, StandardCharsets.UTF_8));
    }
  }

  private boolean send(String text) {
    Session session = getSession();
    if (session == null || !session.isOpen()) {
      return false;
    }
    if (unsent.incrementAndGet() > MAX_UNSENT) {
      session.close(StatusCode.POLICY_VIOLATION, "too slow", Callback.NOOP);
      return false;
    }
    session.sendText(
        text, Callback.from(unsent::decrementAndGet, failure -> unsent.decrementAndGet()));
    return true;
  }

  @Override
  public void onWebSocketClose(int statusCode, String reason, Callback callback) {
    List<Runnable> actions;
    synchronized (this) {
      actions = closers;
      closers = null;
    }
    if (actions != null) {
      connections.leave();
      actions.forEach(Runnable::run);
    }
    super.onWebSocketClose(statusCode, reason, callback);
  }

  @Override
  public boolean canNotify() {
    return true;
  }

  @Override
  public boolean notify(String subscription, Object result) {
    Map<String, Object> params = new LinkedHashMap<>();
    params.put("subscription", subscription);
    params.put("result", result);
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("jsonrpc", "2.0");
    message.put("method", "eth_subscription");
    message.put("params", params);
    return send(new String(dispatcher.write(message), StandardCharsets.UTF_8));
  }

  @Override
  public void onClose(Runnable action) {
    synchronized (this) {
      if (closers != null) {
        closers.add(action);
        return;
      }
    }
    action.run();
  }
}
