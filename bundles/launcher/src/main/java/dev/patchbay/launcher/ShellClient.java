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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends a command to the shell of a running node, or connects it with the terminal. The keyboard
 * thread writes to the channel while the main thread reads from it. Both use the channel itself:
 * its streams ({@link java.nio.channels.Channels}) share one lock on Java 17, and a read that waits
 * blocks every write.
 */
public final class ShellClient {
  /** The node has gone before the command ended. */
  private static final int BROKEN_OFF = 4;

  /** No node has opened the socket. */
  private static final int NOT_CONNECTED = 3;

  private static final int CHUNK_BYTES = 8_192;
  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** A node that starts uses much of a processor. One that uses less than this share is stuck. */
  private static final int MIN_SHARE_PERCENT = 5;

  private static final Duration MAX_STALL = Duration.ofSeconds(30);

  private ShellClient() {}

  /**
   * Runs the client.
   *
   * @param args path of the socket, then the words of a command; without a command a dialogue is
   *     opened. {@code --await PID} before them waits until the process PID, a node that starts,
   *     has opened the socket
   */
  public static void main(String[] args) throws IOException {
    List<String> words = new ArrayList<>(List.of(args));
    ProcessHandle node = null;
    if (words.size() > 2 && words.get(0).equals("--await")) {
      node = ProcessHandle.of(Long.parseLong(words.get(1))).orElse(null);
      words = words.subList(2, words.size());
    }
    if (words.isEmpty()) {
      System.err.println("usage: ShellClient [--await PID] SOCKET [COMMAND…]");
      System.exit(2);
    }
    Path socket = Path.of(words.get(0));
    String command = String.join(" ", words.subList(1, words.size()));
    System.exit(run(socket, node, command, System.in, System.out));
  }

  /**
   * Connects and runs.
   *
   * @param node the process that may still open the socket; null when there is nothing to wait for
   */
  static int run(
      Path socket, @Nullable ProcessHandle node, String command, InputStream in, OutputStream out)
      throws IOException {
    SocketChannel connected = connect(socket, node);
    if (connected == null) {
      return NOT_CONNECTED;
    }
    try (SocketChannel channel = connected) {
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

  /** Connects; returns null after it has printed why that is not possible. */
  private static @Nullable SocketChannel connect(Path socket, @Nullable ProcessHandle node)
      throws IOException {
    long windowNanos = System.nanoTime();
    Duration windowCpu = cpu(node);
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
      } catch (IOException refused) {
        channel.close();
      }
      if (node == null) {
        System.err.println(
            "no node answers at " + socket + "; start it with ./patchbay dev or ./patchbay run");
        return null;
      }
      if (!node.isAlive()) {
        return null; // the launcher explains the end of the node
      }
      long elapsed = System.nanoTime() - windowNanos;
      if (elapsed > MAX_STALL.toNanos()) {
        Duration used = cpu(node).minus(windowCpu);
        if (used.toNanos() < elapsed / 100 * MIN_SHARE_PERCENT) {
          System.err.println(
              "error: the node has not opened its shell, and makes no progress; is the bundle shell"
                  + " installed?");
          return null;
        }
        windowNanos = System.nanoTime();
        windowCpu = cpu(node);
      }
      LockSupport.parkNanos(RETRY_NANOS);
    }
  }

  private static Duration cpu(@Nullable ProcessHandle process) {
    return process == null
        ? Duration.ZERO
        : process.info().totalCpuDuration().orElse(Duration.ZERO);
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
