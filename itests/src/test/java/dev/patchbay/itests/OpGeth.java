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

/** op-geth as it is published, in a process of its own. */
final class OpGeth implements AutoCloseable {
  private static final String SECRET = "07".repeat(32);

  final EngineClient client;
  private final int port;
  private final Process process;

  private OpGeth(EngineClient client, int port, Process process) {
    this.client = client;
    this.port = port;
    this.process = process;
  }

  /** Starts it on a genesis; skips the test where there is no Go to build it with. */
  static OpGeth start(Path folder, Path genesis) throws Exception {
    String binary = build().toString();
    String data = folder.resolve("op-geth").toString();
    assertThat(
            Journeys.run(
                folder, Map.of(), List.of(binary, "--datadir", data, "init", "" + genesis)))
        .isZero();
    int engine = Node.freePort();
    int port = Node.freePort();
    Path secret = Files.writeString(folder.resolve("op-geth.hex"), SECRET);
    List<String> line = new ArrayList<>(List.of(binary, "--datadir", data));
    line.addAll(List.of("--nodiscover", "--maxpeers", "0", "--ipcdisable", "--port", "0"));
    line.addAll(List.of("--syncmode", "full", "--gcmode", "archive", "--verbosity", "2"));
    line.addAll(List.of("--rollup.disabletxpoolgossip", "--miner.gasprice", "1"));
    line.addAll(List.of("--http", "--http.port", "" + port, "--http.api", "eth,debug"));
    line.addAll(List.of("--authrpc.port", "" + engine, "--authrpc.jwtsecret", "" + secret));
    Process process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("op-geth.log").toFile())
            .start();
    try {
      Node.awaitPort(engine);
      Node.awaitPort(port);
      return new OpGeth(EngineClient.of(engine, SECRET), port, process);
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

  private static Path build() throws Exception {
    assumeTrue(
        Npm.works("go", "version"),
        "SKIPPED: op-geth is built with Go 1.24: apt-get install golang");
    Path project = Node.ROOT.resolve("itests/op-geth");
    Path binary = Node.ROOT.resolve("itests/target/op-geth").toAbsolutePath();
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
