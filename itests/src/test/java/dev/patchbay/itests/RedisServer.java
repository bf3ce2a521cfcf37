// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.File;
import java.util.Arrays;

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
    Node.awaitPort(port);
    return this;
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
