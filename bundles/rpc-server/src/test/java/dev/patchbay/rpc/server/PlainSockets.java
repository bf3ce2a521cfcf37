// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.node.ListeningSockets;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;

/** Sockets that end with those who serve them. */
final class PlainSockets implements ListeningSockets {
  @Override
  public ServerSocketChannel open(SocketAddress address, Duration limit, Opener opener)
      throws IOException {
    return opener.open();
  }
}
