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

  /** A socket that one bundle serves. */
  @ProviderType
  interface Served {
    /**
     * Returns a channel that accepts the connections. It is in blocking mode, and cannot be bound,
     * configured or registered with a selector. When it is closed, the socket is closed, too,
     * unless it is kept.
     */
    ServerSocketChannel channel();

    /**
     * Keeps the socket open when the channel is closed, for a successor.
     *
     * @param limit after this time the socket is closed; also the file of a Unix-domain socket is
     *     deleted then
     */
    void keep(Duration limit);
  }

  /**
   * Returns the socket that is kept for an address, or opens one.
   *
   * @throws IOException when no socket is kept, and none can be opened
   */
  Served serve(SocketAddress address, Opener opener) throws IOException;
}
