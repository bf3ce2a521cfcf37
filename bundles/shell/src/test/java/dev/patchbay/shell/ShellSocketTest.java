// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.apache.karaf.shell.api.console.Command;
import org.apache.karaf.shell.api.console.Registry;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShellSocketTest {
  @TempDir Path folder;
  private final CountDownLatch prompted = new CountDownLatch(1);
  private int frameworkState = Bundle.ACTIVE;
  private ShellSocket shell;

  @BeforeEach
  void open() throws Exception {
    Bundle framework = proxy(Bundle.class, (name, args) -> frameworkState);
    BundleContext context =
        proxy(
            BundleContext.class,
            (name, args) -> name.equals("getBundle") ? framework : folder.toString());
    Command ready = proxy(Command.class, (name, args) -> null);
    Registry registry = proxy(Registry.class, (name, args) -> ready);
    SessionFactory factory =
        proxy(
            SessionFactory.class,
            (name, args) -> name.equals("getRegistry") ? registry : session((PrintStream) args[1]));
    shell = new ShellSocket(context, factory);
  }

  @AfterEach
  void close() throws Exception {
    shell.close();
  }

  private interface Answer {
    Object to(String method, Object[] args) throws Exception;
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> answer.to(method.getName(), args)));
  }

  /** A session whose command {@code later} prints after the next prompt. */
  private Session session(PrintStream out) {
    return proxy(
        Session.class,
        (name, args) -> {
          if (name.equals("execute")) {
            out.println("ran " + args[0]);
            if (args[0].equals("later")) {
              new Thread(
                      () -> {
                        try {
                          prompted.await();
                          out.println("printed while the dialogue waits for a line");
                        } catch (InterruptedException stopped) {
                          Thread.currentThread().interrupt();
                        }
                      },
                      "test-output")
                  .start();
            }
          }
          return null;
        });
  }

  private SocketChannel connect() throws Exception {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(folder.resolve("shell.sock")));
    return channel;
  }

  private static void send(SocketChannel channel, String text) throws Exception {
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Reads until the text ends with {@code end}, or to the end of the stream when it is null. */
  private static String read(SocketChannel channel, String end) throws Exception {
    StringBuilder out = new StringBuilder();
    ByteBuffer one = ByteBuffer.allocate(1);
    while ((end == null || out.indexOf(end) < 0) && channel.read(one.clear()) == 1) {
      out.append((char) one.get(0));
    }
    return out.toString();
  }

  @Test
  void aDialoguePrintsWhileItWaitsForALine() throws Exception {
    try (SocketChannel client = connect()) {
      send(client, "\n");
      read(client, "patchbay> ");
      send(client, "later\n");
      assertThat(read(client, "patchbay> ")).contains("ran later");
      prompted.countDown();
      read(client, "printed while the dialogue waits for a line\n");
      send(client, "next\n");
      assertThat(read(client, "patchbay> ")).contains("ran next");
      client.shutdownOutput();
      assertThat(read(client, null)).as("the end of the input ends the dialogue").isEmpty();
    }
  }

  @Test
  void aCommandEndsWithItsStatus() throws Exception {
    try (SocketChannel client = connect()) {
      send(client, "one command\n");
      assertThat(read(client, null)).isEqualTo("ran one command\n\0" + "0");
    }
  }

  @Test
  void aStopOfTheFrameworkIsRecorded() throws Exception {
    shell.close();
    assertThat(folder.resolve("stopped")).as("only the bundle was stopped").doesNotExist();
    frameworkState = Bundle.STOPPING;
    shell.close();
    assertThat(folder.resolve("stopped")).exists();
    open();
    assertThat(folder.resolve("stopped")).as("the node runs again").doesNotExist();
  }
}
