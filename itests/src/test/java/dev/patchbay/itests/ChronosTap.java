// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code patchbay chronos-tap} between two nodes: what they send each other. */
final class ChronosTap implements AutoCloseable {
  private static final String LISTENING = "listening on ";
  private static final Pattern BLOCK =
      Pattern.compile(" (->|<-) (PUSH_BLOCK|NEW_BLOCK) .*?block \\d+ (0x[0-9a-f]{64}),");

  /** Where the one node connects to. */
  final int port;

  private final Process process;
  private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();

  /** Starts it. */
  ChronosTap(int target) throws IOException {
    process =
        new ProcessBuilder(
                Node.ROOT.resolve("patchbay").toString(),
                "chronos-tap",
                "--listen",
                "0",
                "127.0.0.1:" + target)
            .redirectErrorStream(true)
            .start();
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String first = output.readLine();
    if (first == null || !first.startsWith(LISTENING)) {
      process.destroyForcibly();
      throw new IOException("chronos-tap does not listen: " + first);
    }
    port = Integer.parseInt(first.substring(LISTENING.length()));
    new Thread(() -> output.lines().forEach(lines::add), "chronos-tap").start();
  }

  /** Returns the hashes of the blocks that were sent whole, in order: {@code ->} by the dialer. */
  List<String> blocks(String direction) {
    List<String> out = new ArrayList<>();
    for (String line : lines) {
      Matcher matcher = BLOCK.matcher(line);
      if (matcher.find() && matcher.group(1).equals(direction)) {
        out.add(matcher.group(3));
      }
    }
    return out;
  }

  /** Returns how many connections there were. */
  int connections() {
    return (int) lines.stream().filter(line -> line.contains(" is connected with ")).count();
  }

  /** Returns what was printed. */
  String output() {
    return String.join("\n", lines);
  }

  @Override
  public void close() throws Exception {
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    process.waitFor(10, TimeUnit.SECONDS);
  }
}
