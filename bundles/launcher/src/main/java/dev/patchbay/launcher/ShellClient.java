// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Sends a command to the shell of a running node, or connects it with the terminal. */
public final class ShellClient {
  /** The node has gone before the command ended. */
  private static final int BROKEN_OFF = 4;

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
      OutputStream to = Channels.newOutputStream(channel);
      InputStream from = Channels.newInputStream(channel);
      to.write((command.strip() + "\n").getBytes(StandardCharsets.UTF_8));
      if (command.isBlank()) {
        Thread keyboard = new Thread(() -> pump(in, to, channel), "shell-client-input");
        keyboard.setDaemon(true);
        keyboard.start();
      }
      int status = print(from, out, command.isBlank() ? 0 : BROKEN_OFF);
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
  private static int print(InputStream from, OutputStream out, int otherwise) throws IOException {
    byte[] chunk = new byte[8_192];
    int status = otherwise;
    boolean ended = false;
    for (int n = from.read(chunk); n >= 0; n = from.read(chunk)) {
      for (int i = 0; i < n; i++) {
        if (ended) {
          status = chunk[i] - '0';
        } else if (chunk[i] == 0) {
          ended = true;
        } else {
          out.write(chunk[i]);
        }
      }
      out.flush();
    }
    return status;
  }

  private static void pump(InputStream in, OutputStream to, SocketChannel channel) {
    try {
      byte[] chunk = new byte[1_024];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        to.write(chunk, 0, n);
        to.flush();
      }
      channel.shutdownOutput();
    } catch (IOException gone) {
      // the node has ended the dialogue
    }
  }
}
