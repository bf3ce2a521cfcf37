// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShellClientTest {
  @TempDir Path folder;
  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();

  /** Reads up to a line feed; null at the end. */
  private static String line(SocketChannel channel) throws Exception {
    StringBuilder out = new StringBuilder();
    ByteBuffer one = ByteBuffer.allocate(1);
    while (channel.read(one.clear()) == 1) {
      if (one.get(0) == '\n') {
        return out.toString();
      }
      out.append((char) one.get(0));
    }
    return null;
  }

  private static void print(SocketChannel channel, String text) throws Exception {
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private ServerSocketChannel server() throws Exception {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(folder.resolve("s")));
    return server;
  }

  @Test
  void linesAreSentWhileTheReaderWaits() throws Exception {
    try (ServerSocketChannel server = server();
        PipedOutputStream keyboard = new PipedOutputStream()) {
      PipedInputStream in = new PipedInputStream(keyboard);
      CompletableFuture<Integer> client = CompletableFuture.supplyAsync(() -> run(null, "", in));
      try (SocketChannel node = server.accept()) {
        assertThat(line(node)).as("a dialogue").isEmpty();
        for (int i = 0; i < 5; i++) {
          keyboard.write(("command " + i + "\n").getBytes(StandardCharsets.UTF_8));
          keyboard.flush();
          assertThat(line(node)).isEqualTo("command " + i);
          print(node, "answer " + i + "\n");
        }
        keyboard.close(); // Ctrl-D
        assertThat(line(node)).as("the end of the input").isNull();
        print(node, "bye\n");
      }
      assertThat(client.get(10, TimeUnit.SECONDS)).isZero();
      assertThat(screen.toString(StandardCharsets.UTF_8))
          .isEqualTo("answer 0\nanswer 1\nanswer 2\nanswer 3\nanswer 4\nbye\n");
    }
  }

  @Test
  void aCommandEndsWithItsStatus() throws Exception {
    try (ServerSocketChannel server = server()) {
      for (String end : new String[] {"\0" + "3", ""}) {
        CompletableFuture<Integer> client =
            CompletableFuture.supplyAsync(
                () -> run(null, "some command", InputStream.nullInputStream()));
        try (SocketChannel node = server.accept()) {
          assertThat(line(node)).isEqualTo("some command");
          print(node, "text" + end);
        }
        assertThat(client.get(10, TimeUnit.SECONDS)).isEqualTo(end.isEmpty() ? 4 : 3);
      }
      assertThat(screen.toString(StandardCharsets.UTF_8)).isEqualTo("texttext");
    }
  }

  @Test
  void aSocketThatIsNotOpenYetIsAwaited() throws Exception {
    CompletableFuture<Integer> client =
        CompletableFuture.supplyAsync(
            () -> run(ProcessHandle.current(), "ready", InputStream.nullInputStream()));
    try (ServerSocketChannel server = server();
        SocketChannel node = server.accept()) {
      assertThat(line(node)).isEqualTo("ready");
      print(node, "yes\0" + "0");
    }
    assertThat(client.get(10, TimeUnit.SECONDS)).isZero();
  }

  @Test
  void aNodeThatHasEndedIsNotAwaited() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    assertThat(run(ended.toHandle(), "ready", InputStream.nullInputStream())).isEqualTo(3);
    assertThat(run(null, "ready", InputStream.nullInputStream())).isEqualTo(3);
  }

  private int run(ProcessHandle node, String command, InputStream in) {
    try {
      return ShellClient.run(folder.resolve("s"), node, command, in, screen);
    } catch (java.io.IOException failure) {
      throw new java.io.UncheckedIOException(failure);
    }
  }
}
