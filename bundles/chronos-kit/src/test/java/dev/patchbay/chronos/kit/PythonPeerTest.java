// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The peer of {@code examples/chronos-peer} against the kit, and two of them with each other. */
class PythonPeerTest {
  private static final Path SCRIPT = Path.of("../../examples/chronos-peer/chronos_peer.py");

  /** The deadlines of the page, with longer waits for a slow machine. */
  private static final Deadlines SPECIFIED =
      new Deadlines(5_000, 15_000, 30_000, 20_000, 10_000, 1_000);

  @TempDir Path folder;
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void needsPython() throws Exception {
    assumeTrue(version() >= 8, "needs python3, version 3.8 or later");
  }

  /** Returns the minor version of Python 3; -1 without one. */
  private static int version() throws InterruptedException {
    try {
      Process python =
          new ProcessBuilder("python3", "-c", "import sys; print(sys.version_info[1])").start();
      String text = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return python.waitFor() == 0 ? Integer.parseInt(text.strip()) : -1;
    } catch (IOException | NumberFormatException missing) {
      return -1;
    }
  }

  @AfterEach
  void stop() {
    processes.forEach(Process::destroyForcibly);
  }

  private BufferedReader start(String... options) throws IOException {
    List<String> line = new ArrayList<>(List.of("python3", "-B", SCRIPT.toString()));
    line.addAll(List.of(options));
    Process process =
        new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    processes.add(process);
    return process.inputReader(StandardCharsets.UTF_8);
  }

  private static InetSocketAddress address(BufferedReader lines) throws IOException {
    String line = lines.readLine();
    assertThat(line).startsWith("listening ");
    return new InetSocketAddress(
        InetAddress.getLoopbackAddress(), Integer.parseInt(line.substring(10)));
  }

  private Path blocks(int length) throws IOException {
    Path file = folder.resolve(length + ".frames");
    Files.write(file, TestChain.frames(ChronosTckTest.BLOCKS.subList(0, length)));
    return file;
  }

  /** Starts a peer that serves the blocks of the chain on a free port, and returns its address. */
  private InetSocketAddress serve(String... options) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of("--listen", "0", "--blocks", blocks(ChronosTckTest.LENGTH).toString()));
    all.addAll(List.of(options));
    return address(start(all.toArray(String[]::new)));
  }

  private static void assertPasses(Kit kit, List<Case> cases) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ChronosTck.run(kit, cases, new PrintStream(out, true, StandardCharsets.UTF_8));
    assertThat(out.toString(StandardCharsets.UTF_8))
        .endsWith("\n" + cases.size() + " passed, 0 failed, 0 skipped\n");
  }

  @Test
  void theKitPassesAgainstThePythonPeer() throws Exception {
    // the deadlines of the peer are those of the page; the kit need not wait as long here
    Deadlines deadlines = new Deadlines(1_000, 15_000, 1_500, 20_000, 10_000, 250);
    assertPasses(ChronosTckTest.kit(serve(), deadlines, null), Conformance.cases());
  }

  @Test
  void theKitPassesAgainstADialingPythonPeer() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      InetSocketAddress target = serve("--dial", "127.0.0.1:" + listener.getLocalPort());
      Kit kit = ChronosTckTest.kit(target, SPECIFIED, null);
      kit.listen(listener);
      assertPasses(kit, Dialing.cases());
    }
  }

  /** The cases that wait for deadlines run at the same time, each against a peer of its own. */
  @Test
  void theHostileCasesPassAgainstThePythonPeer() throws Exception {
    Map<Boolean, List<Case>> cases =
        Hostile.cases().stream().collect(Collectors.partitioningBy(one -> isSlow(one.name())));
    assertThat(cases.get(true)).hasSize(9);
    ExecutorService pool = Executors.newCachedThreadPool();
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (Case one : cases.get(true)) {
        InetSocketAddress target = serve();
        runs.add(
            pool.submit(
                () -> assertPasses(ChronosTckTest.kit(target, SPECIFIED, null), List.of(one))));
      }
      assertPasses(ChronosTckTest.kit(serve(), SPECIFIED, null), cases.get(false));
      for (Future<?> run : runs) {
        run.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static boolean isSlow(String name) {
    return name.matches("hostile (silent|one byte|flood|1,000) .*");
  }

  @Test
  void aPythonPeerPullsFromAnother() throws Exception {
    int length = ChronosTckTest.LENGTH;
    Path file = blocks(length);
    int port = address(start("--listen", "0", "--blocks", file.toString())).getPort();
    Path genesis = folder.resolve("genesis.json");
    Files.writeString(genesis, ChronosTckTest.BLOCKS.get(0).data().get("block_header").toString());
    BufferedReader lines =
        start("--dial", "127.0.0.1:" + port, "--seed-only", "--genesis", genesis.toString());
    // the head is not confirmed, and comes by its hash
    for (int number = 0; number < length; number++) {
      assertThat(lines.readLine())
          .isEqualTo("block " + number + " " + ChronosTckTest.BLOCKS.get(number).hash());
    }
  }
}
