// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Sends a command to the shell of a running node, or connects it with the terminal. The keyboard
 * thread writes to the channel while the main thread reads from it. Both use the channel itself:
 * its streams ({@link java.nio.channels.Channels}) share one lock on Java 17, and a read that waits
 * blocks every write.
 */
public final class ShellClient {
  /** The node has gone before the command ended. */
  private static final int BROKEN_OFF = 4;

  private static final int CHUNK_BYTES = 8_192;

  private ShellClient() {}

  /**
   * Runs the client.
   *
   * @param args path of the socket, then the words of a command; without a command a dialogue is
   *     opened
   */
  public static void main(String[] args) throws IOException {
    if (args.length == 0) {
      System.err.println("usage: ShellClient SOCKET [COMMAND…]");
      System.exit(2);
    }
    String[] words = new String[args.length - 1];
    System.arraycopy(args, 1, words, 0, words.length);
    System.exit(run(Path.of(args[0]), String.join(" ", words), System.in, System.out));
  }

  static int run(Path socket, String command, InputStream in, OutputStream out) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
      } catch (IOException refused) {
        System.err.println(
            "no node answers at " + socket + "; start it with ./patchbay dev or ./patchbay run");
        return 3;
      }
      write(channel, ByteBuffer.wrap((command.strip() + "\n").getBytes(StandardCharsets.UTF_8)));
      if (command.isBlank()) {
        Thread keyboard = new Thread(() -> pump(in, channel), "shell-client-input");
        keyboard.setDaemon(true);
        keyboard.start();
      }
      int status = print(channel, out, command.isBlank() ? 0 : BROKEN_OFF);
      if (status == BROKEN_OFF) {
        System.err.println(
            "the connection ended before the command did: the node has stopped, or its shell was replaced");
      }
      return status;
    }
  }

  /**
   * Copies output up to a NUL byte; the digit after it is the status, {@code otherwise} when there
   * is none.
   */
  private static int print(SocketChannel from, OutputStream out, int otherwise) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
    int status = otherwise;
    boolean ended = false;
    while (from.read(chunk) >= 0) {
      chunk.flip();
      while (chunk.hasRemaining()) {
        byte next = chunk.get();
        if (ended) {
          status = next - '0';
        } else if (next == 0) {
          ended = true;
        } else {
          out.write(next);
        }
      }
      out.flush();
      chunk.clear();
    }
    return status;
  }

  private static void pump(InputStream in, SocketChannel to) {
    try {
      byte[] chunk = new byte[CHUNK_BYTES];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        write(to, ByteBuffer.wrap(chunk, 0, n));
      }
      to.shutdownOutput();
    } catch (IOException closed) {
      // the node has ended the dialogue
    }
  }

  private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
  }
}
