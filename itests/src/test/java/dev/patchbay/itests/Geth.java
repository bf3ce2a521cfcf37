// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** geth or op-geth as it is published, in a process of its own. */
final class Geth implements AutoCloseable {
  private static final String SECRET = "07".repeat(32);

  final EngineClient client;
  private final int port;
  private final Process process;

  private Geth(EngineClient client, int port, Process process) {
    this.client = client;
    this.port = port;
    this.process = process;
  }

  /**
   * Starts it on a genesis; skips the test where there is no Go to build it with.
   *
   * @param project the folder that says which of them, and of which version
   * @param more options that only that one has
   */
  static Geth start(Path folder, Path genesis, String project, String... more) throws Exception {
    String binary = build(project).toString();
    String data = folder.resolve(project).toString();
    assertThat(
            Journeys.run(
                folder, Map.of(), List.of(binary, "--datadir", data, "init", "" + genesis)))
        .isZero();
    int engine = Node.freePort();
    int port = Node.freePort();
    Path secret = Files.writeString(folder.resolve(project + ".hex"), SECRET);
    List<String> line = new ArrayList<>(List.of(binary, "--datadir", data));
    line.addAll(List.of("--nodiscover", "--maxpeers", "0", "--ipcdisable", "--port", "0"));
    line.addAll(List.of("--syncmode", "full", "--gcmode", "archive", "--verbosity", "2"));
    line.addAll(List.of("--miner.gasprice", "1"));
    line.addAll(List.of(more));
    line.addAll(List.of("--http", "--http.port", "" + port, "--http.api", "eth,debug"));
    line.addAll(List.of("--authrpc.port", "" + engine, "--authrpc.jwtsecret", "" + secret));
    Process process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(project + ".log").toFile())
            .start();
    try {
      Node.awaitPort(engine);
      Node.awaitPort(port);
      return new Geth(EngineClient.of(engine, SECRET), port, process);
    } catch (Exception failed) {
      process.destroyForcibly();
      throw failed;
    }
  }

  /** Calls a method that must succeed; returns its result. */
  JsonNode result(String method, Object... params) throws Exception {
    JsonNode reply = Node.json(Node.post(port, Node.request(method, params)));
    if (!reply.has("result")) {
      throw new AssertionError(method + " failed: " + reply);
    }
    return reply.get("result");
  }

  private static Path build(String name) throws Exception {
    assumeTrue(
        Npm.works("go", "version"),
        "SKIPPED: " + name + " is built with Go 1.24: apt-get install golang");
    Path project = Node.ROOT.resolve("itests/" + name);
    Path binary = Node.ROOT.resolve("itests/target/" + name).toAbsolutePath();
    List<String> command =
        List.of("go", "build", "-o", "" + binary, "github.com/ethereum/go-ethereum/cmd/geth");
    assertThat(Journeys.run(project, Map.of(), command)).isZero();
    return binary;
  }

  @Override
  public void close() throws Exception {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }
}
