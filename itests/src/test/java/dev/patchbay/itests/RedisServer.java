// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** A Redis of Debian's package, in memory alone. */
final class RedisServer implements AutoCloseable {
  final int port = Node.freePort();
  private Process process;

  static boolean isInstalled() {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(folder -> new File(folder, "redis-server").canExecute());
  }

  /** Starts it, and waits until it listens. */
  RedisServer start() throws Exception {
    process =
        new ProcessBuilder(
                "redis-server",
                "--port",
                "" + port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    for (int i = 0; i < 200; i++) {
      try (Socket up = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return this;
      } catch (IOException notYet) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
    throw new AssertionError("redis-server does not listen on port " + port);
  }

  /** Sends a signal to the process, e.g. STOP. */
  void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
  }

  /** Kills it as kill -9 does. */
  @Override
  public void close() throws Exception {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }
}
