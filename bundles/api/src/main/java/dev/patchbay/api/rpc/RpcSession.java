// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.osgi.annotation.versioning.ProviderType;

/** The connection that a request came by. Threading: any thread. */
@ProviderType
public interface RpcSession {
  /**
   * What a search for logs may be for.
   *
   * @param blocks blocks of its range
   * @param results logs that it may find
   */
  record LogLimits(long blocks, int results) {}

  /** Returns what a search for logs may be for, by the listener of the connection. */
  LogLimits logLimits();

  /**
   * Returns what the connections of one client have in common: its IP address, of IPv6 the first 64
   * bits. Two of the same client are equal. All connections of IPC are of one client.
   */
  Object client();

  /** Returns whether the server can send to the client: true over WebSocket and IPC. */
  boolean canNotify();

  /**
   * Makes the id of a subscription for the request under way: what is sent of it meanwhile comes
   * after the answer, by which the client learns the id.
   *
   * @throws IllegalStateException when the server cannot send to the client
   */
  String newSubscription();

  /**
   * Sends a notification of a subscription to the client.
   *
   * @param method what the client knows it by, e.g. {@code eth_subscription}
   * @param subscription its id, of {@link #newSubscription}
   * @param result JSON-neutral value, or a {@link SharedResult}
   * @return false when the connection is gone or too slow; the subscription should end then
   */
  boolean notify(String method, String subscription, Object result);

  /**
   * Returns whether little is waiting to be sent to the client: whoever makes notifications faster
   * than a client may read waits for it. Also true once the connection is gone.
   */
  boolean hasRoom();

  /**
   * Runs an action once the connection has ended, or at once when it has. A silent client keeps its
   * connection as long as it has such an action.
   */
  void onClose(Runnable action);

  /**
   * Removes an action of {@link #onClose} that has not run, when what it ends has ended by itself.
   *
   * @param action the object that {@link #onClose} was called with; any other does nothing
   */
  void removeOnClose(Runnable action);

  /**
   * Returns whether the client has left, and will not read the response: a method that waits asks
   * now and then, and ends. A client of IPC counts as present until the server closes its
   * connection. Threading: only the thread that runs a method with this session, until it returns.
   */
  boolean isGone();

  /**
   * Closes the connection, without waiting for the client to read what was sent: a client that
   * would miss notifications must learn of it. Does nothing over HTTP.
   */
  void disconnect();
}
