// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * A node of the distribution, which has to be built, over the benchmarks' genesis.
 *
 * @param data its data directory
 * @param http where it answers
 * @param webSocket where it answers over WebSocket
 * @param engine where it answers a consensus client, on a chain that has one
 */
record BenchNode(Path data, URI http, URI webSocket, URI engine) implements RpcNode {
  private static final Pattern RESIDENT = Pattern.compile("VmHWM:\\s+([0-9]+) kB");

  /** Returns the chain of the benchmarks' input. */
  static Path chain(Path input) throws IOException {
    return input.resolve("chain.rlp.gz").toRealPath();
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /**
   * Starts a node that has imported a file of blocks; it serves every namespace that is measured.
   */
  static BenchNode start(Path input, Path work, Path blocks) throws Exception {
    return start(genesis(input, work), work.resolve("node"), imported(blocks));
  }

  /** Starts a node that has imported a file of blocks, and accepts peers of this machine. */
  static BenchNode startWithPeers(Path input, Path work, Path blocks) throws Exception {
    List<String> more = new ArrayList<>(imported(blocks));
    more.addAll(List.of("--p2p-host", "127.0.0.1", "--p2p-port", "0", "--discovery", "off"));
    more.addAll(List.of("--max-peers", "80")); // of which a third is for dials
    return start(genesis(input, work), work.resolve("node"), more);
  }

  private static List<String> imported(Path blocks) {
    return List.of("--import", blocks.toString());
  }

  private static Path genesis(Path input, Path work) throws IOException {
    Path genesis = work.resolve("genesis.json");
    try (GZIPInputStream in =
        new GZIPInputStream(Files.newInputStream(input.resolve("genesis.json.gz")))) {
      Files.copy(in, genesis);
    }
    return genesis;
  }

  /**
   * Starts a node with its own data directory, which does not exist yet; without a port no peers.
   */
  static BenchNode start(Path genesis, Path data, List<String> more) throws Exception {
    Path log = data.resolveSibling(data.getFileName() + ".log");
    int http = freePort();
    int webSocket = freePort();
    int engine = freePort();
    List<String> line =
        new ArrayList<>(
            List.of(
                "../patchbay",
                "run",
                "--datadir",
                data.toString(),
                "--storage",
                "rocksdb",
                "--genesis",
                genesis.toString(),
                "--namespaces",
                "eth,net,web3,admin,debug,txpool,testing",
                "--http-port",
                "" + http,
                "--ws-port",
                "" + webSocket));
    if (!Files.readString(genesis).contains("\"clique\"")) {
      line.addAll(List.of("--engine-port", "" + engine));
    }
    if (!more.contains("--p2p-port")) {
      line.addAll(List.of("--p2p", "off"));
    }
    line.addAll(more);
    Process launcher =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    while (!Files.readString(log).contains("Patchbay is running")) {
      if (!launcher.isAlive()) {
        throw new IllegalStateException("the node did not start: " + Files.readString(log));
      }
      launcher.waitFor(200, TimeUnit.MILLISECONDS);
    }
    return new BenchNode(
        data,
        URI.create("http://127.0.0.1:" + http),
        URI.create("ws://127.0.0.1:" + webSocket),
        URI.create("http://127.0.0.1:" + engine));
  }

  /** Runs a command of the launcher on the node; returns the seconds that it took. */
  double run(String... command) throws Exception {
    String[] line = new String[command.length + 3];
    line[0] = "../patchbay";
    line[1] = command[0];
    line[2] = "--datadir";
    line[3] = data.toString();
    System.arraycopy(command, 1, line, 4, command.length - 1);
    Path out = Files.createTempFile(data.getParent(), "launcher", ".txt");
    long start = System.nanoTime();
    int status =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start()
            .waitFor();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (status != 0) {
      throw new IOException(String.join(" ", line) + " failed: " + Files.readString(out));
    }
    return seconds;
  }

  /** Returns the process of the node. */
  ProcessHandle process() throws IOException {
    long pid = Long.parseLong(Files.readString(data.resolve("pid")).strip());
    return ProcessHandle.of(pid).orElseThrow();
  }

  /** Returns the most memory that the node has had resident, in bytes. */
  long mostResident() throws IOException {
    long most = 0;
    for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
      Path status = Path.of("/proc/" + process.pid() + "/status");
      if (process.info().commandLine().orElse("").contains(data.toString())
          && Files.exists(status)) {
        Matcher matcher = RESIDENT.matcher(Files.readString(status));
        most = Math.max(most, matcher.find() ? Long.parseLong(matcher.group(1)) * 1_024 : 0);
      }
    }
    return most;
  }

  @Override
  public void close() throws Exception {
    run("stop");
  }

  /** Deletes a folder and all in it. */
  static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
