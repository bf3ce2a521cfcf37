// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A network of validators started with {@code patchbay dev --validators}, as a user starts it. */
final class LocalNetwork implements AutoCloseable {
  /** Ends what the launcher prints of a network that runs. */
  private static final String LAST_ACCOUNT = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720";

  final Path data;

  /** Node 1 first. */
  final List<Node> nodes = new ArrayList<>();

  private final int httpPort;
  private final int wsPort;
  private final int p2pPort;
  private Process process;
  private Path output;

  LocalNetwork(Path data, int size) {
    this.data = data;
    httpPort = Node.freePorts(size);
    wsPort = Node.freePorts(size);
    p2pPort = Node.freePorts(size);
    for (int i = 0; i < size; i++) {
      nodes.add(new Node(data.resolve("node" + (i + 1)), "run", httpPort + i, wsPort + i));
    }
  }

  /** Returns the arguments of the launcher that start the network. */
  List<String> arguments(int validators, String... more) {
    List<String> out = new ArrayList<>(List.of("dev", "--validators", "" + validators));
    out.addAll(List.of("--datadir", data.toString(), "--http-port", "" + httpPort));
    out.addAll(List.of("--ws-port", "" + wsPort, "--p2p-port", "" + p2pPort));
    out.addAll(List.of(more));
    return out;
  }

  /** Starts the nodes, and waits until the launcher says that they run. */
  void start(String... more) throws Exception {
    List<String> line = new ArrayList<>(List.of(Node.ROOT.resolve("patchbay").toString()));
    line.addAll(arguments(nodes.size(), more));
    output = Files.createTempFile("patchbay-network", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(QuickJvm.environment());
    process = builder.start();
    awaitOutput("is running a network of " + nodes.size() + " validator");
    awaitOutput(LAST_ACCOUNT);
  }

  String output() throws IOException {
    return Files.readString(output);
  }

  /** Waits until the launcher has printed a text. */
  void awaitOutput(String text) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!output().contains(text)) {
      if (!process.isAlive() || System.nanoTime() > limit) {
        throw new AssertionError("not printed: " + text + "\n" + output());
      }
      process.waitFor(50, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * Starts a node that has ended with the command that the launcher has printed.
   *
   * @param options of Java, for this node
   */
  void restart(int index, String... options) throws Exception {
    Matcher command =
        Pattern.compile("node " + (index + 1) + "  has ended.*\n *(.*)\n").matcher(output());
    if (!command.find()) {
      throw new AssertionError("no command for node " + (index + 1) + ": " + output());
    }
    nodes
        .get(index)
        .launch(QuickJvm.environment(options), List.of("bash", "-c", "exec " + command.group(1)))
        .awaitStart();
  }

  /** Returns the address of a validator, as the launcher has printed it, in small letters. */
  String validator(int index) throws IOException {
    Matcher addresses = Pattern.compile("(?m)^  validator  (0x[0-9a-fA-F]{40})$").matcher(output());
    for (int i = 0; i <= index; i++) {
      if (!addresses.find()) {
        throw new AssertionError("no validator " + (index + 1) + ": " + output());
      }
    }
    return addresses.group(1).toLowerCase(Locale.ROOT);
  }

  /** Returns the enode URL of a node. */
  String url(int index) throws IOException {
    return Files.readAllLines(data.resolve("nodes.txt")).get(index);
  }

  /** Kills the launcher of the network, as kill -9 does; the nodes go on. */
  void killLauncher() throws Exception {
    process.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
  }

  /** Ends the network as Ctrl-C and a supervisor do; returns the exit status. */
  int stop() throws Exception {
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("the network has not ended: " + output());
    }
    return process.exitValue();
  }

  @Override
  public void close() throws Exception {
    if (process != null && process.isAlive()) {
      stop();
    }
    if (Files.exists(data.resolve("network.json"))) { // nodes without the launcher of the network
      Node.launcher(Map.of(), List.of("stop", "--datadir", data.toString()));
    }
  }
}
