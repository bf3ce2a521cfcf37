// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The test suites eth and snap of geth's devp2p tool, against a node that has imported geth's test
 * chain. Run by {@code -Pgeth}, which needs Go and the programs.
 */
@Isolated
class GethSuitesIT {
  private static final String FEATURES =
      "patchbay-netty patchbay-p2p-devp2p patchbay-p2p-eth patchbay-p2p-snap";

  private static final int SUITE_MINUTES = 5;

  @TempDir Path folder;

  /** A release of geth, and how many tests its suites have. */
  enum Release {
    /** Speaks eth/69 and eth/70. */
    CURRENT("it.devp2p", "v1.17.5", 20, 5),

    /** The last one that seals Clique; speaks eth/68. */
    CLIQUE("it.devp2p.old", "v1.13.15", 13, 5);

    private final String property;
    private final String version;
    private final int eth;
    private final int snap;

    Release(String property, String version, int eth, int snap) {
      this.property = property;
      this.version = version;
      this.eth = eth;
      this.snap = snap;
    }

    /** Returns the program; skips the test where there is none. */
    String program() {
      return Geth.program("devp2p", version, property, "--version");
    }

    /** Returns the folder of the test chain, in the cache of Go's modules. */
    Path chain() throws Exception {
      Process go = new ProcessBuilder("go", "env", "GOMODCACHE").start();
      String cache = new String(go.getInputStream().readAllBytes()).strip();
      Path chain =
          Path.of(cache)
              .resolve("github.com/ethereum/go-ethereum@" + version)
              .resolve("cmd/devp2p/internal/ethtest/testdata");
      assumeTrue(
          Files.exists(chain),
          "SKIPPED: no test chain: go mod download github.com/ethereum/go-ethereum@" + version);
      return chain;
    }
  }

  @ParameterizedTest
  @EnumSource(Release.class)
  void theSuitesPass(Release release) throws Exception {
    String program = release.program();
    assumeTrue(Npm.works("go", "version"), "SKIPPED: the test chain is in a module of Go");
    Path chain = release.chain();
    try (Node node = new Node(folder.resolve("node"), "run")) {
      node.start(
          "--storage",
          "memory",
          "--genesis",
          chain.resolve("genesis.json").toString(),
          "--import",
          chain.resolve("chain.rlp").toString(),
          "--namespaces",
          "eth,net,web3,admin,txpool");
      configure(node, "txpool", "max.sender.transactions=2048\n"); // the suite sends 2,000
      configure(node, "p2p.devp2p", "host=127.0.0.1\nport=" + Node.freePort() + "\n");
      Node.Result installed = node.shell("feature:install " + FEATURES);
      assertThat(installed.status()).as(installed.output()).isZero();
      Journeys.await(
          "an identity", () -> !node.result("admin_nodeInfo").get("enode").asText().isEmpty());
      // eth last: it leaves transactions in the pool
      assertThat(run(program, "snap-test", chain, node)).as("snap").isEqualTo(release.snap);
      assertThat(run(program, "eth-test", chain, node)).as("eth").isEqualTo(release.eth);
    }
  }

  private static void configure(Node node, String name, String text) throws Exception {
    Files.writeString(node.data.resolve("etc/dev.patchbay." + name + ".cfg"), text);
  }

  /** Runs a suite; returns how many tests have passed. None may have failed. */
  private int run(String program, String suite, Path chain, Node node) throws Exception {
    String url = node.result("admin_nodeInfo").get("enode").asText();
    String secret = Files.readString(node.data.resolve("jwt.hex")).strip();
    Path output = folder.resolve(suite + ".tap");
    Path errors = folder.resolve(suite + ".txt");
    List<String> line = new ArrayList<>(List.of(program, "rlpx", suite, "--tap"));
    line.addAll(List.of("--chain", chain.toString(), "--node", url));
    line.addAll(List.of("--engineapi", "http://127.0.0.1:" + node.enginePort));
    line.addAll(List.of("--jwtsecret", secret.startsWith("0x") ? secret : "0x" + secret));
    Process process =
        new ProcessBuilder(line)
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile())
            .start();
    boolean ended = process.waitFor(SUITE_MINUTES, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    String results = Files.readString(output);
    assertThat(ended).as(results).isTrue();
    assertThat(results.lines().filter(one -> one.startsWith("not ok"))).as(results).isEmpty();
    assertThat(process.exitValue()).as(results + Files.readString(errors)).isZero();
    return (int) results.lines().filter(one -> one.startsWith("ok")).count();
  }
}
