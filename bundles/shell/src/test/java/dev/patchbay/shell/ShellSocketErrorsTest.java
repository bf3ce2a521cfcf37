// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.reflect.Proxy;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/** A command that throws ends with a status, and the next client is served. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShellSocketErrorsTest {
  @TempDir Path folder;
  private volatile @Nullable Throwable error;
  private ShellSocket shell;

  static Stream<Error> errors() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new NoClassDefFoundError("dev/patchbay/Exchanged"),
        new AssertionError("an assertion"));
  }

  @BeforeEach
  void open() throws Exception {
    shell = new ShellSocket(stub(BundleContext.class), stub(SessionFactory.class));
  }

  @AfterEach
  void close() throws Exception {
    shell.close();
  }

  /** Returns an object whose methods return such objects; only commands do something. */
  private <T> T stub(Class<T> type) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> {
              Throwable next = error;
              if (method.getName().equals("execute") && next != null) {
                error = null;
                throw next;
              }
              Class<?> result = method.getReturnType();
              return switch (method.getName()) {
                case "getProperty" -> folder.toString();
                case "getState" -> Bundle.ACTIVE;
                case "execute", "put" -> null;
                default -> result.isInterface() ? stub(result) : null;
              };
            }));
  }

  private String run(String command) throws Exception {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(folder.resolve("shell.sock")));
      channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
      StringBuilder out = new StringBuilder();
      ByteBuffer one = ByteBuffer.allocate(1);
      while (channel.read(one.clear()) == 1) {
        out.append((char) one.get(0));
      }
      return out.toString();
    }
  }

  static List<Arguments> files() {
    return List.of(
        arguments(new AccessDeniedException("/x/chain.rlp"), "no permission for /x/chain.rlp"),
        arguments(new NoSuchFileException("/x/chain.rlp"), "there is no /x/chain.rlp"),
        arguments(new NotDirectoryException("/x"), "cannot use /x"),
        arguments(new FileSystemException("/x", null, "No space left"), "/x: No space left"));
  }

  /** The message of such an exception may be the path alone. */
  @ParameterizedTest
  @MethodSource("files")
  void aFileThatCannotBeUsedIsReportedInWords(Exception thrown, String text) throws Exception {
    error = thrown;
    assertThat(run("broken")).isEqualTo("error: " + text + "\n\0001");
  }

  @ParameterizedTest
  @MethodSource("errors")
  void theCommandAfterAnErrorIsRun(Error thrown) throws Exception {
    for (int i = 0; i < 20; i++) { // more than there are threads
      error = thrown;
      assertThat(run("broken")).startsWith("error: ").endsWith("\0001");
      assertThat(run("next")).isEqualTo("\0000");
    }
  }
}
