// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Listening sockets that can stay open while the bundle that serves them is replaced. Clients that
 * connect meanwhile wait in the queue of the operating system until the successor accepts them.
 *
 * <p>Threading: any thread.
 */
@ProviderType
public interface ListeningSockets {
  /** Opens a socket that listens. */
  @FunctionalInterface
  interface Opener {
    /**
     * Returns a channel that is bound.
     *
     * @throws IOException when that is not possible, for instance because the address is in use
     */
    ServerSocketChannel open() throws IOException;
  }

  /**
   * Returns a channel that accepts the connections of a socket: of the one that is kept for the
   * address, or of a new one. The channel is in blocking mode, and cannot be bound, configured or
   * registered with a selector.
   *
   * <p>When the channel is closed, the socket is closed, too, and the file of a Unix-domain socket
   * deleted. It is kept instead when the bundle that has called this method is stopping and will be
   * started again: until the bundle has been stopped for longer than the limit, or is uninstalled.
   *
   * @param address identifies the socket
   * @param limit how long a socket is kept
   * @throws IOException when no socket is kept, and none can be opened
   */
  ServerSocketChannel open(SocketAddress address, Duration limit, Opener opener) throws IOException;
}
