// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A connection over a Unix-domain socket: a line for each request and for each response. */
final class IpcClient implements AutoCloseable {
  private final SocketChannel channel;
  private final BufferedReader in;

  IpcClient(Path socket) throws IOException {
    channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    in =
        new BufferedReader(
            new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
  }

  /** Sends a request and returns the next line. */
  String ask(String request) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    String line = in.readLine();
    if (line == null) {
      throw new IOException("the connection has ended");
    }
    return line;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
